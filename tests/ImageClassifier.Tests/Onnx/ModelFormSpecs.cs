using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Every form of model that a contract can describe answers rightly. A wrong description is refused.</summary>
public sealed class ModelFormSpecs : IDisposable
{
    private const string Scaling = """
        "range": [0, 1],
                     "mean": [0, 0, 0], "std": [1, 1, 1],
        """;

    private readonly TestModel _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_network_of_two_parts_is_one_network()
    {
        _model.Head = [[0, 5, 0], [0, 0, 5], [5, 0, 0]];
        _model.Labels = "blue\nred\ngreen\n";
        _model.HasSoftmax = true;
        _model.With("\"kind\": \"logits\"", "\"kind\": \"probabilities\"")
            .With("\"input\": {", "\"parts\": [\"backbone.onnx\", \"head.bin\"], \"input\": {")
            .WriteParts("backbone.onnx", "head.bin");

        AssertColours();
    }

    [Fact]
    public void A_part_can_have_external_weights()
    {
        _model.Weights = "weights.bin";
        _model.With("\"input\": {", "\"parts\": [\"a\", \"b\"], \"input\": {")
            .WriteParts("a", "b").WriteWeights(1, 9, 1);

        AssertColours();
        Assert.Equal(["weights.bin"], ModelDirectory.Load(_model.Path).Weights);
    }

    [Fact]
    public void The_hash_covers_each_part_and_their_order()
    {
        _model.With("\"input\": {", "\"parts\": [\"a\", \"b\"], \"input\": {").WriteParts("a", "b");
        var hashes = new List<string> { Hash() };
        File.AppendAllText(_model.File("a"), "\u0012\u0000");
        hashes.Add(Hash());
        File.AppendAllText(_model.File("b"), "\u0012\u0000");
        hashes.Add(Hash());
        _model.With("[\"a\", \"b\"]", "[\"b\", \"a\"]");
        File.WriteAllText(_model.File("model.json"), _model.Json);
        hashes.Add(Hash());

        Assert.Equal(4, hashes.Distinct().Count());

        string Hash() => ModelDirectory.Load(_model.Path).Identity.Sha256;
    }

    [Fact]
    public void A_missing_part_is_reported_by_name()
    {
        _model.With("\"input\": {", "\"parts\": [\"model.onnx\", \"head.bin\"], \"input\": {").Write();

        AssertDefect("head.bin is missing");
    }

    [Fact]
    public void Blue_first_is_for_the_network_only()
    {
        // The network's first mean is then that of blue.
        _model.Labels = "blue\ngreen\nred\n";
        _model.With("\"NCHW\"", "\"NCHW\", \"channels\": \"BGR\"").Write();

        AssertColours();
    }

    [Fact]
    public void A_squashed_picture_keeps_its_edges()
    {
        // A quarter of the picture is red, and a crop of the centre has none of it.
        using var picture = TestPictures.Plain(80, 20, SKColors.Black);
        using var canvas = new SKCanvas(picture);
        using var red = new SKPaint { Color = SKColors.Red };
        canvas.DrawRect(0, 0, 20, 20, red);
        _model.With("\"shorterSide\": 8, \"crop\": \"center\"", "\"squash\": true, \"filter\": \"bicubic\"").Write();
        using var classifier = _model.Load();

        var best = Classify(classifier, TestPictures.Png(picture))[0];

        Assert.Equal("red", best.Label);
        Assert.Equal(1 / (1 + 2 * Math.Exp(-0.25)), best.Probability, 0.01);
    }

