namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>The second bytes of a JPEG's markers (ITU-T T.81, table B.1).</summary>
internal static class JpegMarker
{
    public const byte Prefix = 0xFF;
    public const byte Temporary = 0x01;
    public const byte BaselineFrame = 0xC0;
    public const byte ExtendedFrame = 0xC1;
    public const byte ProgressiveFrame = 0xC2;
    public const byte HuffmanTables = 0xC4;
    public const byte ArithmeticFrame = 0xC9;
    public const byte ArithmeticProgressiveFrame = 0xCA;
    public const byte ArithmeticConditions = 0xCC;
    public const byte FirstRestart = 0xD0;
    public const byte LastRestart = 0xD7;
    public const byte StartOfImage = 0xD8;
    public const byte EndOfImage = 0xD9;
    public const byte StartOfScan = 0xDA;
    public const byte QuantizationTables = 0xDB;
    public const byte NumberOfLines = 0xDC;
    public const byte RestartInterval = 0xDD;
    public const byte FirstApplication = 0xE0;
    public const byte Adobe = 0xEE;
    public const byte LastApplication = 0xEF;
    public const byte Comment = 0xFE;

    public static bool IsRestart(byte marker) => marker is >= FirstRestart and <= LastRestart;

    /// <summary>True if the marker has no length and no content.</summary>
    public static bool StandsAlone(byte marker) =>
        marker is Temporary or StartOfImage or EndOfImage || IsRestart(marker);

    /// <summary>The name of the unsupported kind of JPEG whose frames begin with a marker; null if the marker begins no
    /// frame, or one of a supported kind.</summary>
    public static string? UnsupportedKind(byte marker) => marker switch
    {
        0xC3 or 0xCB => "lossless JPEG",
        0xC5 or 0xC6 or 0xC7 or 0xCD or 0xCE or 0xCF or 0xDE or 0xDF => "hierarchical JPEG",
        0xF7 => "JPEG-LS picture",
        _ => null,
    };
}
