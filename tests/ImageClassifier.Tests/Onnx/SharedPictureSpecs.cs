using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Real photos and hostile files, with what two models must answer.</summary>
public sealed class SharedPictureSpecs(ITestOutputHelper output)
{
    [SkippableFact]
    public void The_default_model_answers_what_is_expected_of_it() =>
        AssertAnswers("models/tiny-imagenet-200", "expected-tiny.json", tolerance: 0.1);

    [SkippableFact]
    public void MobileNetV2_answers_what_is_expected_of_it() => AssertAnswers(
        Path.GetDirectoryName(Repository.SharedFile("models", "mobilenet-v2", "model.json"))!, "expected.json",
        tolerance: 0.1);

    [SkippableFact]
    public void Hostile_files_end_as_they_should()
    {
        using var classifier = Load("models/tiny-imagenet-200");
        using var list = JsonDocument.Parse(
            File.ReadAllBytes(Repository.SharedFile("images", "hostile", "hostile.json")));
        foreach (var entry in list.RootElement.GetProperty("files").EnumerateArray())
        {
            var (file, expect) = (entry.GetProperty("file").GetString()!, entry.GetProperty("expect").GetString()!);
            var bytes = File.ReadAllBytes(Repository.SharedFile("images", "hostile", file));
            var before = GC.GetAllocatedBytesForCurrentThread();

            var decoding = classifier.Decode(bytes);

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
            output.WriteLine($"{file}: {(decoding is Decoding.Refused refused ? refused.Error : "decoded")}");
            if (expect.StartsWith("reject", StringComparison.Ordinal) || file.EndsWith(".gif", StringComparison.Ordinal))
            {
                Assert.IsType<Decoding.Refused>(decoding);
            }
            else if (expect.StartsWith("classify (", StringComparison.Ordinal))
            {
                using var picture = Assert.IsType<Decoding.Decoded>(decoding).Picture;
                Assert.NotEmpty(Assert.Single(classifier.Classify([picture])));
            }
        }
    }

    private void AssertAnswers(string model, string expectations, double tolerance)
    {
        using var classifier = Load(model);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Repository.SharedFile("images", expectations)));
        var wrong = new List<string>();
        foreach (var entry in expected.RootElement.GetProperty("files").EnumerateArray())
        {
            var file = entry.GetProperty("file").GetString()!;
            var top = Classify(classifier, File.ReadAllBytes(Repository.SharedFile("images", file)))[0];
            var wanted = entry.GetProperty("top1");
            var (index, probability) = (wanted.GetProperty("index").GetInt32(), wanted.GetProperty("probability").GetDouble());
            var stable = entry.GetProperty("stable").GetBoolean();
            var line = $"{file}: {top.Index} {top.Label} {top.Probability:F4}, expected {index} {probability:F4}";
            output.WriteLine($"{line}{(stable ? "" : " (not stable)")}");
            var right = top.Index == index && Math.Abs(top.Probability - probability) <= tolerance;
            if (stable && !right) wrong.Add(line);
        }

        Assert.Empty(wrong);
    }

    private static OnnxImageClassifier Load(string model) =>
        OnnxImageClassifier.Load(new OnnxClassifierSettings(model, 4, 1, 100_000_000));

    private static IReadOnlyList<Prediction> Classify(OnnxImageClassifier classifier, byte[] file)
    {
        using var picture = Assert.IsType<Decoding.Decoded>(classifier.Decode(file)).Picture;
        return classifier.Classify([picture])[0];
    }
}
