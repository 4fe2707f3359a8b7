using System.Globalization;
using System.Text.Json;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Startup;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Host.Models;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Onnx;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

/// <summary>The verbs on the registry of models with the store of a data folder.</summary>
public sealed class RegistryVerbSpecs : IDisposable
{
    private static readonly InstanceId Node = InstanceId.Parse("node-1");

    private readonly TemporaryFolder _folder = new();
    private readonly TestModel _model = new TestModel().Write();
    private readonly StringWriter _output = new();
    private readonly FileObjectStore _store;

    public RegistryVerbSpecs()
    {
        new EmbeddedLayout(_folder.Path).Create();
        _store = new FileObjectStore(new EmbeddedLayout(_folder.Path));
    }

    public void Dispose()
    {
        _folder.Dispose();
        _model.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task A_model_of_the_data_folder_is_pushed_activated_tried_as_a_canary_and_rolled_back()
    {
        await RunAsync(new ModelsAddOptions(Set(), _model.Path, "fruit", null, null, null, false, Json: true));
        Assert.Equal(ExitCodes.Done, await RunAsync(new ModelsPushOptions(Set(), "fruit", null, Json: true)));
        var pushed = Json();
        Assert.Equal("fruit", pushed.GetProperty("name").GetString());
        Assert.Equal(3, pushed.GetProperty("classes").GetInt32());
        var first = new ModelReference("fruit", pushed.GetProperty("sha256").GetString()!);
        var second = await PushOtherAsync("other");

        Assert.Equal(ExitCodes.Done, await ActivateAsync("fruit"));
        Assert.Equal(first, await ActiveAsync());
        Assert.False(Json().GetProperty("before").TryGetProperty("active", out _));
        Assert.Equal(first.Sha256, Json().GetProperty("now").GetProperty("active").GetProperty("sha256").GetString());
        Assert.Equal("untried", Json().GetProperty("verdict").GetString());

        Assert.Equal(ExitCodes.Done, await CanaryAsync(second.ToString(), "10%"));
        Assert.Equal(new ModelCanary(second, 0.1), (await RolloutAsync()).Canary);
        Assert.Equal(first, await ActiveAsync());

        Assert.Equal(ExitCodes.Done, await ActivateAsync("other"));
        Assert.Equal((second, null), (await ActiveAsync(), (await RolloutAsync()).Canary));

        await CanaryAsync("fruit", "0.5");
        Assert.Equal(ExitCodes.Done, await RollBackAsync());
        Assert.Equal((second, null), (await ActiveAsync(), (await RolloutAsync()).Canary));
        await RollBackAsync();
        Assert.Equal(first, await ActiveAsync());
        await RollBackAsync();
        Assert.Null(await ActiveAsync());
    }

    [Fact]
    public async Task People_read_the_state_before_and_after()
    {
        var model = await PushAsync();
        var other = await PushOtherAsync("other");
        await RunAsync(new ModelsActivateOptions(Set(), "fruit", Json: false));
        Assert.Contains("Before: new batches got the model of the nodes' setting.", Text(), StringComparison.Ordinal);
        Assert.Contains($"Now:    new batches get fruit@{model.Sha256[..12]}.", Text(), StringComparison.Ordinal);
        Assert.Contains("No node has tried", Text(), StringComparison.Ordinal);

        await JudgeAsync(other, new ModelVerdict(true, null, Node));
        await RunAsync(new ModelsCanaryOptions(Set(), "other", "2.5 %", Json: false));
        Assert.Contains(
            $"new batches get fruit@{model.Sha256[..12]}, and 2.5% of them other@{other.Sha256[..12]}.", Text(),
            StringComparison.Ordinal);
        Assert.DoesNotContain("No node has tried", Text(), StringComparison.Ordinal);

        await RunAsync(new ModelsRegistryOptions(Set(), Json: false));
        Assert.Matches($"fruit .*{model.Sha256[..12]} .*active .*untried .*3 ", Text());
        Assert.Matches($"other .*{other.Sha256[..12]} .*canary 2[.]5% .*usable .*3 ", Text());
    }

    [Fact]
    public async Task The_registry_is_a_sentence_and_a_table_with_a_row_for_each_model()
    {
        var (active, canary) = (await PushAsync(), await PushOtherAsync("other"));
        var pushedAt = (await new ModelRegistry(_store).ListAsync(null, default))
            .ToDictionary(
                model => model.Model,
                model => model.PushedAt!.Value.UtcDateTime.ToString("u", CultureInfo.InvariantCulture));
        await JudgeAsync(active, new ModelVerdict(true, null, Node));
        await ActivateAsync("fruit");
        await CanaryAsync("other", "10%");

        await RunAsync(new ModelsRegistryOptions(Set(), Json: false));

        var lines = Text().Split(Environment.NewLine);
        Assert.Equal(
            $"New batches get fruit@{active.Sha256[..12]}, and 10% of them other@{canary.Sha256[..12]}.", lines[0]);
        Assert.Equal(
            [
                "Model|SHA-256|State|Verdict|Classes|Size|Pushed",
                $"fruit|{active.Sha256[..12]}|active|usable|3|0.0 MB|{pushedAt[active]}",
                $"other|{canary.Sha256[..12]}|canary 10%|untried|3|0.0 MB|{pushedAt[canary]}",
            ],
            lines.Where(line => line.StartsWith('│'))
                .Select(line => string.Join('|', line.Trim('│').Split('│').Select(cell => cell.Trim()))));
    }

    [Fact]
    public async Task The_registry_lists_verdicts_with_their_reasons_and_models_whose_files_are_gone()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(new ModelsRegistryOptions(Set(), Json: false)));
        Assert.Contains("The registry is empty", Text(), StringComparison.Ordinal);

