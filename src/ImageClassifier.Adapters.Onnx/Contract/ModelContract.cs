namespace ImageClassifier.Adapters.Onnx.Contract;

/// <summary>The contents of a <c>model.json</c>: the input and the output of the model.</summary>
/// <param name="Name">The name of the model in results.</param>
/// <param name="Input">The input of the model.</param>
/// <param name="Output">The output of the model.</param>
public sealed record ModelContract(string Name, ModelInput Input, ModelOutput Output)
{
    /// <summary>Reads a <c>model.json</c>.</summary>
    /// <exception cref="FormatException">The text is not JSON, or a field is missing, unknown, of the wrong kind or out
    /// of range. The message is a clause with the name of the field and its allowed values.</exception>
    public static ModelContract Parse(string json) => ModelContractJson.Read(json);
}

/// <summary>The input of a model: one float tensor of pictures.</summary>
/// <param name="Name">The name of the input in the graph.</param>
/// <param name="Layout">The order of the axes.</param>
/// <param name="Width">The width of a picture in pixels.</param>
/// <param name="Height">The height of a picture in pixels.</param>
/// <param name="Range">The values of the bytes 0 and 255 before mean and deviation are applied.</param>
/// <param name="Mean">The mean to subtract from red, green and blue.</param>
/// <param name="Std">The deviation by which red, green and blue are divided.</param>
/// <param name="Resize">How a picture of any size is resized.</param>
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

    /// <summary>The number of values of one picture.</summary>
    public int Length => Channels * Width * Height;

    /// <summary>The shape of the tensor for a number of pictures.</summary>
    public long[] Shape(int pictures) => Layout == TensorLayout.Nchw
        ? [pictures, Channels, Height, Width]
        : [pictures, Height, Width, Channels];
}

/// <summary>The order of the axes of a picture tensor.</summary>
public enum TensorLayout
{
    /// <summary>Picture, channel, row, column.</summary>
    Nchw,

    /// <summary>Picture, row, column, channel.</summary>
    Nhwc,
}

/// <summary>How a picture of any size gets the model's size: its shorter side is resized, and its centre is
/// cropped.</summary>
/// <param name="ShorterSide">The length of the shorter side before the crop, in pixels; at least the model's width and
/// height.</param>
/// <param name="Prescale">If set, the antialiasing filter resizes the shorter side to this length, and nearest
/// neighbour does the rest. At least <paramref name="ShorterSide"/>.</param>
public sealed record ModelResize(int ShorterSide, int? Prescale)
{
    /// <summary>The shorter side after the antialiasing filter.</summary>
    public int FilteredSide => Prescale ?? ShorterSide;
}

/// <summary>The output of a model: one float tensor with a number for each class of each picture.</summary>
/// <param name="Name">The name of the output in the graph.</param>
/// <param name="Kind">The meaning of the numbers.</param>
public sealed record ModelOutput(string Name, OutputKind Kind);

/// <summary>The meaning of a model's numbers.</summary>
public enum OutputKind
{
    /// <summary>Any real numbers. Their softmax gives the probabilities.</summary>
    Logits,

    /// <summary>Probabilities that add up to 1.</summary>
    Probabilities,
}
