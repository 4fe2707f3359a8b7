namespace ImageClassifier.Adapters.Onnx.Contract;

/// <summary>The contents of a <c>model.json</c>: the input and the output of the model.</summary>
/// <param name="Name">The name of the model in results.</param>
/// <param name="Input">The input of the model.</param>
/// <param name="Output">The output of the model.</param>
public sealed record ModelContract(string Name, ModelInput Input, ModelOutput Output)
{
    /// <summary>The network's file if the contract names no parts.</summary>
    public const string DefaultPart = "model.onnx";

    /// <summary>The files whose bytes, one after the other, are the network: plain names within the model
    /// directory.</summary>
    public IReadOnlyList<string> Parts { get; init; } = [DefaultPart];

    /// <summary>Reads a <c>model.json</c>.</summary>
    /// <exception cref="FormatException">The text is not JSON, or a field is missing, unknown, of the wrong kind or out
    /// of range. The message is a clause with the name of the field and its allowed values.</exception>
    public static ModelContract Parse(string json) => ModelContractJson.Read(json);
}

/// <summary>The input of a model: one tensor of pictures.</summary>
/// <param name="Name">The name of the input in the graph.</param>
/// <param name="Layout">The order of the axes.</param>
/// <param name="Width">The width of a picture in pixels.</param>
/// <param name="Height">The height of a picture in pixels.</param>
/// <param name="Range">The values of the bytes 0 and 255 before mean and deviation are applied.</param>
/// <param name="Mean">The mean to subtract from each channel, in the order of <see cref="Order"/>.</param>
/// <param name="Std">The deviation by which each channel is divided, in the order of <see cref="Order"/>.</param>
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

    /// <summary>The order of the channels.</summary>
    public ChannelOrder Order { get; init; }

    /// <summary>False if the contract gives no range, mean and deviation, which only a network of bytes allows. The
    /// values here then leave the bytes as they are.</summary>
    public bool GivesScaling { get; init; } = true;

    /// <summary>True if range, mean and deviation leave the bytes of a picture as they are.</summary>
    public bool LeavesBytes =>
        Range == (0, byte.MaxValue) && Mean.All(mean => mean == 0) && Std.All(deviation => deviation == 1);

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

/// <summary>The order of the channels in a picture tensor.</summary>
public enum ChannelOrder
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red.</summary>
    Bgr,
}

/// <summary>How a picture of any size gets the model's size: its shorter side is resized, and its centre is
/// cropped.</summary>
/// <param name="ShorterSide">The length of the shorter side before the crop, in pixels; at least the model's width and
/// height.</param>
/// <param name="Prescale">If set, the antialiasing filter resizes the shorter side to this length, and nearest
/// neighbour does the rest. At least <paramref name="ShorterSide"/>.</param>
public sealed record ModelResize(int ShorterSide, int? Prescale)
{
    /// <summary>The antialiasing filter.</summary>
    public ResizeFilter Filter { get; init; }

    /// <summary>If true, both sides are resized to the model's size, and nothing is cropped.
    /// <see cref="ShorterSide"/> is then the model's longer side, so that a picture is decoded large enough.</summary>
    public bool Squash { get; init; }

    /// <summary>The shorter side after the antialiasing filter.</summary>
    public int FilteredSide => Prescale ?? ShorterSide;
}

/// <summary>An antialiasing filter.</summary>
public enum ResizeFilter
{
    /// <summary>A triangle that reaches one pixel of the result to each side.</summary>
    Bilinear,

    /// <summary>A cubic that reaches two pixels of the result to each side.</summary>
    Bicubic,
}

/// <summary>The output of a model: one tensor with a number for each class of each picture.</summary>
/// <param name="Name">The name of the output in the graph.</param>
/// <param name="Kind">The meaning of the numbers.</param>
public sealed record ModelOutput(string Name, OutputKind Kind)
{
    /// <summary>The index of the first class that has a label. It is 1 if class 0 is the background, which is never an
    /// answer.</summary>
    public int FirstClass { get; init; }
}

/// <summary>The meaning of a model's numbers.</summary>
public enum OutputKind
{
    /// <summary>Any real numbers. Their softmax gives the probabilities.</summary>
    Logits,

    /// <summary>Probabilities that add up to 1.</summary>
    Probabilities,
}
