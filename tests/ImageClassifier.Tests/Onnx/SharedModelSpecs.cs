using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using SkiaSharp;
using Xunit;
using static ImageClassifier.Tests.Onnx.OnnxGraph;

namespace ImageClassifier.Tests.Onnx;

/// <summary>A real network, rewritten to each form of input and output, answers as before.</summary>
public sealed class SharedModelSpecs : IDisposable
{
    private const int GraphField = 7, NodeField = 1, InitialiserField = 5, InputField = 11, OutputField = 12;
    private const int NameField = 8, RawDataField = 9;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("image-classifier-model-");

    public void Dispose() => _folder.Delete(recursive: true);

    [SkippableFact]
    public void Blue_first() => AssertAnswersAsBefore(
        graph => Before(graph, [-1, 3, 224, 224], OnnxElement.Float,
            Node("Gather", ["picture", "order"], "input", Attribute("axis", 1)), Indices("order", 2, 1, 0)),
        json => json.Replace("\"NCHW\"", "\"NCHW\", \"channels\": \"BGR\"", StringComparison.Ordinal), 1e-6);

    [SkippableFact]
    public void Half_precision() => AssertAnswersAsBefore(
        graph => Before(graph, [-1, 3, 224, 224], OnnxElement.Half, Node("Cast", ["picture"], "input", Attribute("to", 1))),
        json => json, 0.02);

    [SkippableFact]
    public void Bytes_with_channels_last() => AssertAnswersAsBefore(
        graph => Before(
            graph, [-1, 224, 224, 3], OnnxElement.Byte,
            [
                .. Node("Cast", ["picture"], "floats", Attribute("to", 1)),
                .. Node("Div", ["floats", "white"], "shares"),
                .. Node("Transpose", ["shares"], "input", [.. Text(1, "perm"), .. Numbers(8, 0, 3, 1, 2), .. Number(20, 7)]),
            ],
            [.. Number(2, 1), .. Text(NameField, "white"), .. Bytes(RawDataField, BitConverter.GetBytes(255f))]),
        json => json.Replace("\"NCHW\"", "\"NHWC\"", StringComparison.Ordinal)
            .Replace("\"range\": [0, 1], \"mean\": [0, 0, 0], \"std\": [1, 1, 1],", "", StringComparison.Ordinal),
        0.02);

    [SkippableFact]
    public void A_fixed_batch() => AssertAnswersAsBefore(
        graph => Before(graph, [3, 3, 224, 224], OnnxElement.Float, Node("Identity", ["picture"], "input")),
        json => json, 1e-4);

    [SkippableFact]
    public void Weights_in_a_file() => AssertAnswersAsBefore(
        graph =>
        {
            using var weights = File.Create(Path.Combine(_folder.FullName, "weights.bin"));
            return [.. Fields(graph).SelectMany(field => field.Number == InitialiserField
                ? Bytes(InitialiserField, Outside(field.Content, weights))
                : field.Whole)];
        },
        json => json.Replace("\"picture\"", "\"input\"", StringComparison.Ordinal), 1e-6);

    [SkippableFact]
    public void A_softmax_in_a_second_part()
    {
        byte[] part = Bytes(GraphField,
        [
            .. Node("Softmax", ["logits"], "probabilities"),
            .. Bytes(OutputField, Value("probabilities", [-1, 1000], OnnxElement.Float)),
        ]);
        File.WriteAllBytes(Path.Combine(_folder.FullName, "softmax.onnx"), part);

        AssertAnswersAsBefore(
            graph => graph,
            json => json.Replace("\"picture\"", "\"input\"", StringComparison.Ordinal)
                .Replace("\"logits\", \"kind\": \"logits\"", "\"probabilities\", \"kind\": \"probabilities\"", StringComparison.Ordinal)
                .Replace("\"input\": {", "\"parts\": [\"model.onnx\", \"softmax.onnx\"], \"input\": {", StringComparison.Ordinal),
            1e-5);
    }

    [SkippableFact]
    public void Both_sides_at_once()
    {
        const string Resize = "\"shorterSide\": 256, \"crop\": \"center\"";
        var source = Repository.SharedFile("models", "mobilenet-v2");
        foreach (var file in Directory.EnumerateFiles(source))
            File.CreateSymbolicLink(Path.Combine(_folder.FullName, Path.GetFileName(file)), file);
        var contract = Path.Combine(_folder.FullName, "model.json");
        var json = File.ReadAllText(contract);
        Assert.Contains(Resize, json, StringComparison.Ordinal);
        File.Delete(contract);
        File.WriteAllText(contract, json.Replace(Resize, "\"squash\": true", StringComparison.Ordinal));
        using var squashing = Load(_folder.FullName);
        File.WriteAllText(contract, json.Replace("256", "224", StringComparison.Ordinal));
        using var cropping = Load(_folder.FullName);

        foreach (var name in (string[])["goldfish.jpg", "go_kart.jpg", "monarch.jpg"])
        {
            var photo = File.ReadAllBytes(Repository.SharedFile("images", name));
            var (given, wanted) = (Best(squashing, photo), Best(cropping, Squashed(photo)));
            Assert.Equal(wanted.Label, given.Label);
            Assert.Equal(wanted.Probability, given.Probability, 0.1);
        }
    }

