using System.Diagnostics;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Models;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Models;

public sealed class KeptArrangementsSpecs : IDisposable
{
    private static readonly ModelIdentity Model = new("model", new string('a', 64));
    private static readonly ArrangementSettings TwoCores = new(null, null, null, Cores: 2);
    private static readonly ArrangementReport Report = new(
        [
            new RunArrangement(2, 1, 1) { PicturesPerSecond = 300.5 },
            new RunArrangement(1, 2, 1) { PicturesPerSecond = 250 },
        ],
        TimeSpan.FromSeconds(1));

    private readonly TemporaryFolder _folder = new();
    private readonly KeptArrangements _kept;

    public KeptArrangementsSpecs() => _kept = new KeptArrangements(Folder, "1.2.3");

    private string Folder => Path.Combine(_folder.Path, "arrangements");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_measurement_is_kept_with_its_figures()
    {
        Assert.Null(_kept.Find(Model, TwoCores));
        Assert.Null(_kept.Keep(Model, TwoCores, Report));

        Assert.Equal(Report.Measured[0], new KeptArrangements(Folder, "1.2.3").Find(Model, TwoCores));
        Assert.Equal([$"{Model.Sha256}.json"], Directory.EnumerateFiles(Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Another_model_other_cores_other_settings_and_another_runtime_are_measured_again()
    {
        _kept.Keep(Model, TwoCores, Report);

        Assert.Null(_kept.Find(Model with { Sha256 = new string('b', 64) }, TwoCores));
        Assert.Null(_kept.Find(Model, TwoCores with { Cores = 4 }));
        Assert.Null(_kept.Find(Model, TwoCores with { Classifiers = 2 }));
        Assert.Null(new KeptArrangements(Folder, "1.2.4").Find(Model, TwoCores));
        Assert.NotNull(_kept.Find(Model with { Name = "renamed" }, TwoCores));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("measured", "measured\":null,\"x")]
    [InlineData("\"batch\":1", "\"batch\":0")]
    [InlineData("\"classifiers\":2", "\"classifiers\":3")]
    [InlineData("\"batch\":1", "\"batch\":1000000000")]
    // Their product is 0 in 32 bits.
    [InlineData("\"classifiers\":2,\"threads\":1", "\"classifiers\":65536,\"threads\":65536")]
    [InlineData("300.5", "-1")]
    [InlineData("300.5", "NaN")]
    [InlineData("300.5", "1e999")]
    [InlineData("300.5", "null")]
    [InlineData("{\"classifiers\":2,\"threads\":1,\"batch\":1,\"picturesPerSecond\":300.5}", "null")]
    public void A_damaged_file_counts_as_no_measurement(string damage, string? replacement = null)
    {
        _kept.Keep(Model, TwoCores, Report);
        var file = Path.Combine(Folder, $"{Model.Sha256}.json");
        var text = File.ReadAllText(file);
        Assert.True(replacement is null || text.Contains(damage, StringComparison.Ordinal));
        File.WriteAllText(file, replacement is null ? damage : text.Replace(damage, replacement, StringComparison.Ordinal));

        Assert.Null(_kept.Find(Model, TwoCores));
        Assert.Null(_kept.Keep(Model, TwoCores, Report));
        Assert.Equal(Report.Measured[0], _kept.Find(Model, TwoCores));
    }

    [Fact]
    public void A_model_that_takes_less_than_the_pinned_batch_is_measured_once()
    {
        var pinned = TwoCores with { Batch = 8 };
        _kept.Keep(Model, pinned, Report);

        Assert.Equal(Report.Measured[0], _kept.Find(Model, pinned));
    }

    [SkippableFact]
    public void A_pipe_and_a_huge_file_are_not_read()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no pipes in folders.");
        _kept.Keep(Model, TwoCores, Report);
        var file = Path.Combine(Folder, $"{Model.Sha256}.json");
        File.AppendAllText(file, new string(' ', 1 << 16));
        Assert.Null(_kept.Find(Model, TwoCores));

        File.Delete(file);
        using (var made = Process.Start("mkfifo", [file])) made.WaitForExit();
        Assert.True(File.Exists(file));
        Assert.Null(_kept.Find(Model, TwoCores));

        Assert.Null(_kept.Keep(Model, TwoCores, Report));
        Assert.NotNull(_kept.Find(Model, TwoCores));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_keeps_nothing_and_says_why()
    {
        _folder.Write("arrangements", "a file");

        Assert.NotNull(_kept.Keep(Model, TwoCores, Report));
        Assert.Null(_kept.Find(Model, TwoCores));
        Assert.True(_kept.TryTakeTurn(out var turn));
        Assert.Null(turn);
    }

    [Fact]
    public void One_node_of_the_machine_measures_at_a_time()
    {
        Assert.True(_kept.TryTakeTurn(out var turn));
        Assert.False(new KeptArrangements(Folder, "1.2.3").TryTakeTurn(out _));

        turn!.Dispose();
        Assert.True(_kept.TryTakeTurn(out turn));
        turn!.Dispose();
    }

    [Fact]
    public void The_files_are_beside_the_models_or_in_the_cache_of_the_service()
    {
        var layout = new EmbeddedLayout(_folder.Path);
        KeptArrangements.Of(layout, "/not/used", "1").Keep(Model, TwoCores, Report);
        Assert.True(File.Exists(Path.Combine(layout.Models, ".arrangements", $"{Model.Sha256}.json")));
        Assert.Empty(new ModelStore(layout.Models).List());

        KeptArrangements.Of(null, $"{_folder.Path}:/other", "1").Keep(Model, TwoCores, Report);
        Assert.True(File.Exists(Path.Combine(Folder, $"{Model.Sha256}.json")));

        var nowhere = KeptArrangements.Of(null, null, "1");
        Assert.Null(nowhere.Keep(Model, TwoCores, Report));
        Assert.Null(nowhere.Find(Model, TwoCores));
    }
}
