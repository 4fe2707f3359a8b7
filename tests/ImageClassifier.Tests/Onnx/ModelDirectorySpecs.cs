using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class ModelDirectorySpecs : IDisposable
{
    private readonly TestModel _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_valid_directory_gives_the_contract_the_labels_and_the_hash()
    {
        _model.Write();

        var directory = ModelDirectory.Load(_model.Path);

        Assert.Equal("channels", directory.Identity.Name);
        Assert.Equal(Sha256Sum("model.json", "labels.txt", "model.onnx"), directory.Identity.Sha256);
        Assert.Equal(["red", "green", "blue"], directory.Labels);
        Assert.Equal(new ModelResize(8, null), directory.Contract.Input.Resize);
        Assert.Equal(OutputKind.Logits, directory.Contract.Output.Kind);
    }

    [Fact]
    public void The_hash_covers_contract_labels_network_and_weights()
    {
        _model.Weights = "weights.bin";
        _model.Write().WriteWeights(1, 1, 1);
        var first = ModelDirectory.Load(_model.Path).Identity.Sha256;
        Assert.Equal(Sha256Sum("model.json", "labels.txt", "model.onnx", "weights.bin"), first);

        _model.WriteWeights(1, 2, 1);
        var otherWeights = ModelDirectory.Load(_model.Path).Identity.Sha256;
        _model.Json = _model.Json.Replace("\"range\": [0, 1]", "\"range\": [0, 2]", StringComparison.Ordinal);
        _model.Write();
        var otherContract = ModelDirectory.Load(_model.Path).Identity.Sha256;
        File.WriteAllText(_model.File("labels.txt"), "crimson\ngreen\nblue\n");
        var otherLabels = ModelDirectory.Load(_model.Path).Identity.Sha256;
        File.WriteAllText(_model.File("README.md"), "What lies beside the model is not the model.");

        Assert.Equal(4, new[] { first, otherWeights, otherContract, otherLabels }.Distinct().Count());
        Assert.Equal(otherLabels, ModelDirectory.Load(_model.Path).Identity.Sha256);
        using var classifier = _model.Load();
    }

    [Theory]
    [InlineData("../weights.bin", "which is not in the model directory")]
    [InlineData("sub/../../weights.bin", "which is not in the model directory")]
    [InlineData("/etc/passwd", "which is not in the model directory")]
    [InlineData("", "which is not in the model directory")]
    [InlineData("none.bin", "none.bin is missing")]
    public void Weights_outside_the_directory_are_refused(string name, string clause)
    {
        _model.Weights = name;
        _model.Write();

        AssertDefect(_model.Path, clause, () => ModelDirectory.Load(_model.Path));
    }

    [Fact]
    public void Weights_behind_a_symbolic_link_are_refused()
    {
        _model.Weights = "weights.bin";
        _model.Write();
        File.CreateSymbolicLink(_model.File("weights.bin"), "/etc/hostname");

        AssertDefect(_model.Path, "weights.bin are reached by a symbolic link", () => ModelDirectory.Load(_model.Path));
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("labels.txt")]
    [InlineData("model.json")]
    [InlineData("weights.bin")]
    public void A_git_lfs_pointer_is_reported_with_the_remedy(string name)
    {
        _model.Weights = "weights.bin";
        _model.Write().WriteWeights(1, 1, 1);
        File.WriteAllText(
            _model.File(name), $"version https://git-lfs.github.com/spec/v1\noid sha256:{new string('0', 64)}\nsize 7\n");

        AssertDefect(_model.Path, $"{name} is a Git LFS pointer", () => ModelDirectory.Load(_model.Path));
        AssertDefect(_model.Path, "git lfs pull", () => ModelDirectory.Load(_model.Path));
    }

    [SkippableTheory]
    [InlineData("model.onnx")]
    [InlineData("labels.txt")]
    [InlineData("model.json")]
    [InlineData("weights.bin")]
    [InlineData("config.json")]
    public void What_is_no_regular_file_is_refused_before_it_is_opened(string name)
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        _model.Weights = "weights.bin";
        _model.Write().WriteWeights(1, 1, 1);
        if (name == "config.json") File.Delete(_model.File("labels.txt"));
        _model.MakePipe(name);
        AssertDefect(_model.Path, $"{name} is a named pipe (FIFO)", () => ModelDirectory.Load(_model.Path));

        File.Delete(_model.File(name));
        Directory.CreateDirectory(_model.File(name));
        AssertDefect(_model.Path, $"{name} is a folder", () => ModelDirectory.Load(_model.Path));
        if (name == "weights.bin") return;
        Directory.Delete(_model.File(name));
        File.CreateSymbolicLink(_model.File(name), "/dev/zero");
        AssertDefect(_model.Path, $"{name} is a device", () => ModelDirectory.Load(_model.Path));
    }

    [SkippableTheory]
    [InlineData("labels.txt")]
    [InlineData("model.json")]
    [InlineData("config.json")]
    public void A_text_beyond_the_limit_is_not_read(string name)
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only some file systems have files with holes");
        _model.Write();
        if (name == "config.json") File.Delete(_model.File("labels.txt"));
        _model.WriteZeros(name, 3L << 30);

        AssertDefect(
            _model.Path, $"{name} has 3221225472 bytes, but may have at most 16777216", () => ModelDirectory.Load(_model.Path));
    }

    [Fact]
    public void An_empty_network_is_called_empty()
    {
        _model.Write();
        File.WriteAllText(_model.File("model.onnx"), "");

        AssertDefect(_model.Path, "model.onnx is wrong: it is empty (0 bytes); fetch or export it again", () => _model.Load());
    }

    [Fact]
    public void A_truncated_network_is_reported()
    {
        _model.Write();
        var whole = File.ReadAllBytes(_model.File("model.onnx"));
        for (var length = 1; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(_model.File("model.onnx"), whole[..length]);
            AssertDefect(_model.Path, "model.onnx", () => _model.Load());
        }
    }

    [Fact]
    public void Logits_are_refused_if_the_contract_says_probabilities()
    {
        _model.Json = _model.Json.Replace(
            "\"kind\": \"logits\"", "\"kind\": \"probabilities\"", StringComparison.Ordinal);
        _model.Write();

        AssertDefect(_model.Path, "all classes add up to 0, not to 1", () => _model.Load());
        AssertDefect(_model.Path, "set kind to logits", () => _model.Load());
    }

    [Fact]
    public void Probabilities_are_refused_if_the_contract_says_logits()
    {
        _model.HasSoftmax = true;
        _model.Write();

        AssertDefect(_model.Path, "set kind to probabilities", () => _model.Load());
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_refused()
    {
        _model.Weights = "weights.bin";
        _model.Write().WriteWeights(1, float.PositiveInfinity, 1);

        AssertDefect(_model.Path, "(black) the model gives class 1 the number NaN", () => _model.Load());
    }

    [Fact]
    public void A_relative_path_is_found_beside_the_program()
    {
        var directory = ModelDirectory.Load("models/tiny-imagenet-200");

        Assert.Equal("tiny-imagenet-200", directory.Identity.Name);
        Assert.Equal(["ResNet18.onnx", "head.onnx"], directory.Contract.Parts);
        Assert.Equal(200, directory.Labels.Count);
    }

    [Fact]
    public void Files_with_a_byte_order_mark_are_read()
    {
        _model.Json = "\uFEFF" + _model.Json;
        _model.Labels = "\uFEFF" + _model.Labels;
        _model.Write();

        Assert.Equal("red", ModelDirectory.Load(_model.Path).Labels[0]);
    }

    [Fact]
    public void A_missing_directory_is_reported()
    {
        var path = _model.File("nowhere");

        AssertDefect(path, "there is no directory", () => ModelDirectory.Load(path));
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("labels.txt")]
    [InlineData("model.json")]
    public void A_missing_file_is_reported(string name)
    {
        _model.Write();
        File.Delete(_model.File(name));

        AssertDefect(_model.Path, $"{name} is missing", () => ModelDirectory.Load(_model.Path));
    }

    [Theory]
    [InlineData("{ \"name\"", "{ name", "it is not JSON (line 1")]
    [InlineData("\"name\": \"channels\",", "", "name is missing")]
    [InlineData("\"channels\"", "\"\\ud800\"", "it has a text that is not valid Unicode")]
    [InlineData("\"channels\"", "7", "name is 7, but must be a text that is not blank")]
    [InlineData("\"channels\"", "\"\"", "name is \"\", but must be a text that is not blank")]
    [InlineData("\"channels\"", "\"a\\u001b[2J\"", "name is \"a\\u001b[2J\", but must be a text without invisible characters")]
    [InlineData("\"channels\"", "\"a\u202Eb\"", "name is \"a\uFFFDb\", but must be a text without invisible characters")]
    [InlineData("\"channels\"", "\"a\\nb\"", "name is \"a\\nb\", but must be a text without invisible characters")]
    [InlineData("\"name\": \"channels\"", "\"name\": \"a\", \"name\": \"b\"", "name is there twice; remove one of the two")]
    [InlineData("\"width\": 8", "\"width\": 8, \"width\": 9", "input.width is there twice; remove one of the two")]
    [InlineData("\"width\": 8", "\"width\": \"8\"", "input.width is \"8\", but must be a whole number from 1 to 4096")]
    [InlineData("\"width\": 8", "\"width\": 0", "input.width is 0")]
    [InlineData("\"width\": 8", "\"width\": 8.5", "input.width is 8.5")]
    [InlineData("NCHW", "NCWH", "input.layout is \"NCWH\", but must be NCHW or NHWC")]
    [InlineData("\"range\": [0, 1]", "\"range\": [0]", "input.range is [0], but must be a list of 2 numbers")]
    [InlineData("\"range\": [0, 1]", "\"range\": [1, 1]", "input.range is [1, 1], but must be a list of 2 different numbers")]
    [InlineData("\"std\": [1, 1, 1]", "\"std\": [1, 0, 1]", "input.std[1] is 0, but must be a number other than 0")]
    [InlineData("\"std\": [1, 1, 1]", "\"std\": [1, 1e99, 1]", "input.std[1] is 1e99, but must be a number from -1e9 to 1e9")]
    [InlineData("\"mean\": [0, 0, 0]", "\"mean\": [0, \"0\", 0]", "input.mean[1] is \"0\", but must be a number from -1e9 to 1e9")]
    [InlineData("\"mean\": [0, 0, 0],", "", "input.mean is missing")]
    [InlineData("\"shorterSide\": 8", "\"shorterSide\": 7", "input.resize.shorterSide is 7, but must be")]
    [InlineData("\"crop\": \"center\"", "\"crop\": \"left\"", "input.resize.crop is \"left\", but must be center")]
    [InlineData("\"crop\"", "\"prescale\": 4, \"crop\"", "input.resize.prescale is 4, but must be")]
    [InlineData("\"crop\"", "\"prescal\": 16, \"crop\"", "input.resize.prescal is unknown")]
    [InlineData("\"kind\": \"logits\"", "\"kind\": \"scores\"", "output.kind is \"scores\", but must be")]
    [InlineData("NCHW\"", "NCHW\", \"channels\": \"GBR\"", "input.channels is \"GBR\", but must be RGB or BGR")]
    [InlineData("\"crop\"", "\"filter\": \"lanczos\", \"crop\"", "input.resize.filter is \"lanczos\", but must be bilinear or")]
    [InlineData("\"crop\"", "\"squash\": true, \"crop\"", "input.resize has squash, which crops nothing; remove squash or")]
    [InlineData("\"crop\"", "\"squash\": 1, \"crop\"", "input.resize.squash is 1, but must be true or false")]
    [InlineData("\"input\":", "\"parts\": [], \"input\":", "parts is [], but must be a list of 1 to 16 file names")]
    [InlineData("\"input\":", "\"parts\": [\"a\", \"../b\"], \"input\":", "parts[1] is \"../b\", but must be the plain name")]
    [InlineData("\"input\":", "\"parts\": [\"/b\"], \"input\":", "parts[0] is \"/b\", but must be the plain name")]
    [InlineData("\"input\":", "\"parts\": [\"..\"], \"input\":", "parts[0] is \"..\", but must be the plain name")]
    [InlineData("\"input\":", "\"parts\": [\"a\", \"a\"], \"input\":", "parts is [\"a\", \"a\"], but must be a list without repetition")]
    [InlineData("\"kind\"", "\"firstClass\": -1, \"kind\"", "output.firstClass is -1, but must be a whole number from 0")]
    public void A_wrong_field_is_reported_with_its_allowed_values(string sound, string wrong, string clause)
    {
        _model.Json = _model.Json.Replace(sound, wrong, StringComparison.Ordinal);
        _model.Write();

        AssertDefect(_model.Path, $"model.json is wrong: {clause}", () => ModelDirectory.Load(_model.Path));
    }

    [Fact]
    public void A_long_value_is_refused_and_only_its_beginning_is_shown()
    {
        _model.Json = _model.Json.Replace("channels", new string('n', 100_000), StringComparison.Ordinal);
        _model.Write();
        var tooLong = Assert.Throws<InvalidSettingException>(() => ModelDirectory.Load(_model.Path)).Message;
        Assert.Contains(
            "nnn\u2026, but must be a text of at most 255 characters (it has 100000)", tooLong, StringComparison.Ordinal);
        Assert.InRange(tooLong.Length, 1, 1000);

        _model.Json = _model.Json.Replace(new string('n', 100_000), "channels", StringComparison.Ordinal)
            .Replace("\"layout\"", $"\"{new string('k', 100_000)}\"", StringComparison.Ordinal);
        _model.Write();
        var unknown = Assert.Throws<InvalidSettingException>(() => ModelDirectory.Load(_model.Path)).Message;
        Assert.Contains("kkk\u2026 is unknown; known there are name, layout", unknown, StringComparison.Ordinal);
        Assert.InRange(unknown.Length, 1, 1000);
    }

    [Theory]
    [InlineData("[]", "the whole is [], but must be an object")]
    [InlineData("null", "the whole is null, but must be an object")]
    [InlineData("", "it is not JSON")]
    public void A_contract_that_is_not_an_object_is_reported(string json, string clause)
    {
        _model.Json = json;
        _model.Write();

        AssertDefect(_model.Path, $"model.json is wrong: {clause}", () => ModelDirectory.Load(_model.Path));
    }

    [Theory]
    [InlineData("", "it has no labels")]
    [InlineData("red\n\nblue\n", "line 2 is empty")]
    [InlineData("red\ngr\u001Been\nblue\n", "line 2 has the invisible character U+001B; remove it")]
    [InlineData("red\ngreen\nb\u202Elue\n", "line 3 has the invisible character U+202E; remove it")]
    public void Labels_that_cannot_be_shown_are_reported(string labels, string clause)
    {
        _model.Labels = labels;
        _model.Write();

        AssertDefect(_model.Path, $"labels.txt is wrong: {clause}", () => ModelDirectory.Load(_model.Path));
    }

    [Fact]
    public void A_label_that_is_too_long_is_reported_without_its_text()
    {
        _model.Labels = $"red\n{new string('g', 1001)}\nblue\n";
        _model.Write();

        var defect = Assert.Throws<InvalidSettingException>(() => ModelDirectory.Load(_model.Path)).Message;

        Assert.Contains("labels.txt is wrong: line 2 has 1001 characters, more than 1000", defect, StringComparison.Ordinal);
        Assert.DoesNotContain("ggg", defect, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_a_network_is_reported()
    {
        _model.Write();
        File.WriteAllText(_model.File("model.onnx"), "not a network");

        AssertDefect(_model.Path, "model.onnx is wrong: it is not an ONNX network", () => _model.Load());
    }

    [Fact]
    public void A_number_of_labels_that_differs_from_the_classes_is_reported()
    {
        _model.Labels = "red\ngreen\n";
        _model.Write();

        AssertDefect(_model.Path, "labels.txt names 2 classes, but the model has 3", () => _model.Load());
    }

    [Theory]
    [InlineData("\"name\": \"input\"", "\"name\": \"image\"", "the model has no input image; it has input")]
    [InlineData("\"name\": \"logits\"", "\"name\": \"probs\"", "the model has no output probs; it has logits")]
    [InlineData("\"width\": 8,", "\"width\": 4,", "input is [free, 3, 8, 8], but model.json makes it [N, 3, 8, 4]")]
    [InlineData("NCHW", "NHWC", "but model.json makes it [N, 8, 8, 3]")]
    public void A_network_that_breaks_its_contract_is_reported(string sound, string wrong, string clause)
    {
        _model.Json = _model.Json.Replace(sound, wrong, StringComparison.Ordinal);
        _model.Write();

        AssertDefect(_model.Path, clause, () => _model.Load());
    }

    [Fact]
    public void An_input_of_another_type_is_reported()
    {
        _model.Element = OnnxElement.Double;
        _model.Write();

        AssertDefect(
            _model.Path, "input is a tensor of float64, but must be of float32 or float16 or uint8", () => _model.Load());
    }

    [Fact]
    public void An_output_that_is_not_a_list_of_classes_is_reported()
    {
        _model.MeanOver = [3];
        _model.Write();

        AssertDefect(_model.Path, "output logits is [2, 3, 8] for 2 pictures", () => _model.Load());
    }

    /// <summary>The output of <c>sha256sum FILES | sha256sum</c> in the directory.</summary>
    private string Sha256Sum(params string[] names)
    {
        var lines = string.Concat(names.Select(name => $"{Hex(File.ReadAllBytes(_model.File(name)))}  {name}\n"));
        return Hex(Encoding.UTF8.GetBytes(lines));

        static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private static void AssertDefect(string path, string clause, Action load)
    {
        var defect = Assert.Throws<InvalidSettingException>(load);
        Assert.Equal("image-classifier.node.classification.model", defect.Key);
        Assert.Contains(path, defect.Message, StringComparison.Ordinal);
        Assert.Contains(clause, defect.Message, StringComparison.Ordinal);
    }
}
