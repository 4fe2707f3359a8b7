using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Files that were handled wrongly in use, each with the right result.</summary>
public sealed class FoundPictureSpecs
{
    // The expectation in found.json: the label of the picture, or its refusal.
    private static readonly Dictionary<string, string> Right = new()
    {
        ["lossless_300x300.jpg"] = "refused: The file is a lossless JPEG.",
        ["twelve_bit.jpg"] = "refused: The file is a JPEG of 12 bits a sample.",
        ["cmyk_no_adobe.jpg"] = "refused: The file is a CMYK JPEG without an Adobe marker",
        ["exif6.png"] = "go-kart",
        ["progressive_cut_to_tenth.jpg"] = "refused: The picture is cut off",
        ["baseline_without_end.jpg"] = "goldfish",
        ["png_named.jpg"] = "goldfish",
        ["jpeg_named.png"] = "goldfish",
        ["heic_named.jpg"] = "refused: The file is a HEIC picture. Export it as JPEG or PNG.",
        ["webp_named.jpg"] = "refused: The file is a WebP picture. Export it as JPEG or PNG.",
    };

    [SkippableFact]
    public void Files_that_once_failed_give_the_right_result()
    {
        using var list = JsonDocument.Parse(File.ReadAllBytes(Repository.SharedFile("images", "found", "found.json")));
        var files = list.RootElement.GetProperty("files").EnumerateArray()
            .Select(entry => entry.GetProperty("file").GetString()!).ToArray();
        Assert.Equal(Right.Keys.Order(), files.Order());
        var model = Path.GetDirectoryName(Repository.SharedFile("models", "mobilenet-v2", "model.json"))!;
        using var classifier = OnnxImageClassifier.Load(
            new OnnxClassifierSettings(model, 1, 1, TestModel.Limits(100_000_000)));

        Assert.All(files, file => Assert.StartsWith(
            Right[file],
            Answer(classifier, File.ReadAllBytes(Repository.SharedFile("images", "found", file))),
            StringComparison.Ordinal));
    }

    private static string Answer(OnnxImageClassifier classifier, byte[] file)
    {
        // Uploads and the verb classify call this first.
        if (AllowedFormats.Default.FormatOf(file) is null) return $"refused: {AllowedFormats.Default.Refuse(file)}";
        switch (classifier.Decode(file))
        {
            case Decoding.Decoded decoded:
                using (decoded.Picture) return classifier.Classify([decoded.Picture])[0][0].Label;
            case Decoding.Refused refused:
                return $"refused: {refused.Error.Message}";
            default:
                throw new InvalidOperationException("There is no other answer.");
        }
    }
}
