namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>Which bits of which coefficients the scans have brought (ITU-T T.81, annex G).</summary>
internal sealed class JpegProgress
{
    private const int CoefficientsOfComponent = 64;
    private const sbyte Nothing = -1;

    private readonly sbyte[] _lowBits;

    public JpegProgress(JpegFrame frame)
    {
        _lowBits = new sbyte[frame.Components.Length * CoefficientsOfComponent];
        _lowBits.AsSpan().Fill(Nothing);
    }

    /// <summary>Whether every bit of every coefficient has come.</summary>
    public bool IsWhole => !_lowBits.AsSpan().ContainsAnyExcept((sbyte)0);

    /// <summary>Whether each component has its first coefficients, without which there is no picture.</summary>
    public bool HasAllComponents
    {
        get
        {
            for (var i = 0; i < _lowBits.Length; i += CoefficientsOfComponent)
            {
                if (_lowBits[i] == Nothing) return false;
            }

            return true;
        }
    }

    /// <summary>Notes what a scan brings.</summary>
    public void Add(JpegScan scan)
    {
        foreach (var component in scan.Components)
        {
            _lowBits.AsSpan(component.Index * CoefficientsOfComponent)[scan.First..(scan.Last + 1)]
                .Fill((sbyte)scan.LowBit);
        }
    }
}
