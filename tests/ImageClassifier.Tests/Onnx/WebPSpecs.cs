using System.Buffers.Binary;
using System.Text;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>WebP pictures are decoded like the other formats, within the same limits.</summary>
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
    public void A_lossless_webp_gives_the_same_pixels_as_its_png(bool transparent)
    {
        // Too small for scaling by the codec.
        using var picture = TestPictures.Noise(30, 21, transparent);

        var tensor = Decode(WebP(picture, Lossless));

        var expected = Decode(TestPictures.Png(picture));
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], tensor[i], 2.0);
    }

    [Theory]
    [InlineData(Lossless)]
    [InlineData(90)]
    public void A_large_webp_is_scaled_by_the_codec(int quality)
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
    public void A_truncated_webp_is_refused_at_every_length(int quality)
    {
        using var picture = TestPictures.Noise(60, 40);
        var file = WebP(picture, quality);
        for (var length = 13; length < file.Length; length += 7)
        {
            Assert.Equal(
                JobErrorCodes.Undecodable, Refusal(file[..length], new DecodingLimits(Pixels, Memory, Timeout))?.Code);
        }
    }

    [Fact]
    public void A_webp_is_turned_upright()
    {
        // Both files show the same picture, but only one has an orientation.
        var lying = Decode(SamplePicture.Read("lossy.webp"));
        var turned = Decode(SamplePicture.Read("orientation6.webp"));

        // The crops are square and in the middle. Upright row y is the stored column from the left, from the bottom up.
        for (var y = 0; y < Input.Height; y++)
        {
            for (var x = 0; x < Input.Width; x++)
            {
                var (stored, upright) = (((Input.Height - 1 - x) * Input.Width + y) * 3, (y * Input.Width + x) * 3);
                for (var c = 0; c < 3; c++) Assert.Equal(lying[stored + c], turned[upright + c], 25f);
            }
        }
    }

    [Fact]
    public void An_animation_is_refused_by_its_name()
    {
        const string refusal = "The file is an animated WebP. Export one of its pictures as JPEG or PNG.";
        var still = WebPChunks(SamplePicture.Read("alpha.webp"));
        Assert.Equal("VP8X", still[0].Type);
        var flagged = still[0] with { Data = SamplePicture.With(still[0].Data, 0, (byte)(still[0].Data[0] | 2)) };

        Assert.Equal(refusal, Message(Riff([flagged, .. still.Skip(1)])));
        Assert.Equal(refusal, Message(Riff([still[0], new Chunk("ANIM", new byte[6]), .. still.Skip(1)])));
    }

    [Fact]
    public void Chunks_that_are_missing_doubled_or_in_the_wrong_place_are_refused()
    {
        var chunks = WebPChunks(SamplePicture.Read("alpha.webp"));
        Assert.Equal(["VP8X", "ALPH", "VP8 "], chunks.Select(chunk => chunk.Type));
        var (header, alpha, pixels) = (chunks[0], chunks[1], chunks[2]);
        var unknown = new Chunk("ABCD", new byte[3]);
        var wider = header with { Data = SamplePicture.With(header.Data, 4, 100) };
        Assert.Null(Message(Riff([header, alpha, pixels])));
        Assert.Null(Message(Riff([header, alpha, pixels, unknown])));
        Assert.Null(Message([.. Riff([header, alpha, pixels]), 1, 2, 3]));
        Chunk[][] refused =
        [
            [], [header], [header, alpha], [pixels, pixels], [header, header, pixels], [pixels, header],
            [alpha, pixels], [header, alpha, alpha, pixels], [header, pixels, alpha, pixels], [wider, alpha, pixels],
            [unknown, pixels], [header with { Data = header.Data[..9] }, alpha, pixels],
            [header, alpha, pixels with { Data = SamplePicture.With(pixels.Data, 3, 0) }],
            [header, alpha, pixels with { Data = SamplePicture.With(pixels.Data, 0, 1) }],
            [pixels with { Data = pixels.Data[..9] }],
        ];
        Assert.All(refused, file => Assert.Equal("The WebP is damaged. Export it again.", Message(Riff(file))));
    }

    private static string? Message(byte[] file) => Refusal(file, new DecodingLimits(Pixels, Memory, Timeout))?.Message;

    private static List<Chunk> WebPChunks(byte[] file)
    {
        var chunks = new List<Chunk>();
        for (var at = 12; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            chunks.Add(new Chunk(Encoding.ASCII.GetString(file, at, 4), file[(at + 8)..(at + 8 + length)]));
            at += 8 + length + (length & 1);
        }

        return chunks;
    }

    private static byte[] Riff(Chunk[] chunks)
    {
        byte[] content = [.. "WEBP"u8, .. chunks.SelectMany(chunk => (byte[])
        [
            .. Encoding.ASCII.GetBytes(chunk.Type), .. BitConverter.GetBytes(chunk.Data.Length), .. chunk.Data,
            .. new byte[chunk.Data.Length & 1],
        ])];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(content.Length), .. content];
    }

    private sealed record Chunk(string Type, byte[] Data);

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
