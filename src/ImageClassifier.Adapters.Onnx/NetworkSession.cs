using ImageClassifier.Adapters.Onnx.Contract;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A loaded network that was checked against its contract. Safe to use from several threads.</summary>
internal sealed class NetworkSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;
    private readonly ModelInput _input;
    private readonly NetworkForm _form;
    private readonly long[] _outputShape;

    // The runs under way, plus one until disposal. The last to end frees the native memory.
    private int _holders = 1;
    private int _isDisposed;

    private NetworkSession(
        InferenceSession session, ModelContract contract, NetworkForm form, int maxBatch, NetworkTrial trial,
        IReadOnlyList<string> labels)
    {
        _session = session;
        _input = contract.Input;
        _inputNames = [contract.Input.Name];
        _outputNames = [contract.Output.Name];
        _form = form;
        _outputShape = trial.OutputShape;
        MaxBatch = form.FixedBatch ?? maxBatch;
        Classes = trial.Classes;
        Labels = labels;
    }

    /// <summary>The most pictures of a run.</summary>
    public int MaxBatch { get; }

    /// <summary>The number of scores of a picture.</summary>
    public int Classes { get; }

    /// <summary>The labels of the classes from the contract's first class on.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The form of the network.</summary>
    public NetworkForm Form => _form;

    /// <summary>True if a run takes the floats of a single picture where they are.</summary>
    public bool TakesPicturesAsTheyAre => _form is { Input: TensorElementType.Float, FixedBatch: null or 1 };

    /// <summary>Loads a network, compares it with its contract, and runs it on trial pictures.</summary>
    /// <exception cref="ModelDefectException">The network cannot be loaded, or breaks its contract.</exception>
    public static NetworkSession Open(ModelDirectory model, int maxBatch, int threads)
    {
        var contract = model.Contract;
        var session = NetworkFile.Load(model.Folder, contract.Parts, threads);
        try
        {
            var form = NetworkForm.Check(session, contract);
            var trial = new NetworkTrial(session, form, contract);
            trial.Run(maxBatch);
            var labels = ClassLabels.Of(
                model.Labels, model.LabelsFile, trial.Classes, contract.Output.FirstClass, out var wrongCount);
            string[] faults = [.. wrongCount is null ? Array.Empty<string>() : [wrongCount], .. trial.Faults()];
            ModelDefectException.ThrowIfAny(faults);
            return new NetworkSession(session, contract, form, maxBatch, trial, labels);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Memory for the pictures of a run.</summary>
    public PinnedTensor CreateInput() => new(MaxBatch, _input.Length, _input.Shape, _form.Input);

    /// <summary>Memory for the scores of a run.</summary>
    public PinnedTensor CreateOutput() =>
        new(MaxBatch, Classes, pictures => [pictures, .. _outputShape.AsSpan(1)], _form.Output);

    /// <summary>Runs the network. A fixed batch is filled up with empty pictures.</summary>
    /// <exception cref="ObjectDisposedException">The network was disposed of.</exception>
    public void Run(PinnedTensor input, PinnedTensor output, int pictures)
    {
        AddReference();
        try
        {
            var rows = _form.FixedBatch ?? pictures;
            for (var i = pictures; i < rows; i++) input.Row(i).Clear();
            input.Encode(rows);
            _session.Run(_runOptions, _inputNames, [input.View(rows)], _outputNames, [output.View(rows)]);
            output.Decode(pictures);
        }
        finally
        {
            ReleaseReference();
        }
    }

    /// <summary>Prevents further runs. The memory is freed after the last run under way, because freeing it earlier
    /// would crash the process.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) ReleaseReference();
    }

    private void AddReference()
    {
        int holders;
        do
        {
            holders = Volatile.Read(ref _holders);
            ObjectDisposedException.ThrowIf(holders == 0 || Volatile.Read(ref _isDisposed) == 1, this);
        }
        while (Interlocked.CompareExchange(ref _holders, holders + 1, holders) != holders);
    }

    private void ReleaseReference()
    {
        if (Interlocked.Decrement(ref _holders) > 0) return;
        _session.Dispose();
        _runOptions.Dispose();
    }
}
