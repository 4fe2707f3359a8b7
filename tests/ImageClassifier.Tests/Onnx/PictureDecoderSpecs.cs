using System.IO.Compression;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class PictureDecoderSpecs
{
    private const int Side = 16;

    [Theory]
    [InlineData(100, 80)]
    [InlineData(81, 203)]
    [InlineData(16, 16)]
    [InlineData(17, 29)]
    [InlineData(5, 9)]
    [InlineData(1, 1)]
    [InlineData(3, 400)]
    [InlineData(400, 3)]
    public void Resizing_agrees_with_a_plain_reference(int width, int height)
    {
        foreach (var resize in new[] { new ModelResize(20, null), new ModelResize(16, 64), new ModelResize(19, 50) })
        {
            using var picture = TestPictures.Noise(width, height);

            var tensor = Decode(Bytes(resize), TestPictures.Png(picture));

            AssertClose(ReferenceResize.Crop(picture, resize, Side, Side), tensor, 0.01);
        }
    }

    [Theory]
    [InlineData(100, 80)]
    [InlineData(81, 203)]
    [InlineData(16, 16)]
    [InlineData(5, 9)]
    [InlineData(1, 1)]
    [InlineData(3, 400)]
    public void Bicubic_resizing_and_squashing_agree_with_a_plain_reference(int width, int height)
    {
        var crop = new ModelResize(20, null);
        var squash = new ModelResize(24, null) { Squash = true };
        ModelResize[] resizes =
            [crop with { Filter = ResizeFilter.Bicubic }, squash, squash with { Filter = ResizeFilter.Bicubic }];
        foreach (var resize in resizes)
        {
            using var picture = TestPictures.Noise(width, height);
            var input = Bytes(resize) with { Height = resize.Squash ? 24 : Side };

            var tensor = Decode(input, TestPictures.Png(picture));

            AssertClose(ReferenceResize.Crop(picture, resize, Side, input.Height), tensor, 0.01);
        }
    }

    [Fact]
    public void A_cubic_does_not_overshoot_black_and_white()
    {
        using var picture = TestPictures.Plain(40, 40, SKColors.Black);
        using var canvas = new SKCanvas(picture);
        using var white = new SKPaint { Color = SKColors.White };
        canvas.DrawRect(0, 0, 21, 40, white);
        var resize = new ModelResize(18, null) { Filter = ResizeFilter.Bicubic };

        var tensor = Decode(Bytes(resize), TestPictures.Png(picture));

        Assert.Equal(0, tensor.Min());
        Assert.Equal(255, tensor.Max());
        AssertClose(ReferenceResize.Crop(picture, resize, Side, Side), tensor, 0.01);
    }

    [Fact]
    public void Transparent_pixels_are_drawn_on_white_by_a_cubic_too()
    {
        var resize = new ModelResize(20, null) { Filter = ResizeFilter.Bicubic };
        using var picture = TestPictures.Noise(50, 40, transparent: true);

        var tensor = Decode(Bytes(resize), TestPictures.Png(picture));

        AssertClose(ReferenceResize.Crop(picture, resize, Side, Side), tensor, 1.5);
    }

    [Theory]
    [InlineData(TensorLayout.Nchw)]
    [InlineData(TensorLayout.Nhwc)]
    public void Blue_comes_first_if_the_model_wants_it_and_mean_and_deviation_follow_that_order(TensorLayout layout)
    {
        var input = Bytes() with { Layout = layout, Order = ChannelOrder.Bgr, Mean = [1, 2, 3], Std = [2, 4, 5] };
        using var picture = TestPictures.Plain(30, 30, new SKColor(red: 103, green: 42, blue: 21));

        var tensor = Decode(input, TestPictures.Png(picture));

        var (pixel, channel) = layout == TensorLayout.Nchw ? (1, Side * Side) : (3, 1);
        for (var i = 0; i < Side * Side; i++)
        {
            Assert.Equal(10, tensor[i * pixel], 1e-3);
            Assert.Equal(10, tensor[i * pixel + channel], 1e-3);
            Assert.Equal(20, tensor[i * pixel + 2 * channel], 1e-3);
        }
    }

    [Fact]
    public void A_model_that_is_not_square_gets_its_width_and_height()
    {
        var input = Bytes(new ModelResize(24, null)) with { Width = 24, Height = 10 };
        using var picture = TestPictures.Noise(70, 90);

        var tensor = Decode(input, TestPictures.Png(picture));

        AssertClose(ReferenceResize.Crop(picture, input.Resize, 24, 10), tensor, 0.01);
    }

    [Fact]
    public void Transparent_pixels_are_drawn_on_white()
    {
        var resize = new ModelResize(20, null);
        using var picture = TestPictures.Noise(50, 40, transparent: true);

        var tensor = Decode(Bytes(resize), TestPictures.Png(picture));

        AssertClose(ReferenceResize.Crop(picture, resize, Side, Side), tensor, 1);
    }

    [Fact]
    public void Fully_transparent_pixels_are_white()
    {
        using var picture = TestPictures.Plain(30, 30, SKColors.Red.WithAlpha(0));

        Assert.All(Decode(Bytes(), TestPictures.Png(picture)), value => Assert.Equal(255, value, 0.01));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void A_picture_is_turned_upright_by_its_orientation(byte orientation)
    {
        // One pixel is a step of about 8 in colour. The crop is an odd number of pixels shorter than the resized
        // picture, so its offset differs from either end. This shows whether turning and cropping commute. The resized
        // picture is only a little smaller than the picture, so the JPEG is decoded in full.
        foreach (var (width, height) in new[] { (41, 32), (32, 41), (56, 32), (32, 32) })
        {
            foreach (var resize in new[] { new ModelResize(31, null), new ModelResize(19, 31) })
            {
                using var upright = TestPictures.Gradient(width, height);
                using var stored = TestPictures.AsStored(upright, orientation);
                var file = TestPictures.WithOrientation(TestPictures.Jpeg(stored), orientation);

                var tensor = Decode(Bytes(resize), file);

                AssertClose(ReferenceResize.Crop(upright, resize, Side, Side), tensor, 4);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(255)]
    public void An_orientation_that_does_not_exist_changes_nothing(byte orientation)
    {
        using var picture = TestPictures.Gradient(40, 30);
        var jpeg = TestPictures.Jpeg(picture);

        var tensor = Decode(Bytes(), TestPictures.WithOrientation(jpeg, orientation));

        Assert.Equal(Decode(Bytes(), jpeg), tensor);
    }

    [Fact]
    public void Grey_has_three_equal_channels()
    {
        using var grey = new SKBitmap(new SKImageInfo(40, 30, SKColorType.Gray8, SKAlphaType.Opaque));
        grey.Erase(new SKColor(90, 90, 90));

        foreach (var file in new[] { TestPictures.Png(grey), TestPictures.Jpeg(grey) })
        {
            Assert.All(Decode(Bytes(), file), value => Assert.Equal(90, value, 1.0));
        }
    }

    [Fact]
    public void Sixteen_bits_a_channel_become_eight()
    {
        var line = Enumerable.Range(0, 20).SelectMany(_ => new byte[] { 200, 77, 100, 5, 50, 250 }).ToArray();
        var png = TestPictures.RawPng(20, 20, 16, 2, Enumerable.Repeat(line, 20));

        var tensor = Decode(Bytes(), png);

        for (var i = 0; i < tensor.Length; i++) Assert.Equal(i % 3 == 0 ? 200 : i % 3 == 1 ? 100 : 50, tensor[i], 1.0);
    }

    [Fact]
    public void Bytes_are_scaled_by_the_contract_in_either_layout()
    {
        using var picture = TestPictures.Plain(20, 20, new SKColor(255, 51, 0));
        var nhwc = Bytes() with { Range = (-1, 1), Mean = [0.5f, 0.25f, 0], Std = [0.5f, 2, 4] };
        float[] expected = [(1 - 0.5f) / 0.5f, (-1 + 0.2f * 2 - 0.25f) / 2, -0.25f];

        var interleaved = Decode(nhwc, TestPictures.Png(picture));
        var planar = Decode(nhwc with { Layout = TensorLayout.Nchw }, TestPictures.Png(picture));

        for (var i = 0; i < interleaved.Length; i++)
        {
            Assert.Equal(expected[i % 3], interleaved[i], 0.0001f);
            Assert.Equal(expected[i / (Side * Side)], planar[i], 0.0001f);
        }
    }

    [Fact]
    public void A_large_photo_decoded_at_a_reduced_scale_looks_the_same()
    {
        var resize = new ModelResize(20, null);
        using var photo = TestPictures.Gradient(1300, 1000);

        var tensor = Decode(Bytes(resize), TestPictures.Jpeg(photo));

        AssertClose(ReferenceResize.Crop(photo, resize, Side, Side), tensor, 4);
    }

    [Fact]
    public void A_png_decoded_in_bands_is_the_same_as_in_one_piece()
    {
        using var opaque = TestPictures.Noise(90, 131);
        using var transparent = TestPictures.Noise(90, 131, transparent: true);
        byte[][] files =
        [
            TestPictures.Png(opaque), TestPictures.Png(transparent), TestPictures.InterlacedPng(opaque),
        ];
        foreach (var file in files)
        {
            var whole = Decode(Bytes(), file);
            foreach (var rows in new[] { 1, 7, 50, 130 })
            {
                Assert.Equal(whole, Decode(Bytes(), file, bandBytes: rows * 90 * 4));
            }
        }
    }

    [Fact]
    public void A_line_of_pixels_is_cropped_at_its_middle()
    {
        // The picture is dark except in its middle, so only a crop of the middle is bright.
        byte[] line = [.. Enumerable.Range(0, 30_000).Select(i => i is > 14_900 and < 15_100 ? (byte)250 : (byte)0)];
        var tall = TestPictures.RawPng(1, 30_000, 8, 0, line.Select(pixel => new[] { pixel }));
        var wide = TestPictures.RawPng(30_000, 1, 8, 0, [line]);

        foreach (var resize in new[] { new ModelResize(256, null), new ModelResize(16, 256) })
        {
            Assert.All(Decode(Bytes(resize), tall), value => Assert.Equal(250, value, 0.01));
            Assert.All(Decode(Bytes(resize), wide), value => Assert.Equal(250, value, 0.01));
        }
    }

    [Fact]
    public void A_picture_over_the_limit_is_refused_by_its_header()
    {
        using var picture = TestPictures.Gradient(101, 100);
        var decoder = new PictureDecoder(Bytes(), TestModel.Limits(maxPixels: 10_000));

        var error = decoder.Decode(TestPictures.Png(picture), new float[Bytes().Length]);

        Assert.Equal(JobErrorCodes.TooManyPixels, error?.Code);
        Assert.Equal("The picture has 101 x 100 pixels; at most 10,000 in all are accepted.", error?.Message);
    }

    [Fact]
    public void A_picture_at_the_limit_is_accepted()
    {
        using var picture = TestPictures.Gradient(100, 100);
        var decoder = new PictureDecoder(Bytes(), TestModel.Limits(maxPixels: 10_000));

        Assert.Null(decoder.Decode(TestPictures.Png(picture), new float[Bytes().Length]));
    }

    [Fact]
    public void An_empty_file_is_refused()
    {
        Assert.Equal(JobErrorCodes.Empty, Refusal([])?.Code);
    }

    [Fact]
    public void A_file_of_another_kind_is_refused()
    {
        var error = Refusal([.. "GIF89a"u8, 1, 0, 1, 0, 0, 0, 0]);

        Assert.Equal(JobErrorCodes.Undecodable, error?.Code);
        Assert.Equal("The file is a GIF picture. Export it as JPEG or PNG.", error?.Message);
    }

    [Fact]
    public void A_truncated_file_is_refused_at_every_length()
    {
        using var picture = TestPictures.Noise(60, 50);
        foreach (var file in new[] { TestPictures.Jpeg(picture), TestPictures.Png(picture) })
        {
            for (var length = 1; length < file.Length * 9 / 10; length += 1 + file.Length / 60)
            {
                Assert.Equal(JobErrorCodes.Undecodable, Refusal(file[..length])?.Code);
                Assert.Equal(JobErrorCodes.Undecodable, Refusal(file[..length], bandBytes: 60 * 4 * 9)?.Code);
            }
        }
    }

    [Fact]
    public void Damage_that_only_a_checksum_shows_is_refused()
    {
        // Stored without compression: the damaged byte is a pixel, and decompression does not fail.
        const int Width = 200;
        var random = new Random(1);
        var rows = Enumerable.Range(0, 100).Select(_ =>
        {
            var row = new byte[Width];
            random.NextBytes(row);
            return row;
        });
        var png = TestPictures.RawPng(Width, 100, 8, 0, rows, compression: CompressionLevel.NoCompression);
        Assert.Null(Refusal(png));
        for (var i = 0; i < 20; i++)
        {
            var damaged = png.ToArray();
            damaged[png.Length * (i + 1) / 22] ^= 0x40;

            Assert.Equal("The picture is damaged.", Refusal(damaged)?.Message);
            Assert.Equal("The picture is damaged.", Refusal(damaged, bandBytes: Width * 4 * 30)?.Message);
        }
    }

    [Fact]
    public void Damaged_files_never_throw()
    {
        using var picture = TestPictures.Noise(40, 30);
        var random = new Random(1);
        byte[][] files =
            [TestPictures.Jpeg(picture, 80), TestPictures.Png(picture), TestPictures.InterlacedPng(picture)];
        foreach (var file in files)
        {
            for (var i = 0; i < 300; i++)
            {
                var damaged = file.ToArray();
                var reach = i % 2 == 0 ? 60 : damaged.Length;
                for (var k = 0; k < 3; k++) damaged[random.Next(reach)] = (byte)random.Next(256);

                var error = Refusal(damaged);

                Assert.True(error is null or { Code: JobErrorCodes.Undecodable or JobErrorCodes.TooManyPixels });
            }
        }
    }

    /// <summary>A model that takes unscaled bytes, so that tests can read a tensor.</summary>
    private static ModelInput Bytes(ModelResize? resize = null) => new(
        "input", TensorLayout.Nhwc, Side, Side, (0, 255), [0, 0, 0], [1, 1, 1], resize ?? new ModelResize(20, null));

    private static float[] Decode(ModelInput input, byte[] file, int bandBytes = int.MaxValue)
    {
        var tensor = new float[input.Length];
        Assert.Null(new PictureDecoder(input, TestModel.Limits(100_000_000), bandBytes).Decode(file, tensor));
        return tensor;
    }

    private static JobError? Refusal(byte[] file, int bandBytes = int.MaxValue) =>
        new PictureDecoder(Bytes(), TestModel.Limits(1_000_000), bandBytes).Decode(file, new float[Bytes().Length]);

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }
}
