using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A model is unusable.</summary>
internal sealed class ModelDefectException : Exception
{
    // A fault can hold text of the model, which can be long.
    private const int LongestFault = 1000;

    public ModelDefectException(IReadOnlyList<string> faults, Exception? inner = null)
        : base(string.Join("; ", faults.Select(Shown)), inner)
    {
        Faults = [.. faults.Select(Shown)];
    }

    public ModelDefectException(string fault, Exception? inner = null)
        : this([fault], inner)
    {
    }

    /// <summary>All faults that were found, at least one. Each is a clause: what is wrong, and the remedy.</summary>
    public IReadOnlyList<string> Faults { get; }

    /// <summary>Throws if there are faults.</summary>
    public static void ThrowIfAny(IReadOnlyList<string> faults, Exception? inner = null)
    {
        if (faults.Count > 0) throw new ModelDefectException(faults, inner);
    }

    private static string Shown(string fault) => UntrustedText.ForMessage(fault, LongestFault);
}
