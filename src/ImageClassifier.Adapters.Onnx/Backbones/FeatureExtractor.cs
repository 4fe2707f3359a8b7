using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx.Backbones;

/// <summary>Computes the features of pictures with the backbone. Safe to use from several threads: each call computes on
/// its own thread.</summary>
public sealed class FeatureExtractor : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly PictureDecoder _decoder;
    private readonly TensorPool _pictures = new(
        () => new PinnedTensor(1, Backbone.Input.Length, Backbone.Input.Shape));

    private readonly TensorPool _features = new(
        () => new PinnedTensor(1, Backbone.Features, _ => Backbone.OutputShape));

    private FeatureExtractor(InferenceSession session, DecodingLimits limits)
    {
        _session = session;
        _decoder = new PictureDecoder(Backbone.Input, limits);
    }

    /// <summary>Loads the backbone that is delivered with the program.</summary>
    /// <exception cref="InvalidSettingException">Its file is missing or damaged.</exception>
    public static FeatureExtractor Load(DecodingLimits limits)
    {
        using var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            InterOpNumThreads = 1,
            // The caller computes several pictures at once. That is faster than several threads for one picture.
            IntraOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        var network = Backbone.PathOf(Backbone.NetworkFile);
        try
        {
            return new FeatureExtractor(new InferenceSession(network, options), limits);
        }
        catch (OnnxRuntimeException failure)
        {
            throw new InvalidSettingException("backbone", network,
                $"it cannot be loaded: {failure.Message.Split('\n', 2)[0].Trim()}; install the program again", failure);
        }
    }

    /// <summary>Computes the features of a picture.</summary>
    /// <param name="picture">The bytes of the file.</param>
    /// <param name="features">Receives <see cref="Backbone.Features"/> numbers. Undefined if the picture is
    /// refused.</param>
    /// <returns>Null, or why the picture is refused.</returns>
    public JobError? Extract(ReadOnlyMemory<byte> picture, Span<float> features)
    {
        var input = _pictures.Rent();
        var output = _features.Rent();
        try
        {
            if (_decoder.Decode(picture, input.Row(0)) is { } error) return error;
            _session.Run(_options, [Backbone.InputName], [input.View(1)], [Backbone.OutputName], [output.View(1)]);
            output.Row(0).CopyTo(features);
            return null;
        }
        finally
        {
            _pictures.Return(input);
            _features.Return(output);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _pictures.Dispose();
        _features.Dispose();
        _session.Dispose();
        _options.Dispose();
    }
}
