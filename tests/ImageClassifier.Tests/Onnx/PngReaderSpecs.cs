using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Which PNGs reach the codec, and how they are turned upright.</summary>
public sealed class PngReaderSpecs
{
    private static readonly byte[] Original = Draw();
    private static readonly List<PngChunks> Chunks = PngChunks.Of(Original);
    private static readonly List<PngChunks> Palette = PngChunks.Of(SamplePicture.Read("palette_interlaced.png"));

    [Theory]
    [InlineData(8, 3, "depth")]
    [InlineData(8, 0, "depth")]
    [InlineData(9, 1, "depth")]
    [InlineData(9, 5, "depth")]
    [InlineData(9, 7, "depth")]
    [InlineData(10, 1, "compression")]
    [InlineData(11, 1, "compression")]
    [InlineData(12, 2, "compression")]
    [InlineData(0, 0x80, "size")]
    [InlineData(4, 0xFF, "size")]
    public void A_field_of_the_header_that_is_not_allowed_is_refused(int at, byte value, string what)
    {
        var header = Chunks[0] with { Data = SamplePicture.With(Chunks[0].Data, at, value) };

        var refusal = TestDecoder.Refusal(PngChunks.Join([header, .. Chunks.Skip(1)]));

        Assert.StartsWith("The PNG is damaged: its ", refusal, StringComparison.Ordinal);
        Assert.Contains(what, refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void A_side_of_zero_is_refused(int at)
    {
        byte[] data = [.. Chunks[0].Data];
        data.AsSpan(at, 4).Clear();

        var refusal = TestDecoder.Refusal(PngChunks.Join([Chunks[0] with { Data = data }, .. Chunks.Skip(1)]));

        Assert.Equal("The picture has no pixels.", refusal);
    }

    [Theory]
    [InlineData("gAMA", true, false)]
    [InlineData("sRGB", true, false)]
    [InlineData("iCCP", true, false)]
    [InlineData("bKGD", false, true)]
    [InlineData("pHYs", true, true)]
    public void Ancillary_chunks_occur_once_and_in_their_place(string type, bool before, bool after)
    {
        var (header, pixels, end) = (Chunks[0], Chunks.Single(chunk => chunk.Type == "IDAT"), Chunks[^1]);
        var (chunk, palette) = (new PngChunks(type, [1, 2, 3, 4]), new PngChunks("PLTE", new byte[6]));
        bool IsLetIn(params PngChunks[] chunks) => TestDecoder.Refusal(PngChunks.Join(chunks)) is null;

        Assert.True(IsLetIn(header, chunk, pixels, end));
        Assert.Equal(before, IsLetIn(header, chunk, palette, pixels, end));
        Assert.Equal(after, IsLetIn(header, palette, chunk, pixels, end));
        Assert.False(IsLetIn(header, chunk, chunk, pixels, end));
        Assert.False(IsLetIn(header, pixels, chunk, end));
    }

    [Fact]
    public void Chunks_that_are_missing_doubled_or_in_the_wrong_place_are_refused()
    {
        var (header, pixels, end) = (Chunks[0], Chunks.Single(chunk => chunk.Type == "IDAT"), Chunks[^1]);
        var text = new PngChunks("tEXt", [.. "a\0b"u8]);
        var palette = new PngChunks("PLTE", new byte[6]);
        var transparency = new PngChunks("tRNS", new byte[6]);
        var half = pixels.Data.Length / 2;
        PngChunks[] halves = [pixels with { Data = pixels.Data[..half] }, pixels with { Data = pixels.Data[half..] }];
        PngChunks[][] accepted =
        [
            [header, pixels, end], [header, text, pixels, text, end], [header, .. halves, end],
            [header, palette, pixels, end], [header, transparency, pixels, end],
            [header, pixels, end, text], [header, pixels],
        ];
        PngChunks[][] refused =
        [
            [], [end], [header], [header, end], [pixels, header, end], [text, header, pixels, end],
            [header, header, pixels, end], [header with { Data = header.Data[..12] }, pixels, end],
            [header, halves[0], text, halves[1], end],
            [header, pixels, palette, end], [header, palette, palette, pixels, end],
            [header, palette with { Data = new byte[7] }, pixels, end],
            [header, palette with { Data = [] }, pixels, end],
            [header, palette with { Data = new byte[257 * 3] }, pixels, end],
            [header, pixels, transparency, end], [header, transparency, transparency, pixels, end],
            [header, transparency with { Data = new byte[5] }, pixels, end],
            [header, transparency, palette, pixels, end],
            [header, new PngChunks("ABCD", []), pixels, end], [header, new PngChunks("a1cd", []), pixels, end],
            [header, pixels, end with { Data = [0] }],
        ];

        Assert.All(accepted, chunks => Assert.Null(TestDecoder.Refusal(PngChunks.Join(chunks))));
        Assert.All(refused, chunks => Assert.NotNull(TestDecoder.Refusal(PngChunks.Join(chunks))));
    }

    [Fact]
    public void A_palette_must_fit_its_picture()
    {
        var (header, palette) = (Palette[0], Palette.Single(chunk => chunk.Type == "PLTE"));
        Assert.Equal(4, header.Data[8]);
        List<PngChunks> rest = [.. Palette.Skip(1).Where(chunk => chunk != palette)];
        var transparency = new PngChunks("tRNS", new byte[palette.Data.Length / 3]);

        Assert.Null(TestDecoder.Refusal(PngChunks.Join(Palette)));
        Assert.Null(TestDecoder.Refusal(PngChunks.Join([header, palette, transparency, .. rest])));
        PngChunks[][] refused =
        [
            [header, .. rest],
            [header, palette with { Data = new byte[17 * 3] }, .. rest],
            [header, transparency, palette, .. rest],
            [header, palette, transparency with { Data = new byte[17] }, .. rest],
        ];
        Assert.All(refused, chunks => Assert.NotNull(TestDecoder.Refusal(PngChunks.Join(chunks))));
    }

    [Fact]
    public void Grey_pictures_have_no_palette_and_alpha_excludes_transparency()
    {
        var grey = PngChunks.Of(TestPictures.RawPng(20, 20, 8, 0, Enumerable.Repeat(new byte[20], 20)));
        var alpha = PngChunks.Of(TestPictures.RawPng(20, 20, 8, 6, Enumerable.Repeat(new byte[80], 20)));

        Assert.Null(TestDecoder.Refusal(PngChunks.Join(grey)));
        Assert.Null(TestDecoder.Refusal(PngChunks.Join(alpha)));
        Assert.NotNull(TestDecoder.Refusal(PngChunks.Join([grey[0], new("PLTE", new byte[3]), .. grey.Skip(1)])));
        Assert.NotNull(TestDecoder.Refusal(PngChunks.Join([alpha[0], new("tRNS", new byte[6]), .. alpha.Skip(1)])));
    }

    [Fact]
    public void A_CgBI_file_is_refused_by_its_name()
    {
        var refusal = TestDecoder.Refusal(PngChunks.Join([new PngChunks("CgBI", new byte[4]), .. Chunks]));

        Assert.Equal("The file is a PNG changed for Apple's apps (CgBI). Export it as an ordinary PNG.", refusal);
    }

    [Fact]
    public void An_impossible_length_is_refused()
    {
        byte[] file = [.. Original];
        file.AsSpan(8, 4).Fill(0xFF);

        Assert.Equal("The PNG is damaged: it has an invalid chunk. Export it again.", TestDecoder.Refusal(file));
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
    public void A_png_is_turned_upright_wherever_its_orientation_is(byte orientation)
    {
        using var upright = TestPictures.Gradient(41, 32);
        using var stored = TestPictures.AsStored(upright, orientation);
        var expected = TestDecoder.Decode(TestPictures.Png(upright));
        var chunks = PngChunks.Of(TestPictures.Png(stored));
        byte[][] forms =
        [
            LittleEndian(orientation), BigEndian(orientation), [.. "Exif\0\0"u8, .. BigEndian(orientation)],
        ];
        foreach (var exif in forms)
        {
            var chunk = new PngChunks("eXIf", exif);

            AssertClose(expected, TestDecoder.Decode(PngChunks.Join([chunks[0], chunk, .. chunks.Skip(1)])));
            AssertClose(expected, TestDecoder.Decode(PngChunks.Join([.. chunks.SkipLast(1), chunk, chunks[^1]])));
        }
    }

    [Fact]
    public void Damaged_exif_is_ignored()
    {
        var expected = TestDecoder.Decode(Original);
        var good = LittleEndian(6);
        byte[][] damaged =
        [
            [], [0], [.. "II"u8], good[..8], good[..9], good[..20],
            // No byte order; a directory out of bounds; a wrong type; a wrong count; no such orientation.
            SamplePicture.With(good, 0, 0), SamplePicture.With(good, 7, 0xFF), SamplePicture.With(good, 4, 200),
            SamplePicture.With(good, 12, 4), SamplePicture.With(good, 14, 2), SamplePicture.With(good, 18, 9),
            SamplePicture.With(good, 18, 0), [.. good[..8], 0xFF, 0xFF],
        ];

        Assert.All(damaged, exif => Assert.Equal(expected, TestDecoder.Decode(
            PngChunks.Join([Chunks[0], new PngChunks("eXIf", exif), .. Chunks.Skip(1)]))));
    }

    private static byte[] Draw()
    {
        using var picture = TestPictures.Gradient(41, 32);
        return TestPictures.Png(picture);
    }

    // Another entry comes before the orientation. The next directory is the first one again.
    private static byte[] LittleEndian(byte orientation) =>
    [
        .. "II*\0"u8, 8, 0, 0, 0, 2, 0,
        0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0,
        0x13, 0x02, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0,
        8, 0, 0, 0,
    ];

    private static byte[] BigEndian(byte orientation) =>
    [
        .. "MM\0*"u8, 0, 0, 0, 8, 0, 2,
        0x01, 0x0F, 0, 2, 0, 0, 0, 4, 1, 2, 3, 4,
        0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0,
        0, 0, 0, 8,
    ];

    private static void AssertClose(float[] expected, float[] actual)
    {
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 0.01f);
    }
}