    [Theory]
    [InlineData("Float", -1)]
    [InlineData("Float", 1)]
    [InlineData("Float", 3)]
    [InlineData("Half", -1)]
    [InlineData("Half", 3)]
    [InlineData("Byte", -1)]
    [InlineData("Byte", 1)]
    [InlineData("Byte", 7)]
    public void All_kinds_of_numbers_and_batches_are_taken(string numbers, int batch)
    {
        var element = Enum.Parse<OnnxElement>(numbers);
        _model.Element = element;
        _model.OutputElement = element == OnnxElement.Half ? OnnxElement.Half : OnnxElement.Float;
        _model.InputShape = [batch, 3, TestModel.Side, TestModel.Side];
        if (element == OnnxElement.Byte) _model.With(Scaling, "");
        _model.Write();

        AssertColours();
        using var classifier = _model.Load(maxBatch: 4);
        Assert.Equal(batch < 0 ? 4 : batch, classifier.PreferredBatchSize);
        // A full run before must not show in a later one that is not full.
        var blue = Enumerable.Range(0, classifier.PreferredBatchSize).Select(_ => Decoded(classifier, SKColors.Blue));
        var full = blue.ToList();
        Assert.All(classifier.Classify(full), answer => Assert.Equal("blue", answer[0].Label));
        var grey = Classify(classifier, Png(new SKColor(100, 101, 100)))[0];
        Assert.Equal("green", grey.Label);
    }

    [Fact]
    public void A_network_of_bytes_gets_the_bytes_of_the_picture()
    {
        _model.Element = OnnxElement.Byte;
        _model.With(Scaling, "\"range\": [0, 255], \"mean\": [0, 0, 0], \"std\": [1, 1, 1],").Write();
        using var classifier = _model.Load();

        var answer = Classify(classifier, Png(new SKColor(200, 201, 199)));

        Assert.Equal(["green", "red", "blue"], answer.Select(prediction => prediction.Label));
        Assert.Equal(1 / (1 + Math.Exp(-1) + Math.Exp(-2)), answer[0].Probability, 1e-4);
    }

    [Fact]
    public void A_network_of_bytes_must_not_be_scaled()
    {
        _model.Element = OnnxElement.Byte;
        _model.Write();

        AssertDefect("the model takes bytes (uint8), so model.json must not scale them; remove input.range");
    }

    [Fact]
    public void A_network_of_floats_must_be_scaled()
    {
        _model.With(Scaling, "").Write();

        AssertDefect("the model takes float32, so model.json must say how bytes become numbers; set input.range");
    }

    [Fact]
    public void A_second_input_must_be_optional()
    {
        _model.SecondInput = "temperature";
        _model.Write();
        AssertDefect("besides input the model needs the input temperature");

        _model.SecondInputIsOptional = true;
        _model.Write();
        AssertColours();
    }

    [Fact]
    public void Classes_may_be_followed_by_axes_of_length_1()
    {
        _model.KeepsAxes = true;
        _model.Write();

        AssertColours();
    }

    [Fact]
    public void Labels_come_from_the_configuration_of_hugging_face()
    {
        _model.Write();
        File.Delete(_model.File("labels.txt"));
        File.WriteAllText(_model.File("config.json"), """
            { "architectures": ["Any"], "id2label": { "0": "red", "2": "blue", "1": "green" } }
            """);

        AssertColours();
        var before = ModelDirectory.Load(_model.Path).Identity.Sha256;
        File.WriteAllText(_model.File("config.json"), """{ "id2label": { "0": "pink", "1": "green", "2": "blue" } }""");
        Assert.NotEqual(before, ModelDirectory.Load(_model.Path).Identity.Sha256);
    }

    [Theory]
    [InlineData("{}", "it has no id2label")]
    [InlineData("[]", "it has no id2label")]
    [InlineData("{", "it is not JSON (line 1)")]
    [InlineData("""{ "id2label": {} }""", "id2label is empty")]
    [InlineData("""{ "id2label": { "0": "red", "2": "blue" } }""", "id2label has no text for class 1")]
    [InlineData("""{ "id2label": { "0": " " } }""", "id2label has a label for class 0 that is empty")]
    [InlineData("""{ "id2label": { "0": "a\u001bb" } }""", "id2label has a label for class 0 that has the invisible character U+001B")]
    [InlineData("""{ "id2label": { "0": "red", "0": "blue" } }""", "id2label names a class twice")]
    [InlineData("""{ "id2label": { "0": 7 } }""", "id2label has no text for class 0")]
    public void A_configuration_without_labels_is_reported(string config, string clause)
    {
        _model.Write();
        File.Delete(_model.File("labels.txt"));
        File.WriteAllText(_model.File("config.json"), config);

        AssertDefect($"config.json is wrong: {clause}");
    }

