namespace ImageClassifier.Adapters.Onnx;

/// <summary>What a <c>model.json</c> says: what the model takes, and what it gives.</summary>
/// <param name="Name">The model's name, as results give it.</param>
/// <param name="Input">What it takes.</param>
/// <param name="Output">What it gives.</param>
public sealed record ModelContract(string Name, ModelInput Input, ModelOutput Output)
{
    /// <summary>Reads a <c>model.json</c>.</summary>
    /// <exception cref="FormatException">It is no JSON, or a field is missing, unknown, of the wrong kind or out of
    /// range; the message is a clause that names the field and what it may be.</exception>
    public static ModelContract Parse(string json) => ModelContractJson.Read(json);
}

/// <summary>What a model takes: one float tensor of pictures.</summary>
/// <param name="Name">The input's name in the graph.</param>
/// <param name="Layout">The order of its axes.</param>
/// <param name="Width">A picture's width, in pixels.</param>
/// <param name="Height">A picture's height, in pixels.</param>
/// <param name="Range">What the bytes 0 and 255 become before mean and deviation are taken off.</param>
/// <param name="Mean">For red, green and blue: what is subtracted.</param>
/// <param name="Std">For red, green and blue: what the difference is divided by.</param>
/// <param name="Resize">How a photo of any size comes to that size.</param>
public sealed record ModelInput(
    string Name,
    TensorLayout Layout,
    int Width,
    int Height,
    (float Low, float High) Range,
    IReadOnlyList<float> Mean,
    IReadOnlyList<float> Std,
    ModelResize Resize)
{
    /// <summary>The channels of a picture: red, green and blue.</summary>
    public const int Channels = 3;

    /// <summary>How many numbers one picture is.</summary>
    public int Length => Channels * Width * Height;

    /// <summary>The tensor's shape for so many pictures.</summary>
    public long[] Shape(int pictures) => Layout == TensorLayout.Nchw
        ? [pictures, Channels, Height, Width]
        : [pictures, Height, Width, Channels];
}

/// <summary>The order of a picture tensor's axes.</summary>
public enum TensorLayout
{
    /// <summary>Picture, channel, row, column.</summary>
    Nchw,

    /// <summary>Picture, row, column, channel.</summary>
    Nhwc,
}

/// <summary>How a photo of any size comes to the model's size: its shorter side is resized, its centre cut out.
/// </summary>
/// <param name="ShorterSide">The shorter side's length when the centre is cut out, in pixels; at least the model's
/// width and height.</param>
/// <param name="Prescale">Where set, the antialiasing filter only goes to this shorter side, and nearest neighbour the
/// rest of the way; at least <paramref name="ShorterSide"/>.</param>
public sealed record ModelResize(int ShorterSide, int? Prescale)
{
    /// <summary>The shorter side that the antialiasing filter makes.</summary>
    public int FilteredSide => Prescale ?? ShorterSide;
}

/// <summary>What a model gives: one float tensor with a number for each class of each picture.</summary>
/// <param name="Name">The output's name in the graph.</param>
/// <param name="Kind">What the numbers are.</param>
public sealed record ModelOutput(string Name, OutputKind Kind);

/// <summary>What a model's numbers are.</summary>
public enum OutputKind
{
    /// <summary>Any real numbers; their softmax gives the probabilities.</summary>
    Logits,

    /// <summary>Probabilities that together give 1.</summary>
    Probabilities,
}
