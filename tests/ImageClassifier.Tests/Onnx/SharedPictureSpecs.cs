using System.IO.Compression;
using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Real photos and hostile files, with the expected results of three models.</summary>
public sealed class SharedPictureSpecs(ITestOutputHelper output)
{
    private const string DefaultModel = "models/tiny-imagenet-200";

    // The reference uses another decoder and does not scale JPEGs. So labels are equal, and probabilities nearly equal.
    private const double Tolerance = 0.1;

    [SkippableTheory]
    [InlineData("bell_pepper.jpg", "bell pepper")]
    [InlineData("go_kart.jpg", "go-kart")]
    [InlineData("goldfish.jpg", "goldfish")]
    [InlineData("goldfish_48x34.png", "goldfish")]
    [InlineData("limousine_palette.png", "limousine")]
    [InlineData("monarch_16bit.png", "monarch")]
    [InlineData("pay_phone_exif6.jpg", "pay-phone")]
    [InlineData("viaduct_grey.jpg", "viaduct")]
    [InlineData("water_tower_cmyk.jpg", "water tower")]
    public void The_default_model_names_what_a_photo_shows(string file, string label)
    {
        using var classifier = Load(DefaultModel);

        var top = Classify(classifier, File.ReadAllBytes(Repository.SharedFile("images", file)))[0];

        Assert.Equal(label, top.Label);
    }

    // A part of the validation pictures, because all of them take minutes. The model card has the share of all.
    [SkippableFact]
    public void The_default_model_names_most_validation_pictures()
    {
        using var classifier = Load(DefaultModel);
        using var pictures = ZipFile.OpenRead(Repository.SharedFile("data", "tiny-imagenet-200-part.zip"));
        var classes = pictures.Entries
            .Where(entry => entry.FullName.StartsWith("val/", StringComparison.Ordinal) && entry.Length > 0)
            .GroupBy(entry => entry.FullName.Split('/')[1])
            .OrderBy(entries => entries.Key, StringComparer.Ordinal)
            .Select(entries => entries.MinBy(entry => entry.Name, StringComparer.Ordinal)!)
            .ToArray();

        var right = classes.Index().Count(ofClass => Top(ofClass.Item) == ofClass.Index);

        Assert.Equal(200, classes.Length);
        Assert.InRange(right / 200.0, 0.63, 0.8);

        int Top(ZipArchiveEntry entry)
        {
            using var content = entry.Open();
            using var file = new MemoryStream();
            content.CopyTo(file);
            return Classify(classifier, file.ToArray())[0].Index;
        }
    }

    [SkippableFact]
    public void The_small_model_gives_the_expected_labels() =>
        AssertAnswers(SmallModel.Folder, "expected-tiny.json", compareProbabilities: false);

    [SkippableFact]
    public void The_small_model_gives_the_expected_probabilities_with_one_step_resizing()
    {
        using var copy = new TestModel();
        foreach (var file in Directory.GetFiles(SmallModel.Folder))
        {
            File.Copy(file, copy.File(Path.GetFileName(file)));
        }

        var contract = File.ReadAllText(copy.File("model.json"));
        File.WriteAllText(
            copy.File("model.json"), contract.Replace(", \"prescale\": 256", "", StringComparison.Ordinal));

        AssertAnswers(copy.Path, "expected-tiny.json", compareProbabilities: true);
    }

    [SkippableFact]
    public void MobileNetV2_answers_what_is_expected_of_it() => AssertAnswers(
        Path.GetDirectoryName(Repository.SharedFile("models", "mobilenet-v2", "model.json"))!, "expected.json",
        compareProbabilities: true);

    [SkippableFact]
    public void Hostile_files_give_the_expected_results()
    {
        using var classifier = Load(SmallModel.Folder);
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
            // Where the list allows both (half a JPEG, a GIF), this classifier refuses.
            if (expect.StartsWith("reject", StringComparison.Ordinal))
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

    private void AssertAnswers(string model, string expectations, bool compareProbabilities)
    {
        using var classifier = Load(model);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Repository.SharedFile("images", expectations)));
        var wrong = new List<string>();
        foreach (var entry in expected.RootElement.GetProperty("files").EnumerateArray())
        {
            var file = entry.GetProperty("file").GetString()!;
            var top = Classify(classifier, File.ReadAllBytes(Repository.SharedFile("images", file)))[0];
            var wanted = entry.GetProperty("top1");
            var index = wanted.GetProperty("index").GetInt32();
            var probability = wanted.GetProperty("probability").GetDouble();
            var stable = entry.GetProperty("stable").GetBoolean();
            var line = $"{file}: {top.Index} {top.Label} {top.Probability:F4}, expected {index} {probability:F4}";
            output.WriteLine($"{line}{(stable ? "" : " (not stable)")}");
            var right = top.Index == index
                && (!compareProbabilities || Math.Abs(top.Probability - probability) <= Tolerance);
            if (stable && !right) wrong.Add(line);
        }

        Assert.Empty(wrong);
    }

    private static OnnxImageClassifier Load(string model) =>
        OnnxImageClassifier.Load(new OnnxClassifierSettings(model, 4, 1, TestModel.Limits(100_000_000)));

    private static IReadOnlyList<Prediction> Classify(OnnxImageClassifier classifier, byte[] file)
    {
        using var picture = Assert.IsType<Decoding.Decoded>(classifier.Decode(file)).Picture;
        return classifier.Classify([picture])[0];
    }
}
