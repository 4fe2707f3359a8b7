using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>The rule for truncated files: a picture without its end marker is accepted, and a picture with missing data
/// is refused.</summary>
public sealed class CutOffSpecs
{
    private const string CutOff = "The picture is cut off: its end is missing. Send the whole file.";

    private static readonly byte[] EndMarker = [0xFF, 0xD9];

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("restart.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("scan_each.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("progressive_444.jpg")]
    [InlineData("progressive_moz.jpg")]
    [InlineData("progressive_grey.jpg")]
    [InlineData("progressive_restart.jpg")]
    public void A_jpeg_needs_its_last_bit_but_not_its_end_marker(string name)
    {
        var file = SamplePicture.Read(name);
        var whole = TestDecoder.Decode(file);

        Assert.Equal(whole, TestDecoder.Decode(file[..^1]));
        Assert.Equal(whole, TestDecoder.Decode(file[..^2]));
        for (var length = 3; length < file.Length - 2; length++)
        {
            Assert.True(TestDecoder.Refusal(file[..length]) == CutOff, $"{length} of {file.Length} bytes");
        }
    }

    [Theory]
    [InlineData("arithmetic.jpg")]
    [InlineData("arithmetic_progressive.jpg")]
    public void Arithmetic_coding_needs_its_end_marker(string name)
    {
        var file = SamplePicture.Read(name);

        for (var length = 3; length < file.Length; length++) Assert.Equal(CutOff, TestDecoder.Refusal(file[..length]));
    }

    [Theory]
    [InlineData("scan_each.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("progressive_moz.jpg")]
    [InlineData("progressive_grey.jpg")]
    public void An_end_marker_does_not_hide_a_truncated_scan(string name)
    {
        var file = SamplePicture.Read(name);
        var scans = SamplePicture.Scans(file);

        // Within each scan, but not between two scans, because an encoder may leave out scans.
        for (var i = 0; i < scans.Count; i++)
        {
            var header = scans[i] + 2 + file[scans[i] + 3];
            var end = i + 1 < scans.Count
                ? SamplePicture.Markers(file, 0xC4, 0xDA).First(marker => marker > scans[i])
                : file.Length - 2;
            for (var length = header; length < end; length++)
            {
                Assert.True(
                    TestDecoder.Refusal([.. file.AsSpan(0, length), .. EndMarker]) == CutOff,
                    $"{length} bytes, in scan {i} from {header} to {end}");
            }
        }
    }

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("restart.jpg")]
    [InlineData("cmyk.jpg")]
    public void An_end_marker_does_not_hide_missing_rows(string name)
    {
        var file = SamplePicture.Read(name);
        var data = SamplePicture.Scans(file)[0] + 2 + file[SamplePicture.Scans(file)[0] + 3];

        for (var length = data; length < file.Length - 2; length++)
        {
            Assert.True(
                TestDecoder.Refusal([.. file.AsSpan(0, length), .. EndMarker]) == CutOff,
                $"{length} of {file.Length} bytes");
        }
    }

    [SkippableTheory]
    [InlineData("goldfish.jpg")]
    [InlineData("cat_grey.jpg")]
    [InlineData("water_tower_cmyk.jpg")]
    public void An_end_marker_does_not_hide_missing_rows_of_a_photo(string name)
    {
        var file = File.ReadAllBytes(Repository.SharedFile("images", name));

        // The codec reads eight bytes ahead, so about that many may be missing silently.
        int[] missing = [20, 30, 100, 1000, file.Length / 10, file.Length / 2];
        Assert.All(missing, bytes => Assert.Equal(
            CutOff, TestDecoder.Refusal([.. file.AsSpan(0, file.Length - 2 - bytes), .. EndMarker])));
    }

    [SkippableTheory]
    [InlineData("goldfish.jpg")]
    [InlineData("cat_grey.jpg")]
    [InlineData("parrot_progressive.jpg")]
    [InlineData("water_tower_cmyk.jpg")]
    [InlineData("pay_phone_exif6.jpg")]
    public void A_photo_needs_its_last_bit_but_not_its_end_marker(string name)
    {
        var file = File.ReadAllBytes(Repository.SharedFile("images", name));
        var whole = TestDecoder.Decode(file);

        Assert.Equal(whole, TestDecoder.Decode(file[..^2]));
        var scans = SamplePicture.Scans(file);
        int[] lengths =
        [
            .. Enumerable.Range(1, 40).Select(part => file.Length * part / 41),
            .. scans, .. scans.Select(scan => scan + 1), .. scans.Select(scan => scan - 1),
            .. Enumerable.Range(3, 20).Select(missing => file.Length - missing),
        ];
        foreach (var length in lengths)
        {
            Assert.True(TestDecoder.Refusal(file[..length]) == CutOff, $"{length} of {file.Length} bytes");
        }
    }

    [Fact]
    public void A_png_needs_all_its_pixels_but_not_its_end()
    {
        const int EndChunk = 12;
        using var opaque = TestPictures.Noise(60, 50);
        using var transparent = TestPictures.Noise(33, 20, transparent: true);
        byte[][] files =
        [
            TestPictures.Png(opaque), TestPictures.Png(transparent), TestPictures.InterlacedPng(opaque),
            SamplePicture.Read("palette_interlaced.png"),
        ];
        foreach (var file in files)
        {
            var whole = TestDecoder.Decode(file);
            for (var missing = 1; missing <= EndChunk; missing++)
            {
                Assert.Equal(whole, TestDecoder.Decode(file[..^missing]));
            }

            for (var length = 8; length < file.Length - EndChunk; length++)
            {
                Assert.True(TestDecoder.Refusal(file[..length]) == CutOff, $"{length} of {file.Length} bytes");
            }
        }
    }

    [Fact]
    public void A_png_with_several_pixel_chunks_needs_all_of_them()
    {
        using var picture = TestPictures.Noise(60, 50);
        var file = PngChunks.Split(TestPictures.Png(picture), bytesOfPixels: 700);
        var chunks = PngChunks.Of(file);
        Assert.InRange(chunks.Count(chunk => chunk.Type == "IDAT"), 5, 50);

        Assert.Null(TestDecoder.Refusal(PngChunks.Join([.. chunks.SkipLast(1)])));
        for (var missing = 2; missing < chunks.Count; missing++)
        {
            Assert.Equal(CutOff, TestDecoder.Refusal(PngChunks.Join([.. chunks.SkipLast(missing)])));
            // The end is there, but data before it is missing.
            Assert.NotNull(TestDecoder.Refusal(PngChunks.Join([.. chunks.SkipLast(missing), chunks[^1]])));
        }
    }
}
