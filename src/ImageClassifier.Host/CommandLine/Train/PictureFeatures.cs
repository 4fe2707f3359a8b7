using System.Security.Cryptography;
using ImageClassifier.Adapters.Onnx.Backbones;
using ImageClassifier.Host.CommandLine.Classify;
using ImageClassifier.Training.Pictures;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Host.CommandLine.Train;

/// <summary>Reads a picture with the checks of an upload, and computes its features.</summary>
internal sealed class PictureFeatures(FeatureExtractor extractor, UploadSettings uploads)
{
    public Extraction Extract(string path, CancellationToken cancellation)
    {
        var picture = PictureFile.Read(path, uploads.MaxFileSize, uploads.Formats, cancellation);
        if (picture.Error is { } unread) return new Extraction.Refused(unread.Message);
        var features = new float[Backbone.Features];
        return extractor.Extract(picture.Content, features) is { } refused
            ? new Extraction.Refused(refused.Message)
            : new Extraction.Extracted(features, Convert.ToHexString(SHA256.HashData(picture.Content.Span)));
    }
}