    [Fact]
    public void Very_many_labels_in_a_configuration_are_read_in_a_moment()
    {
        _model.Write();
        File.Delete(_model.File("labels.txt"));
        var entries = string.Join(",", Enumerable.Range(0, 300_000).Select(i => $"\"{i}\":\"label {i}\""));
        File.WriteAllText(_model.File("config.json"), $"{{\"id2label\":{{{entries}}}}}");

        Assert.Equal("label 299999", ModelDirectory.Load(_model.Path).Labels[^1]);
    }

    [Fact]
    public void Parts_behind_links_are_read_whole()
    {
        _model.With("\"input\": {", "\"parts\": [\"a\", \"b\"], \"input\": {").WriteParts("real-a", "b");
        File.CreateSymbolicLink(_model.File("a"), "real-a");

        AssertColours();
    }

    [Theory]
    [InlineData("red\ngreen\nblue\n")]
    [InlineData("background\nred\ngreen\nblue\n")]
    public void A_background_class_is_never_an_answer(string labels)
    {
        _model.Head = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]];
        _model.Labels = labels;
        _model.With("\"kind\": \"logits\"", "\"kind\": \"logits\", \"firstClass\": 1").Write();
        using var classifier = _model.Load();

        var answer = Classify(classifier, Png(SKColors.Lime));

        Assert.Equal(["green", "red", "blue"], answer.Select(prediction => prediction.Label));
        Assert.Equal(1, answer[0].Index);
        Assert.Equal(Math.E / (2 * Math.E + 2), answer[0].Probability, 1e-6);
        Assert.Equal(3, classifier.Model.Classes);
    }

    [Fact]
    public void A_forgotten_background_class_is_reported_with_the_remedy()
    {
        _model.Head = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]];
        _model.Write();

        AssertDefect("labels.txt names 3 classes, but the model has 4");
        AssertDefect("if class 0 is a background, set output.firstClass to 1");
    }

    [Fact]
    public void All_faults_are_named_at_once()
    {
        _model.SecondInput = "temperature";
        _model.With("\"name\": \"logits\"", "\"name\": \"probs\"").With("\"width\": 8,", "\"width\": 4,").Write();
        AssertDefect("the model has no output probs");
        AssertDefect("besides input the model needs the input temperature");
        AssertDefect("input is [free, 3, 8, 8], but");

        File.Delete(_model.File("labels.txt"));
        File.WriteAllText(_model.File("model.onnx"), "not a network");
        AssertDefect("labels.txt is missing");
        AssertDefect("model.onnx is wrong");
    }

    private void AssertColours()
    {
        using var classifier = _model.Load();
        Assert.Equal("red", Classify(classifier, Png(SKColors.Red))[0].Label);
        Assert.Equal("green", Classify(classifier, Png(SKColors.Lime))[0].Label);
        Assert.Equal("blue", Classify(classifier, Png(SKColors.Blue))[0].Label);
    }

    private void AssertDefect(string clause)
    {
        var defect = Assert.Throws<InvalidSettingException>(() => _model.Load());
        Assert.Contains(clause, defect.Message, StringComparison.Ordinal);
    }

    private static byte[] Png(SKColor color)
    {
        using var picture = TestPictures.Plain(12, 10, color);
        return TestPictures.Png(picture);
    }

    private static DecodedPicture Decoded(OnnxImageClassifier classifier, SKColor color) =>
        Assert.IsType<Decoding.Decoded>(classifier.Decode(Png(color))).Picture;

    private static IReadOnlyList<Core.Messages.Prediction> Classify(OnnxImageClassifier classifier, byte[] file)
    {
        using var picture = Assert.IsType<Decoding.Decoded>(classifier.Decode(file)).Picture;
        return classifier.Classify([picture])[0];
    }
}
