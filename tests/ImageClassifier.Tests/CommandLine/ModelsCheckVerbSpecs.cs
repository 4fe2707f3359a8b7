using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Onnx;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

public sealed class ModelsCheckVerbSpecs : IDisposable
{
    private readonly TestModel _model = new();
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        _model.Dispose();
        _output.Dispose();
    }

    [Fact]
    public void A_sound_model_is_described_in_sentences()
    {
        _model.With("\"NCHW\"", "\"NCHW\", \"channels\": \"BGR\"").With("[0, 0, 0]", "[0.5, 0.5, 0.25]");
        _model.Labels = "blue\ngreen\nred\n";
        _model.Write().WriteSample("red.png", SKColors.Red);

        Assert.Equal(ExitCodes.Done, Check());

        AssertSays("Model       channels");
        AssertSays("Network     model.onnx");
        AssertSays("Input       input: float32 [N, 3, 8, 8]");
        AssertSays("the shorter side is resized to 8 pixels (bilinear), and the centre of 8 x 8 is cut out; the order of "
            + "the channels is BGR");
        AssertSays("black is -0.5, -0.5, -0.25; white is 0.5, 0.5, 0.75");
        AssertSays("Output      logits: logits, of which a softmax makes probabilities");
        AssertSays("Classes     3 of labels.txt: blue | green | red");
        AssertSays("Samples     1 picture");
        AssertSays($"The model can be used: --set image-classifier.node.classification.model={_model.Path}");
    }

    [Fact]
    public void Every_fault_is_named()
    {
        _model.SecondInput = "temperature";
        _model.With("\"name\": \"logits\"", "\"name\": \"probs\"").Write();

        Assert.Equal(ExitCodes.SomeFailed, Check());

        AssertSays("SHA-256");
        AssertSays("The model cannot be used:");
        AssertSays("- the model has no output probs; it has logits.");
        AssertSays("- besides input the model needs the input temperature");
    }

    [Fact]
    public void A_failed_sample_is_named()
    {
        _model.Write().WriteSample("red.png", SKColors.Blue);

        Assert.Equal(ExitCodes.SomeFailed, Check());

        AssertSays("- the model answers \"blue\" (58 %) for its sample samples/red.png, which must be \"red\"");
    }

    [Fact]
    public void Programs_get_one_json_object()
    {
        _model.With("\"shorterSide\": 8, \"crop\": \"center\"", "\"squash\": true").Write();
        Assert.Equal(ExitCodes.Done, Check(json: true));

        using var sound = JsonDocument.Parse(_output.ToString());
        Assert.True(sound.RootElement.GetProperty("usable").GetBoolean());
        Assert.Equal(64, sound.RootElement.GetProperty("sha256").GetString()!.Length);
        Assert.Equal("model.onnx", sound.RootElement.GetProperty("parts")[0].GetString());
        Assert.Equal("float32", sound.RootElement.GetProperty("input").GetProperty("type").GetString());
        Assert.Equal(1, sound.RootElement.GetProperty("input").GetProperty("range")[1].GetDouble());
        Assert.Equal("logits", sound.RootElement.GetProperty("output").GetProperty("kind").GetString());
        Assert.Equal(3, sound.RootElement.GetProperty("classes").GetInt32());

        _output.GetStringBuilder().Clear();
        File.Delete(_model.File("labels.txt"));
        Assert.Equal(ExitCodes.SomeFailed, Check(json: true));
        using var faulty = JsonDocument.Parse(_output.ToString());
        Assert.False(faulty.RootElement.GetProperty("usable").GetBoolean());
        Assert.Contains(
            "labels.txt is missing", faulty.RootElement.GetProperty("faults")[0].GetString()!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Float", false, "\"kind\": \"logits\"", "\"mean\": [0.485, 0.456, 0.406]")]
    [InlineData("Float", true, "\"kind\": \"probabilities\"", "\"range\": [0, 1]")]
    [InlineData("Byte", false, "\"kind\": \"logits\"", "\"width\": 8, \"height\": 8,\n    \"resize\"")]
    public void A_missing_contract_is_written_from_the_network(
        string numbers, bool softmax, string kind, string scaling)
    {
        _model.Element = Enum.Parse<OnnxElement>(numbers);
        _model.HasSoftmax = softmax;
        _model.Write();
        File.Delete(_model.File("model.json"));

        Assert.Equal(ExitCodes.Done, Check());

        var written = File.ReadAllText(_model.File("model.json"));
        Assert.Contains(kind, written, StringComparison.Ordinal);
        Assert.Contains(scaling, written, StringComparison.Ordinal);
        Assert.Contains("\"layout\": \"NCHW\"", written, StringComparison.Ordinal);
        AssertSays("model.json was missing, so a first one was written:");
        AssertSays("- Seen in the network: the input input is [free, 3, 8, 8].");
        AssertSays("- Guessed: channels RGB");
        AssertSays("- Tried: the kind is ");
        AssertSays("The model can be used");
    }

    [Fact]
    public void A_guess_sees_the_layout_the_background_and_the_only_network()
    {
        _model.InputShape = [1, -1, -1, 3];
        _model.MeanOver = [1, 2];
        _model.Head = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]];
        _model.Write();
        File.Delete(_model.File("model.json"));
        File.Move(_model.File("model.onnx"), _model.File("export.onnx"));

        Assert.Equal(ExitCodes.Done, Check());

        var written = File.ReadAllText(_model.File("model.json"));
        Assert.Contains("\"parts\": [\"export.onnx\"]", written, StringComparison.Ordinal);
        Assert.Contains("\"layout\": \"NHWC\"", written, StringComparison.Ordinal);
        Assert.Contains("\"width\": 224, \"height\": 224", written, StringComparison.Ordinal);
        Assert.Contains("\"shorterSide\": 256", written, StringComparison.Ordinal);
        Assert.Contains("\"range\": [-1, 1]", written, StringComparison.Ordinal);
        Assert.Contains("\"firstClass\": 1", written, StringComparison.Ordinal);
        AssertSays("a free width or height became 224");
        AssertSays("Guessed: firstClass is 1");
    }

    [Fact]
    public void Nothing_is_written_if_the_network_cannot_be_known()
    {
        _model.Write();
        File.Delete(_model.File("model.json"));
        File.Move(_model.File("model.onnx"), _model.File("a.onnx"));
        File.Copy(_model.File("a.onnx"), _model.File("b.onnx"));
        Assert.Equal(ExitCodes.SomeFailed, Check());
        AssertSays("there are several networks (a.onnx, b.onnx)");

        File.Delete(_model.File("a.onnx"));
        File.Delete(_model.File("b.onnx"));
        Assert.Equal(ExitCodes.SomeFailed, Check());
        AssertSays("there is no .onnx file");

        _model.InputShape = [-1, 1, 8, 8];
        File.WriteAllBytes(_model.File("model.onnx"), new OnnxGraph(_model).Whole());
        Assert.Equal(ExitCodes.SomeFailed, Check());
        AssertSays("the network's input input is [free, 1, 8, 8], but a picture has 3 channels");
        Assert.False(File.Exists(_model.File("model.json")));
    }

    [Fact]
    public void The_model_of_the_settings_need_not_be_there()
    {
        _model.Write();
        var settings = Sources.Set("image-classifier.node.classification.model=/nowhere/at/all");

        Assert.Equal(ExitCodes.Done, new ModelsCheckVerb(_output).Run(new ModelsCheckOptions(settings, _model.Path, Json: false)));
    }

    [Fact]
    public void A_contract_that_cannot_be_written_is_a_fault()
    {
        if (OperatingSystem.IsWindows()) return;
        _model.Write();
        File.Delete(_model.File("model.json"));
        var mode = File.GetUnixFileMode(_model.Path);
        OrdinaryUser.LetRead(_model.Path);
        try
        {
            OrdinaryUser.Run(() => Assert.Equal(ExitCodes.SomeFailed, Check()));
        }
        finally
        {
            File.SetUnixFileMode(_model.Path, mode);
        }

        AssertSays("- model.json is missing, and a first one cannot be written (");
    }

    [Fact]
    public void A_contract_behind_a_link_to_nothing_is_a_fault()
    {
        _model.Write();
        File.Delete(_model.File("model.json"));
        File.CreateSymbolicLink(_model.File("model.json"), "nowhere");

        Assert.Equal(ExitCodes.SomeFailed, Check());

        AssertSays($"- model.json is a link to {_model.File("nowhere")}, where nothing is");
        Assert.False(File.Exists(_model.File("nowhere")));
    }

    [Fact]
    public void A_written_contract_has_a_name_without_invisible_characters()
    {
        var folder = Path.Combine(_model.Path, "a\u202Eb");
        _model.Write();
        Directory.CreateDirectory(folder);
        foreach (var name in new[] { "model.onnx", "labels.txt" }) File.Move(_model.File(name), Path.Combine(folder, name));

        Assert.Equal(ExitCodes.Done, new ModelsCheckVerb(_output).Run(
            new ModelsCheckOptions(new SettingsSources(), folder, Json: false)));
        AssertSays("Model       a\uFFFDb");
    }

    [Theory]
    [InlineData("")]
    [InlineData("nowhere")]
    public void A_folder_that_is_not_there_is_wrong_use(string name) =>
        Assert.Throws<InvalidSettingException>(() => new ModelsCheckVerb(_output).Run(
            new ModelsCheckOptions(new SettingsSources(), name, Json: false)));

    private int Check(bool json = false) =>
        new ModelsCheckVerb(_output).Run(new ModelsCheckOptions(new SettingsSources(), _model.Path, json));

    private void AssertSays(string text) => Assert.Contains(text, _output.ToString(), StringComparison.Ordinal);
}
