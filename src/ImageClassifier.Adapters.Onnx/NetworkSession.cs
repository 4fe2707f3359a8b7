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
    private readonly long[] _outputShape;

    // The runs under way, plus one until disposal. The last to end frees the native memory.
    private int _holders = 1;
    private int _isDisposed;

    private NetworkSession(InferenceSession session, ModelContract contract, int maxBatch, long[] outputShape)
    {
        _session = session;
        _inputNames = [contract.Input.Name];
        _outputNames = [contract.Output.Name];
        _outputShape = outputShape;
        MaxBatch = maxBatch;
        Classes = (int)(outputShape.Aggregate(1L, (product, length) => product * length) / outputShape[0]);
    }

    /// <summary>The most pictures of a run.</summary>
    public int MaxBatch { get; }

    /// <summary>The number of scores of a picture.</summary>
    public int Classes { get; }

    /// <summary>Loads a network, compares it with its contract, and runs it on trial pictures.</summary>
    /// <exception cref="Core.InvalidSettingException">The network cannot be loaded, or breaks its contract.</exception>
    public static NetworkSession Open(ModelDirectory model, int maxBatch, int threads)
    {
        var session = Load(model, threads);
        try
        {
            var batch = CheckInput(session, model) ? maxBatch : 1;
            CheckOutput(session, model);
            return new NetworkSession(session, model.Contract, batch, new NetworkTrial(session, model).Run(batch));
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The shape of the output for a number of pictures.</summary>
    public long[] OutputShape(int pictures) => [pictures, .. _outputShape.AsSpan(1)];

    /// <summary>Runs the network.</summary>
    /// <exception cref="ObjectDisposedException">The network was disposed of.</exception>
    public void Run(OrtValue input, OrtValue output)
    {
        AddReference();
        try
        {
            _session.Run(_runOptions, _inputNames, [input], _outputNames, [output]);
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

    private static InferenceSession Load(ModelDirectory model, int threads)
    {
        using var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            InterOpNumThreads = 1,
            IntraOpNumThreads = threads,
            // Warnings say how a graph could be better. They would appear on standard error at every start.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        // Threads that spin while they wait cost more than the wake-up that spinning saves.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        try
        {
            return new InferenceSession(model.NetworkPath, options);
        }
        catch (OnnxRuntimeException failure)
        {
            throw model.Defect(
                $"model.onnx cannot be loaded: {FirstLine(failure)}; fetch or export it again", failure);
        }
    }

    /// <summary>True if the batch axis is free; false if it is 1.</summary>
    private static bool CheckInput(InferenceSession session, ModelDirectory model)
    {
        var input = model.Contract.Input;
        if (session.InputMetadata.Count != 1)
        {
            throw model.Defect($"the model takes {Names(session.InputMetadata)}, but must take one input");
        }

        var declared = Find(session.InputMetadata, input.Name, "input", model);
        var expected = input.Shape(1);
        var actual = declared.Dimensions;
        var fits = actual.Length == expected.Length
            && actual.Zip(expected).Skip(1).All(axis => axis.First < 0 || axis.First == axis.Second);
        if (!fits)
        {
            throw model.Defect($"the model's input {input.Name} is {Shape(actual)}, but model.json makes it "
                + $"[N, {string.Join(", ", expected.Skip(1))}]");
        }

        return actual[0] is < 0 or 1
            ? actual[0] < 0
            : throw model.Defect(
                $"the model takes exactly {actual[0]} pictures at once; its batch axis must be free or 1");
    }

    private static void CheckOutput(InferenceSession session, ModelDirectory model) =>
        Find(session.OutputMetadata, model.Contract.Output.Name, "output", model);

    private static NodeMetadata Find(
        IReadOnlyDictionary<string, NodeMetadata> declared, string name, string what, ModelDirectory model)
    {
        if (!declared.TryGetValue(name, out var metadata))
        {
            throw model.Defect($"the model has no {what} {name}; it has {Names(declared)}");
        }

        return metadata.IsTensor && metadata.ElementDataType == TensorElementType.Float
            ? metadata
            : throw model.Defect($"the model's {what} {name} is not a tensor of 32-bit floats");
    }

    private static string Names(IReadOnlyDictionary<string, NodeMetadata> declared) => string.Join(", ", declared.Keys);

    private static string Shape(int[] dimensions) =>
        $"[{string.Join(", ", dimensions.Select(length => length < 0 ? "free" : $"{length}"))}]";

    /// <summary>The message of ONNX Runtime, without its stack trace.</summary>
    internal static string FirstLine(Exception failure) => failure.Message.Split('\n', 2)[0].Trim().TrimEnd('.');
}
