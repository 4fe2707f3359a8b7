using ImageClassifier.Adapters.Onnx.Contract;

namespace ImageClassifier.Adapters.Onnx.Backbones;

/// <summary>
/// The pretrained network that turns a picture into features: ResNet-18 without its last layer, from the package
/// Microsoft.ML.DnnImageFeaturizer.ResNet18. A head turns the features into classes.
/// </summary>
public static class Backbone
{
    /// <summary>The name of the network's file in each trained model. The default model is one.</summary>
    public const string NetworkFile = "ResNet18.onnx";

    /// <summary>The name of the file with its licence.</summary>
    public const string LicenceFile = "ResNet18-LICENSE.txt";

    /// <summary>The number of features of a picture.</summary>
    public const int Features = 512;

    internal const string InputName = "Input247";
    internal const string OutputName = "Pooling395_Output_0";

    private const int Side = 224;

    // The means of the package's mean picture, which is nearly constant.
    private const float MeanRed = 123.15f;
    private const float MeanGreen = 115.90f;
    private const float MeanBlue = 103.06f;

    /// <summary>The path of a file in the default model, which is delivered with the program.</summary>
    /// <param name="file">One of <see cref="NetworkFile"/> and <see cref="LicenceFile"/>.</param>
    public static string PathOf(string file) =>
        Path.Combine(AppContext.BaseDirectory, "models", "tiny-imagenet-200", file);

    /// <summary>The input of the network.</summary>
    internal static ModelInput Input { get; } = new(
        InputName, TensorLayout.Nchw, Side, Side, (0, 255), [MeanBlue, MeanGreen, MeanRed], [1, 1, 1],
        new ModelResize(Side, Prescale: null))
    {
        Order = ChannelOrder.Bgr,
    };

    /// <summary>The shape of the features of one picture. The network takes one picture a run.</summary>
    internal static long[] OutputShape { get; } = [1, Features, 1, 1];
}
