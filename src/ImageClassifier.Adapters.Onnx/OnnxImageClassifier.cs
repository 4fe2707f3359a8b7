using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>
/// Classifies pictures with an ONNX model on the CPU. The managed memory of a decode does not grow with the picture.
/// Tensors come from pools that grow to the most that were in use at once.
/// </summary>
public sealed class OnnxImageClassifier : IImageClassifier
{
    private readonly ModelDirectory _model;
    private readonly Lazy<LoadedNetwork> _network;
    private readonly PictureDecoder _decoder;
    private readonly TensorPool _pictures;
    private volatile ModelIdentity _identity;

    private OnnxImageClassifier(ModelDirectory model, OnnxClassifierSettings settings)
    {
        var input = model.Contract.Input;
        _model = model;
        _identity = model.Identity;
        _decoder = new PictureDecoder(input, settings.Decoding);
        _network = new(() => OpenNetwork(settings));
        _pictures = new(() => new PinnedTensor(1, input.Length, input.Shape));
    }

    /// <inheritdoc />
    /// <remarks>The number of classes is known when the model is loaded.</remarks>
    public ModelIdentity Model => _identity;

    /// <inheritdoc />
    public int PreferredBatchSize => _network.Value.MaxBatch;

    /// <summary>The version of ONNX Runtime.</summary>
    public static string RuntimeVersion => OrtEnv.Instance().GetVersionString();

    /// <summary>Loads a model directory and runs its model on trial pictures.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="arrangementOf">Called with the model's identity before the network is loaded. Returns the threads and
    /// the batch to use instead of those of the settings; null to use the settings.</param>
    /// <exception cref="InvalidSettingException">The directory or its model is missing or wrong.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number in the settings is below 1, or the time-out is not above
    /// zero.</exception>
    public static OnnxImageClassifier Load(
        OnnxClassifierSettings settings, Func<ModelIdentity, RunArrangement?>? arrangementOf = null)
    {
        var classifier = Begin(settings, arrangementOf);
        try
        {
            _ = classifier._network.Value;
            return classifier;
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model directory, and its model in the background. Pictures can be decoded meanwhile. A defect
    /// of the model is thrown by its first run.</summary>
    /// <exception cref="InvalidSettingException">The directory is missing or wrong.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number in the settings is below 1, or the time-out is not above
    /// zero.</exception>
    public static OnnxImageClassifier LoadInBackground(OnnxClassifierSettings settings) => Begin(settings, null);

    /// <inheritdoc />
    public Decoding Decode(ReadOnlyMemory<byte> picture)
    {
        var decoded = new TensorPicture(_pictures, _pictures.Rent());
        var kept = false;
        try
        {
            if (_decoder.Decode(picture, decoded.Tensor.Row(0)) is { } error) return new Decoding.Refused(error);
            kept = true;
            return new Decoding.Decoded(decoded);
        }
        finally
        {
            if (!kept) decoded.Dispose();
        }
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">There are too few or too many pictures, or another classifier decoded
    /// one.</exception>
    /// <exception cref="InvalidOperationException">The model returned numbers that are not finite, or are not
    /// probabilities.</exception>
    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pictures.Count, 1, nameof(pictures));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pictures.Count, PreferredBatchSize, nameof(pictures));

        return _network.Value.Classify([.. pictures.Select(TensorOf)]);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _pictures.Dispose();
        if (_network.IsValueCreated) _network.Value.Dispose();
    }

    private static OnnxImageClassifier Begin(
        OnnxClassifierSettings settings, Func<ModelIdentity, RunArrangement?>? arrangementOf)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxBatch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Decoding.MaxPixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Decoding.MaxMemory, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(settings.Decoding.Timeout, TimeSpan.Zero);
        var model = ModelDirectory.Load(settings.ModelPath);
        if (arrangementOf?.Invoke(model.Identity) is { } arrangement)
            settings = settings with { Threads = arrangement.Threads, MaxBatch = arrangement.Batch };
        var classifier = new OnnxImageClassifier(model, settings);
        _ = Task.Run(() => classifier._network.Value);
        return classifier;
    }

    private LoadedNetwork OpenNetwork(OnnxClassifierSettings settings)
    {
        try
        {
            var session = NetworkSession.Open(_model, settings.MaxBatch, settings.Threads);
            var network = new LoadedNetwork(session, _model.Contract);
            try
            {
                new SampleTrial(_model, _decoder, network).Run();
                _identity = _model.Identity with { Classes = session.Labels.Count };
                return network;
            }
            catch
            {
                network.Dispose();
                throw;
            }
        }
        catch (ModelDefectException defect)
        {
            throw ModelDirectory.WrongSetting(settings.ModelPath, defect);
        }
    }

    private PinnedTensor TensorOf(DecodedPicture picture) => picture is TensorPicture own && own.IsFrom(_pictures)
        ? own.Tensor
        : throw new ArgumentException("A picture was decoded by another classifier.", nameof(picture));
}
