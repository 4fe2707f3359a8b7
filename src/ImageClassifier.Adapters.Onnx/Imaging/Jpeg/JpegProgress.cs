namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>Tracks which bits of which coefficients the scans have delivered (ITU-T T.81, annex G).</summary>
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

    /// <summary>True if every bit of every coefficient was delivered.</summary>
    public bool IsWhole => !_lowBits.AsSpan().ContainsAnyExcept((sbyte)0);

    /// <summary>True if each component has its first coefficients. Without them there is no picture.</summary>
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

    /// <summary>Adds the bits of a scan.</summary>
    public void Add(JpegScan scan)
    {
        foreach (var component in scan.Components)
        {
            _lowBits.AsSpan(component.Index * CoefficientsOfComponent)[scan.First..(scan.Last + 1)]
                .Fill((sbyte)scan.LowBit);
        }
    }
}
