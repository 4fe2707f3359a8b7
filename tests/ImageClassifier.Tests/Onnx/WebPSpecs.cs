using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>WebP is decoded as the other formats are, within the same limits.</summary>
public sealed class WebPSpecs
{
    private const int Lossless = 100;
    private const long Memory = 1 << 30;
    private const long Pixels = 100_000_000;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private static readonly ModelInput Input = new(
        "input", TensorLayout.Nhwc, 16, 16, (0, 255), [0, 0, 0], [1, 1, 1], new ModelResize(20, null));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lossless_webp_gives_what_its_png_gives(bool transparent)
    {
        // Too small to be scaled by the codec.
        using var picture = TestPictures.Noise(30, 21, transparent);

        var tensor = Decode(WebP(picture, Lossless));

        var expected = Decode(TestPictures.Png(picture));
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], tensor[i], 2.0);
    }

    [Theory]
    [InlineData(Lossless)]
    [InlineData(90)]
    public void A_large_webp_is_scaled_on_the_way(int quality)
    {
        using var picture = TestPictures.Gradient(700, 500);

        var tensor = Decode(WebP(picture, quality));

        var expected = Decode(TestPictures.Png(picture));
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], tensor[i], 6.0);
    }

    [Fact]
    public void A_webp_over_the_limits_is_refused()
    {
        using var picture = TestPictures.Gradient(700, 500);
        var file = WebP(picture, Lossless);

        Assert.Equal(JobErrorCodes.TooManyPixels, Refusal(file, new DecodingLimits(349_999, Memory, Timeout))?.Code);
        Assert.Equal(JobErrorCodes.TooCostly, Refusal(file, new DecodingLimits(Pixels, 700 * 500 * 4, Timeout))?.Code);
        Assert.Equal(JobErrorCodes.TooCostly, Refusal(file, new DecodingLimits(Pixels, Memory, TimeSpan.Zero))?.Code);
    }

    [Theory]
    [InlineData(Lossless)]
    [InlineData(90)]
    public void A_webp_that_is_cut_off_is_refused_at_every_length(int quality)
    {
        using var picture = TestPictures.Noise(60, 40);
        var file = WebP(picture, quality);
        for (var length = 13; length < file.Length; length += 7)
        {
            Assert.Equal(
                JobErrorCodes.Undecodable, Refusal(file[..length], new DecodingLimits(Pixels, Memory, Timeout))?.Code);
        }
    }

    private static byte[] WebP(SKBitmap picture, int quality) =>
        TestPictures.Encode(picture, SKEncodedImageFormat.Webp, quality);

    private static float[] Decode(byte[] file)
    {
        var tensor = new float[Input.Length];
        Assert.Null(new PictureDecoder(Input, new DecodingLimits(Pixels, Memory, Timeout)).Decode(file, tensor));
        return tensor;
    }

    private static JobError? Refusal(byte[] file, DecodingLimits limits) =>
        new PictureDecoder(Input, limits).Decode(file, new float[Input.Length]);
}