        var refused = await PushAsync();
        var gone = await PushOtherAsync("gone");
        await ActivateAsync("gone");
        await ActivateAsync("fruit");
        await JudgeAsync(refused, new ModelVerdict(false, "its samples fail.", Node));
        await _store.DeleteAsync(RegistryKeys.Files(gone), default);

        Assert.Equal(ExitCodes.Done, await RunAsync(new ModelsRegistryOptions(Set(), Json: true)));

        var models = Json().GetProperty("models");
        Assert.Equal(refused.Sha256, Json().GetProperty("active").GetProperty("sha256").GetString());
        Assert.Equal("gone", Json().GetProperty("earlier")[0].GetProperty("name").GetString());
        Assert.Equal(2, models.GetArrayLength());
        Assert.Equal("unusable", models[0].GetProperty("verdict").GetString());
        Assert.Equal("the node node-1 refused it: its samples fail", models[0].GetProperty("reason").GetString());
        Assert.Equal("gone", models[1].GetProperty("name").GetString());
        Assert.Equal("it is not in the registry", models[1].GetProperty("reason").GetString());

        await RunAsync(new ModelsRegistryOptions(Set(), Json: false));
        Assert.Matches("gone .*earlier 1 .*unusable: it is not in the registry", Text());
    }

    [Fact]
    public async Task A_rollback_to_a_refused_model_says_so()
    {
        var refused = await PushAsync();
        await ActivateAsync("fruit");
        await PushOtherAsync("other");
        await ActivateAsync("other");
        await JudgeAsync(refused, new ModelVerdict(false, "its samples fail", Node));

        await RunAsync(new ModelsRollbackOptions(Set(), Json: false));

        Assert.Equal(refused, await ActiveAsync());
        Assert.Contains("its samples fail. Batches get the model that was active before it.", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_is_chosen_by_the_first_digits_of_its_hash()
    {
        var first = await PushAsync();
        var second = await PushOtherAsync("fruit");

        var several = await FailsAsync(() => ActivateAsync("fruit"));
        Assert.True(several.IsWrongUse);
        Assert.Contains(first.ToString(), several.Message, StringComparison.Ordinal);
        Assert.Contains(second.ToString(), several.Message, StringComparison.Ordinal);

        await ActivateAsync($"fruit@{second.Sha256[..8]}");
        Assert.Equal(second, await ActiveAsync());
        await ActivateAsync($"fruit@{first.Sha256.ToUpperInvariant()}");
        Assert.Equal(first, await ActiveAsync());
    }

    [Fact]
    public async Task Digits_that_fit_several_versions_choose_none()
    {
        ModelReference[] versions = [new("fruit", new string('a', 64)), new("fruit", new string('a', 63) + "b")];
        foreach (var version in versions) await ListFilesAsync(version);

        var several = await FailsAsync(() => ActivateAsync("fruit@aaaaaaaaaa"));
        Assert.Contains("several versions", several.Message, StringComparison.Ordinal);
        await ActivateAsync(versions[1].ToString());
        Assert.Equal(versions[1], await ActiveAsync());
    }

    [Theory]
    [InlineData("Fruit", "no name of a model")]
    [InlineData("../fruit", "no name of a model")]
    [InlineData("", "no name of a model")]
    [InlineData("fruit@1234567", "8 to 64 hexadecimal digits")]
    [InlineData("fruit@notdigits", "8 to 64 hexadecimal digits")]
    [InlineData("fruit@", "8 to 64 hexadecimal digits")]
    [InlineData("fruit@00000000", "It has fruit@")]
    [InlineData("apple", "It has: fruit. Push the model first: image-classifier models push apple")]
    public async Task A_model_that_is_not_in_the_registry_is_wrong_use(string model, string says)
    {
        await PushAsync();
        foreach (var run in (Func<Task<int>>[])[() => ActivateAsync(model), () => CanaryAsync(model, "10%")])
        {
            var failure = await FailsAsync(run);
            Assert.True(failure.IsWrongUse);
            Assert.Contains(says, failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(ModelRollout.None, await RolloutAsync());
    }

    [Fact]
    public async Task A_refused_model_is_activated_only_after_another_push()
    {
        var model = await PushAsync();
        await JudgeAsync(model, new ModelVerdict(false, "its samples fail", Node));
        foreach (var run in (Func<Task<int>>[])[() => ActivateAsync("fruit"), () => CanaryAsync("fruit", "10%")])
        {
            var failure = await FailsAsync(run);
            Assert.False(failure.IsWrongUse);
            Assert.Contains("node-1 refused it: its samples fail", failure.Message, StringComparison.Ordinal);
            Assert.Contains("models push fruit", failure.Message, StringComparison.Ordinal);
        }

        await RunAsync(new ModelsPushOptions(Set(), _model.Path, "fruit", Json: false));

        Assert.Contains("Now nodes try it again", Text(), StringComparison.Ordinal);
        Assert.False(await _store.ExistsAsync(RegistryKeys.Verdict(model), default));
        Assert.Equal(ExitCodes.Done, await ActivateAsync("fruit"));
    }

    [Fact]
    public async Task Damaged_documents_are_named_and_a_push_and_an_activation_replace_them()
    {
        var model = await PushAsync();
        await _store.PutAsync(RegistryKeys.Rollout, "{"u8.ToArray(), default);
        foreach (var run in (Func<Task<int>>[])[RollBackAsync, () => CanaryAsync("fruit", "10%")])
            Assert.Contains("active.json is damaged", (await FailsAsync(run)).Message, StringComparison.Ordinal);
        await RunAsync(new ModelsRegistryOptions(Set(), Json: false));
        Assert.Contains("active.json is damaged", Text(), StringComparison.Ordinal);
        await ActivateAsync("fruit");
        Assert.Equal(model, await ActiveAsync());

        foreach (var (key, what) in new[] { (RegistryKeys.Files(model), "list of files"), (RegistryKeys.Verdict(model), "verdict") })
        {
            await _store.PutAsync(key, "{"u8.ToArray(), default);
            var failure = await FailsAsync(() => ActivateAsync("fruit"));
            Assert.Contains($"its {what} is damaged", failure.Message, StringComparison.Ordinal);
            await PushAsync();
            Assert.Equal(ExitCodes.Done, await ActivateAsync("fruit"));
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("0%")]
    [InlineData("0.9%")]
    [InlineData("100%")]
    [InlineData("10")]
    [InlineData("1")]
    [InlineData("-5%")]
    [InlineData("0,1")]
    [InlineData("half")]
    [InlineData("")]
    public async Task A_share_is_from_1_to_99_percent(string share)
    {
        await PushAsync();
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => CanaryAsync("fruit", share));
        Assert.Equal("--share", wrong.Key);
        Assert.Equal(ModelRollout.None, await RolloutAsync());
    }

    [Theory]
    [InlineData("1%", 0.01)]
    [InlineData("99%", 0.99)]
    [InlineData("0.01", 0.01)]
    [InlineData(".25", 0.25)]
    [InlineData("12.5%", 0.125)]
    public async Task A_share_is_a_percentage_or_a_number(string share, double parsed)
    {
        await PushAsync();
        await CanaryAsync("fruit", share);
        Assert.Equal(parsed, (await RolloutAsync()).Canary!.Share);
    }

    [Fact]
    public async Task The_active_model_cannot_be_its_own_canary()
    {
        await PushAsync();
        await ActivateAsync("fruit");
        Assert.True((await FailsAsync(() => CanaryAsync("fruit", "10%"))).IsWrongUse);
    }

    [Fact]
    public async Task The_active_model_under_another_name_is_no_canary_but_can_become_active()
    {
        await PushAsync();
        await ActivateAsync("fruit");
        await RunAsync(new ModelsPushOptions(Set(), _model.Path, "same", Json: true));

        var failure = await FailsAsync(() => CanaryAsync("same", "10%"));

        Assert.True(failure.IsWrongUse);
        Assert.Contains("fruit has the same SHA-256", failure.Message, StringComparison.Ordinal);
        Assert.Null((await RolloutAsync()).Canary);
        Assert.Equal(ExitCodes.Done, await ActivateAsync("same"));
        Assert.Equal("same", (await ActiveAsync())!.Name);
    }

    [Fact]
    public async Task Without_an_active_model_there_is_nothing_to_roll_back()
    {
        Assert.True((await FailsAsync(RollBackAsync)).IsWrongUse);
        Assert.False(await _store.ExistsAsync(RegistryKeys.Rollout, default));
    }

    [Fact]
    public async Task A_directory_is_pushed_under_its_own_name_or_a_given_one()
    {
        var directory = Directory.CreateDirectory(Path.Combine(_folder.Path, "Apples")).FullName;
        foreach (var file in Directory.EnumerateFiles(_model.Path))
            File.Copy(file, Path.Combine(directory, Path.GetFileName(file)));
        await RunAsync(new ModelsPushOptions(Set(), directory + Path.DirectorySeparatorChar, null, Json: true));
        Assert.Equal("apples", Json().GetProperty("name").GetString());

        await RunAsync(new ModelsPushOptions(Set(), directory, "pears", Json: false));
        Assert.Contains("Pushed: pears@", Text(), StringComparison.Ordinal);
        Assert.DoesNotContain("two models", Text(), StringComparison.Ordinal);
        Assert.Contains("models activate pears@", Text(), StringComparison.Ordinal);

        foreach (var name in new[] { "Not Good", "a/b", "active.json" })
        {
            var wrong = await Assert.ThrowsAsync<InvalidSettingException>(
                () => RunAsync(new ModelsPushOptions(Set(), directory, name, Json: true)));
            Assert.Equal("--name", wrong.Key);
        }
    }

    [Fact]
    public async Task A_model_that_is_not_on_this_machine_is_wrong_use()
    {
        var unknown = await FailsAsync(() => RunAsync(new ModelsPushOptions(Set(), "nothing", null, Json: true)));
        Assert.True(unknown.IsWrongUse);
        var known = await FailsAsync(() => RunAsync(new ModelsPushOptions(Set(), "mobilenetv2", null, Json: true)));
        Assert.Contains("models add mobilenetv2", known.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_fails_its_samples_is_not_pushed()
    {
        _model.WriteSample("blue.png", SkiaSharp.SKColors.Red);

        var failure = await FailsAsync(() => PushAsync());

        Assert.Contains("was not pushed: the model answers \"red\"", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsWrongUse);
        Assert.Empty(await _store.ListAsync("", default).ToListAsync());
    }

    [Fact]
    public async Task A_missing_or_empty_data_folder_is_wrong_use_and_is_not_created()
    {
        var missing = Path.Combine(_folder.Path, "missing");
        var empty = Directory.CreateDirectory(Path.Combine(_folder.Path, "empty")).FullName;
        foreach (var data in new[] { missing, empty })
        {
            var settings = Sources.Set($"{EmbeddedLayout.DataFolderKey}={data}");
            foreach (var options in (RegistryOptions[])
                [new ModelsRegistryOptions(settings, false), new ModelsPushOptions(settings, _model.Path, "fruit", false)])
            {
                var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(options));
                Assert.Equal(EmbeddedLayout.DataFolderKey, wrong.Key);
            }
        }

        Assert.False(Directory.Exists(missing));
        Assert.Empty(Directory.EnumerateFileSystemEntries(empty));
    }

    [Fact]
    public async Task A_store_that_cannot_be_used_is_named()
    {
        var objects = Directory.CreateDirectory(new EmbeddedLayout(_folder.Path).Objects).FullName;
        await File.WriteAllTextAsync(Path.Combine(objects, "models"), "no folder");

        var failure = await FailsAsync(() => PushAsync());

        Assert.Contains($"the data folder {_folder.Path} could not be used", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsWrongUse);
    }

    private async Task<ModelReference> PushAsync()
    {
        await RunAsync(new ModelsPushOptions(Set(), _model.Path, "fruit", Json: true));
        return new ModelReference("fruit", Json().GetProperty("sha256").GetString()!);
    }

    /// <summary>Pushes a model with other labels.</summary>
    private async Task<ModelReference> PushOtherAsync(string name)
    {
        using var other = new TestModel { Labels = "crimson\ngreen\nblue\n" }.Write();
        await RunAsync(new ModelsPushOptions(Set(), other.Path, name, Json: true));
        return new ModelReference(name, Json().GetProperty("sha256").GetString()!);
    }

    private Task ListFilesAsync(ModelReference model) => _store.PutAsync(
        RegistryKeys.Files(model),
        WireJson.WriteUtf8(new PushedModel(model, 3, [new PushedFile("model.json", 1, new string('c', 64))])), default);

    private Task JudgeAsync(ModelReference model, ModelVerdict verdict) =>
        _store.PutAsync(RegistryKeys.Verdict(model), WireJson.WriteUtf8(verdict), default);

    private async Task<ModelRollout> RolloutAsync() =>
        (await new ModelRegistry(_store).ReadRolloutAsync(default)).OrNull ?? ModelRollout.None;

    private async Task<ModelReference?> ActiveAsync() => (await RolloutAsync()).Active;

    private Task<int> ActivateAsync(string model) => RunAsync(new ModelsActivateOptions(Set(), model, Json: true));

    private Task<int> CanaryAsync(string model, string share) =>
        RunAsync(new ModelsCanaryOptions(Set(), model, share, Json: true));

    private Task<int> RollBackAsync() => RunAsync(new ModelsRollbackOptions(Set(), Json: true));

    private static Task<ModelFailureException> FailsAsync(Func<Task> run) => Assert.ThrowsAsync<ModelFailureException>(run);

    private Task<int> RunAsync(ModelsOptions options)
    {
        _output.GetStringBuilder().Clear();
        return ModelsHosting.RunAsync(options, _output, width: null, progress: null, CancellationToken.None);
    }

    private SettingsSources Set() => Sources.Set($"{EmbeddedLayout.DataFolderKey}={_folder.Path}");

    private JsonElement Json() => JsonElement.Parse(Text());

    private string Text() => _output.ToString();
}
