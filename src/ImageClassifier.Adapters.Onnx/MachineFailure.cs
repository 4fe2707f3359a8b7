using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Tells failures of this machine from defects of a model.</summary>
public static class MachineFailure
{
    // ONNX Runtime reports a lack of memory as any other failure. A bare "memory" can be part of a name in the network.
    private static readonly string[] OfMemory =
        ["allocate memory", "bad_alloc", "bad allocation", "available memory", "out of memory", "not enough memory"];

    /// <summary>True if the exception, or one of its causes, is a failed read or a lack of memory. A missing file and a
    /// file that is too short are defects of the model.</summary>
    public static bool IsCauseOf(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
            if (IsOfMachine(cause)) return true;
        return false;
    }

    private static bool IsOfMachine(Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException or PathTooLongException or EndOfStreamException => false,
        IOException or UnauthorizedAccessException or OutOfMemoryException => true,
        OnnxRuntimeException => OfMemory.Any(words => failure.Message.Contains(words, StringComparison.OrdinalIgnoreCase)),
        _ => false,
    };
}
