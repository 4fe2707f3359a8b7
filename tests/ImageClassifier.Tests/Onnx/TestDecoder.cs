using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>A decoder of a model that takes unscaled bytes, so that tests can read a tensor.</summary>
internal static class TestDecoder
{
    private const int Side = 16;

    private static readonly ModelInput Input = new(
        "input", TensorLayout.Nhwc, Side, Side, (0, 255), [0, 0, 0], [1, 1, 1], new ModelResize(20, null));

    private static readonly PictureDecoder Decoder = new(Input, TestModel.Limits(1_000_000));

    public static float[] Decode(byte[] file)
    {
        var tensor = new float[Input.Length];
        Assert.Null(Decoder.Decode(file, tensor)?.Message);
        return tensor;
    }

    /// <summary>Why a file is refused; null if it is accepted.</summary>
    public static string? Refusal(byte[] file)
    {
        var error = Decoder.Decode(file, new float[Input.Length]);
        if (error is not null) Assert.Equal(JobErrorCodes.Undecodable, error.Code);
        return error?.Message;
    }
}
