using BenchmarkDotNet.Attributes;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Benchmarks.Speed;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;

namespace ImageClassifier.Benchmarks.Parts;

/// <summary>The node's work on one picture: decoding, and a run of MobileNetV2 with one thread.</summary>
public class ModelParts
{
    private byte[] _photo = [];
    private byte[] _largePhoto = [];
    private OnnxImageClassifier _classifier = null!;
    private DecodedPicture _decoded = null!;

    [GlobalSetup]
    public void Load()
    {
        _photo = Photos.Make();
        _largePhoto = Photos.MakeLarge(4000, 3000);
        _classifier = OnnxImageClassifier.Load(new OnnxClassifierSettings(
            Repository.SharedFile("models", "mobilenet-v2"), MaxBatch: 1, Threads: 1,
            new DecodingLimits(100_000_000, 1L << 30, TimeSpan.FromSeconds(30))));
        _decoded = Decode(_photo);
    }

    [GlobalCleanup]
    public void Unload()
    {
        _decoded.Dispose();
        _classifier.Dispose();
    }

    [Benchmark]
    public void DecodePhoto() => Decode(_photo).Dispose();

    [Benchmark]
    public void Decode12Megapixels() => Decode(_largePhoto).Dispose();

    [Benchmark]
    public IReadOnlyList<IReadOnlyList<Prediction>> RunModel() => _classifier.Classify([_decoded]);

    private DecodedPicture Decode(byte[] picture) => ((Decoding.Decoded)_classifier.Decode(picture)).Picture;
}
