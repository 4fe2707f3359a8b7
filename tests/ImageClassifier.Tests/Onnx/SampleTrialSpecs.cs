using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Testing;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class SampleTrialSpecs : IDisposable
{
    private readonly TestModel _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_model_that_knows_its_samples_is_loaded()
    {
        _model.Write().WriteSample("red.png", SKColors.Red).WriteSample("Red-2.PNG", SKColors.DarkRed)
            .WriteSample("blue-10.png", SKColors.Blue);
        File.WriteAllText(_model.File("samples/README.md"), "Other files are not looked at.");

        using var classifier = _model.Load();
    }

    [Fact]
    public void A_model_that_fails_samples_is_refused_and_each_is_named_with_the_answer()
    {
        _model.Write().WriteSample("red.png", SKColors.Red).WriteSample("blue.png", SKColors.Lime)
            .WriteSample("green-2.png", SKColors.Red);

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains("the model answers \"green\" (58", defect, StringComparison.Ordinal);
        Assert.Contains("for its sample samples/blue.png, which must be \"blue\"", defect, StringComparison.Ordinal);
        Assert.Contains("sample samples/green-2.png, which must be \"green\"", defect, StringComparison.Ordinal);
        Assert.DoesNotContain("samples/red.png", defect, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_show_a_wrong_order_of_channels()
    {
        _model.With("\"NCHW\"", "\"NCHW\", \"channels\": \"BGR\"").Write().WriteSample("red.png", SKColors.Red);

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains("compare input.channels", defect, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_of_no_label_is_refused()
    {
        _model.Write().WriteSample("purple.png", SKColors.Purple);

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains("samples/purple.png is not named by a label of labels.txt", defect, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_that_is_no_picture_is_refused()
    {
        _model.Write().WriteSample("red.png", SKColors.Red);
        File.WriteAllText(_model.File("samples/red.png"), "not a picture");

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains("samples/red.png cannot be decoded", defect, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_that_cannot_be_read_is_a_failure_of_the_machine()
    {
        _model.Write().WriteSample("red.png", SKColors.Red);
        var directory = ModelDirectory.Load(_model.Path);
        using var network = new LoadedNetwork(NetworkSession.Open(directory, 1, 1), directory.Contract);
        var trial = new SampleTrial(
            directory, new PictureDecoder(directory.Contract.Input, TestModel.Limits(1_000_000)), network);
        using var locked = new FileStream(
            _model.File("samples/red.png"), FileMode.Open, FileAccess.Read, FileShare.None);

        var failure = Assert.Throws<ModelDefectException>(trial.Run);
        Assert.Contains("samples/red.png cannot be read", failure.Message, StringComparison.Ordinal);
        Assert.True(MachineFailure.IsCauseOf(failure));
    }

    [Fact]
    public void Too_many_samples_are_refused()
    {
        _model.Write();
        for (var i = 1; i <= 101; i++) _model.WriteSample($"red-{i}.png", SKColors.Red);

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains("samples is wrong: it has 101 pictures; leave at most 100", defect, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_sample_that_is_no_regular_file_is_refused_before_it_is_opened()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        _model.Write().WriteSample("red.png", SKColors.Red).MakePipe("samples/blue.png");
        File.CreateSymbolicLink(_model.File("samples/green.png"), "/dev/zero");
        Directory.CreateDirectory(_model.File("samples/red-2.png"));
        File.CreateSymbolicLink(_model.File("samples/red-3.png"), "nowhere");

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains("samples/blue.png is a named pipe (FIFO); put the file itself there", defect, StringComparison.Ordinal);
        Assert.Contains("samples/green.png is a device", defect, StringComparison.Ordinal);
        Assert.Contains("samples/red-2.png is a folder", defect, StringComparison.Ordinal);
        Assert.Contains($"samples/red-3.png is a link to {_model.File("samples/nowhere")}, where nothing is", defect, StringComparison.Ordinal);
        Assert.DoesNotContain("samples/red.png", defect, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_sample_beyond_the_limit_is_not_read()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only some file systems have files with holes");
        _model.Write().WriteSample("red.png", SKColors.Red).WriteZeros("samples/green.png", 3L << 30);

        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load()).Message;

        Assert.Contains(
            "samples/green.png has 3221225472 bytes, but may have at most 26214400", defect, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Samples_that_are_no_folder_are_refused()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        _model.Write();
        File.WriteAllText(_model.File("samples"), "");
        AssertRefused("samples is wrong: it is a file, but must be a folder of pictures");
        _model.MakePipe("samples");
        AssertRefused("samples is wrong: it is a named pipe (FIFO), but must be a folder of pictures");
        File.Delete(_model.File("samples"));
        File.CreateSymbolicLink(_model.File("samples"), "nowhere");
        AssertRefused("samples is wrong: it is no folder");

        void AssertRefused(string clause) => Assert.Contains(
            clause, Assert.Throws<InvalidSettingException>(() => _model.Load()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("goldfish", 1, "goldfish")]
    [InlineData("goldfish", 2, "goldfish-2")]
    [InlineData("area-51", 1, "area-51-1")]
    [InlineData("AC/DC: 100%?", 1, "AC%2FDC%3A 100%25%3F")]
    [InlineData("Käse 日本", 3, "Käse 日本-3")]
    [InlineData("+", 1, "+")]
    [InlineData("a\u0085b", 1, "a%C2%85b")]
    public void A_sample_of_any_label_has_a_name(string label, int number, string name)
    {
        Assert.Equal(name, SampleNames.For(label, number));
        Assert.Equal([label], SampleNames.LabelsFor(name, ["other", label]));
    }

    [Fact]
    public void Labels_of_synonyms_have_short_names()
    {
        string[] labels = ["goldfish, Carassius auratus", "crane", "crane, lifting machine", "crane"];
        var synonyms = "shark, " + new string('x', 250);

        Assert.Equal([labels[0]], SampleNames.LabelsFor("goldfish-7", labels));
        Assert.Equal([labels[1], labels[2]], SampleNames.LabelsFor("crane", labels));
        Assert.Equal("shark-2", SampleNames.For(synonyms, 2));
        Assert.Empty(SampleNames.LabelsFor("-2", labels));
    }
}
