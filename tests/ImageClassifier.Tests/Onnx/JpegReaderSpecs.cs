using ImageClassifier.Adapters.Onnx.Imaging.Jpeg;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Which JPEGs reach the codec.</summary>
public sealed class JpegReaderSpecs
{
    private const string Damaged = "The JPEG is damaged. Export it again.";

    // A frame of 300 by 300 pixels and its scan. When the codec scales it, it writes past its buffer.
    private static readonly byte[] LosslessFrame =
    [
        0xFF, 0xC3, 0, 17, 8, 1, 0x2C, 1, 0x2C, 3, 0x52, 0x11, 0, 0x47, 0x11, 0, 0x42, 0x11, 0,
        0xFF, 0xDA, 0, 12, 3, 0x52, 0, 0x47, 0, 0x42, 0, 1, 0, 0,
    ];

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("restart.jpg")]
    [InlineData("scan_each.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("progressive_444.jpg")]
    [InlineData("progressive_moz.jpg")]
    [InlineData("progressive_grey.jpg")]
    [InlineData("progressive_restart.jpg")]
    [InlineData("arithmetic.jpg")]
    [InlineData("arithmetic_progressive.jpg")]
    [InlineData("cmyk.jpg")]
    public void Every_form_that_the_codec_decodes_safely_is_decoded(string name)
    {
        string[] sameCoefficients =
            ["restart.jpg", "scan_each.jpg", "progressive.jpg", "progressive_restart.jpg", "arithmetic.jpg"];
        var expected = TestDecoder.Decode(SamplePicture.Read("baseline.jpg"));

        var tensor = TestDecoder.Decode(SamplePicture.Read(name));

        if (!sameCoefficients.Contains(name)) return;
        for (var i = 0; i < tensor.Length; i++) Assert.Equal(expected[i], tensor[i], 0.01f);
    }

    [Theory]
    [InlineData(0xC3, "lossless JPEG")]
    [InlineData(0xCB, "lossless JPEG")]
    [InlineData(0xC5, "hierarchical JPEG")]
    [InlineData(0xC6, "hierarchical JPEG")]
    [InlineData(0xC7, "hierarchical JPEG")]
    [InlineData(0xCD, "hierarchical JPEG")]
    [InlineData(0xCE, "hierarchical JPEG")]
    [InlineData(0xCF, "hierarchical JPEG")]
    [InlineData(0xDE, "hierarchical JPEG")]
    [InlineData(0xF7, "JPEG-LS picture")]
    public void Another_kind_of_frame_is_refused_by_its_name(byte marker, string kind)
    {
        var file = SamplePicture.Read("baseline.jpg");

        var refusal = TestDecoder.Refusal(SamplePicture.With(file, SamplePicture.Frame(file) + 1, marker));

        Assert.Equal($"The file is a {kind}. Export it as a baseline or progressive JPEG.", refusal);
    }

    [Theory]
    [InlineData(12)]
    [InlineData(16)]
    [InlineData(7)]
    public void Other_than_8_bits_a_sample_are_refused_by_their_number(byte bits)
    {
        var file = SamplePicture.Read("progressive.jpg");

        var refusal = TestDecoder.Refusal(SamplePicture.With(file, SamplePicture.Frame(file) + 4, bits));

        Assert.Equal(
            $"The file is a JPEG of {bits} bits a sample. Export it as a JPEG of 8 bits a sample.", refusal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    public void Other_than_1_3_or_4_components_are_refused_by_their_number(byte components)
    {
        var file = SamplePicture.Read("baseline.jpg");

        var refusal = TestDecoder.Refusal(SamplePicture.With(file, SamplePicture.Frame(file) + 9, components));

        Assert.StartsWith($"The file is a JPEG with {components} components", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Cmyk_needs_an_adobe_marker()
    {
        var file = SamplePicture.Read("cmyk.jpg");
        var adobe = SamplePicture.Markers(file, JpegMarker.Adobe)[0];
        byte[] without = [.. file[..adobe], .. file[(adobe + 16)..]];

        Assert.Null(TestDecoder.Refusal(file));
        Assert.StartsWith(
            "The file is a CMYK JPEG without an Adobe marker", TestDecoder.Refusal(without), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x10)]
    [InlineData(0x15)]
    [InlineData(0x51)]
    public void Sampling_factors_are_from_1_to_4(byte factors)
    {
        var file = SamplePicture.Read("baseline.jpg");

        Assert.Equal(Damaged, TestDecoder.Refusal(
            SamplePicture.With(file, SamplePicture.Frame(file) + 11, factors)));
    }

    [Fact]
    public void No_second_frame_reaches_the_codec()
    {
        var file = SamplePicture.Read("progressive.jpg");
        var scans = SamplePicture.Scans(file);
        byte[] fill = [0xFF, 0xFF];
        byte[] junk = [1, 2, 3, 0xFF, 0];
        int[] places = [2, SamplePicture.Frame(file), .. scans, file.Length - 2];
        foreach (var place in places)
        {
            foreach (var before in new[] { [], fill, junk })
            {
                Assert.NotNull(TestDecoder.Refusal(
                    SamplePicture.Insert(file, place, [.. before, .. LosslessFrame])));
            }
        }
    }

    [Fact]
    public void Data_after_the_picture_is_not_read()
    {
        var baseline = SamplePicture.Read("baseline.jpg");
        var progressive = SamplePicture.Read("progressive.jpg");
        byte[] lossless = [0xFF, 0xD8, .. LosslessFrame, 0xFF, 0xD9];

        // For example the film that phones append to a photo.
        Assert.Equal(TestDecoder.Decode(baseline), TestDecoder.Decode([.. baseline, .. lossless]));
        Assert.Equal(TestDecoder.Decode(progressive), TestDecoder.Decode([.. progressive, .. lossless]));
        // One scan has the whole picture, so nothing after its data counts.
        Assert.Equal(TestDecoder.Decode(baseline), TestDecoder.Decode([.. baseline[..^2], .. LosslessFrame]));
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x02)]
    [InlineData(0xBF)]
    [InlineData(0xD0)]
    [InlineData(0xD8)]
    [InlineData(0xF0)]
    public void A_marker_that_is_not_allowed_in_a_header_is_refused(byte marker)
    {
        var file = SamplePicture.Read("baseline.jpg");

        Assert.Equal(Damaged, TestDecoder.Refusal(SamplePicture.Insert(file, 2, [0xFF, marker, 0, 2])));
    }

    [Fact]
    public void A_scan_that_its_frame_does_not_allow_is_refused()
    {
        var file = SamplePicture.Read("progressive.jpg");
        var scan = SamplePicture.Scans(file)[1];
        Assert.Equal(1, file[scan + 4]);

        // A missing component, missing tables, an invalid band, and bits that come too early.
        Assert.Equal(Damaged, TestDecoder.Refusal(SamplePicture.With(file, scan + 5, 77)));
        Assert.Equal(Damaged, TestDecoder.Refusal(SamplePicture.With(file, scan + 6, 0x44)));
        Assert.Equal(Damaged, TestDecoder.Refusal(SamplePicture.With(file, scan + 8, 64)));
        Assert.Equal(Damaged, TestDecoder.Refusal(SamplePicture.With(file, scan + 9, 0x50)));
    }

    [Fact]
    public void A_height_that_comes_later_is_refused()
    {
        var file = SamplePicture.Read("baseline.jpg");
        var frame = SamplePicture.Frame(file);

        var refusal = TestDecoder.Refusal(
            SamplePicture.With(SamplePicture.With(file, frame + 5, 0), frame + 6, 0));

        Assert.Equal("The JPEG has no height in its header. Export it again.", refusal);
    }
}