    /// <summary>Rewrites the graph and the contract. The rewritten graph's input is called <c>picture</c>.</summary>
    private void AssertAnswersAsBefore(Func<byte[], byte[]> rewrite, Func<string, string> describe, double tolerance)
    {
        var source = Path.GetDirectoryName(Repository.SharedFile("models", "mobilenet-v2", "model.json"))!;
        File.Copy(Path.Combine(source, "labels.txt"), Path.Combine(_folder.FullName, "labels.txt"));
        var json = File.ReadAllText(Path.Combine(source, "model.json"));
        File.WriteAllText(
            Path.Combine(_folder.FullName, "model.json"),
            describe(json.Replace("\"name\": \"input\"", "\"name\": \"picture\"", StringComparison.Ordinal)));
        var network = Fields(File.ReadAllBytes(Path.Combine(source, "model.onnx"))).SelectMany(
            field => field.Number == GraphField ? Bytes(GraphField, rewrite(field.Content)) : field.Whole);
        File.WriteAllBytes(Path.Combine(_folder.FullName, "model.onnx"), [.. network]);

        using var expected = JsonDocument.Parse(File.ReadAllBytes(Repository.SharedFile("images", "expected.json")));
        byte[][] pictures =
        [
            .. expected.RootElement.GetProperty("files").EnumerateArray().Take(4)
                .Select(entry => File.ReadAllBytes(Repository.SharedFile("images", entry.GetProperty("file").GetString()!))),
        ];
        using var before = Load(source);
        using var after = Load(_folder.FullName);
        foreach (var picture in pictures)
        {
            var (wanted, given) = (Best(before, picture), Best(after, picture));
            Assert.Equal(wanted.Label, given.Label);
            Assert.Equal(wanted.Probability, given.Probability, tolerance);
        }
    }

    private static OnnxImageClassifier Load(string model) =>
        OnnxImageClassifier.Load(new OnnxClassifierSettings(model, 2, 1, TestModel.Limits(100_000_000)));

    private static Prediction Best(OnnxImageClassifier classifier, byte[] file)
    {
        using var picture = Assert.IsType<Decoding.Decoded>(classifier.Decode(file)).Picture;
        return classifier.Classify([picture])[0][0];
    }

    /// <summary>The picture in the size of the model's input, resized by another library.</summary>
    private static byte[] Squashed(byte[] photo)
    {
        using var bitmap = SKBitmap.Decode(photo);
        using var square = bitmap.Resize(
            new SKImageInfo(224, 224), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        return TestPictures.Png(square);
    }

    /// <summary>The graph with another input, from which nodes make the old one.</summary>
    private static byte[] Before(
        byte[] graph, long[] shape, OnnxElement element, byte[] nodes, byte[]? initialiser = null) =>
    [
        .. nodes,
        .. initialiser is null ? [] : Bytes(InitialiserField, initialiser),
        .. Fields(graph).Where(field => field.Number != InputField).SelectMany(field => field.Whole),
        .. Bytes(InputField, Value("picture", shape, element)),
    ];

    private static byte[] Node(string name, string[] inputs, string output, params byte[] attribute) => Bytes(NodeField,
    [
        .. Operator(name, inputs, output), .. attribute.Length == 0 ? [] : Bytes(5, attribute),
    ]);

    private static byte[] Attribute(string name, int value) => [.. Text(1, name), .. Number(3, value), .. Number(20, 2)];

    private static byte[] Indices(string name, params long[] numbers) =>
        [.. Number(1, numbers.Length), .. Number(2, 7), .. Text(NameField, name), .. Numbers(7, numbers)];

    private static byte[] Numbers(int field, params long[] numbers) => [.. numbers.SelectMany(number => Number(field, number))];

    /// <summary>A tensor whose large data are appended to a file.</summary>
    private static byte[] Outside(byte[] tensor, FileStream weights)
    {
        var data = Fields(tensor).Single(field => field.Number == RawDataField).Content;
        if (data.Length < 1000) return tensor;
        var offset = weights.Position;
        weights.Write(data);
        return
        [
            .. Fields(tensor).Where(field => field.Number != RawDataField).SelectMany(field => field.Whole),
            .. Entry("location", "weights.bin"), .. Entry("offset", $"{offset}"), .. Entry("length", $"{data.Length}"),
            .. Number(14, 1),
        ];

        static byte[] Entry(string key, string value) => Bytes(13, [.. Text(1, key), .. Text(2, value)]);
    }

    /// <summary>The fields of a protocol buffer. Only fields of bytes have content.</summary>
    private static IEnumerable<(int Number, byte[] Content, byte[] Whole)> Fields(byte[] message)
    {
        for (var at = 0; at < message.Length;)
        {
            var start = at;
            var tag = Varint();
            var (content, type) = (Array.Empty<byte>(), tag & 7);
            if (type == 0) Varint();
            else if (type == 2)
            {
                var length = (int)Varint();
                content = message[at..(at + length)];
                at += length;
            }
            else
            {
                at += type == 5 ? 4 : 8;
            }

            yield return ((int)(tag >> 3), content, message[start..at]);

            ulong Varint()
            {
                var value = 0UL;
                for (var shift = 0; ; shift += 7)
                {
                    var next = message[at++];
                    value |= (ulong)(next & 0x7F) << shift;
                    if (next < 0x80) return value;
                }
            }
        }
    }
}
