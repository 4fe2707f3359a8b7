using System.Text;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using Xunit;

namespace ImageClassifier.Tests.Storage;

public sealed class FileKindsSpecs
{
    private const string PngSignature = "\u0089PNG\r\n\u001a\n";

    [Theory]
    [InlineData("ÿØÿà\0\u0010JFIF", PictureFormat.Jpeg)]
    [InlineData("ÿØÿÛ", PictureFormat.Jpeg)]
    [InlineData(PngSignature, PictureFormat.Png)]
    [InlineData("RIFF\u0010\0\0\0WEBPVP8 ", PictureFormat.WebP)]
    [InlineData("RIFF\u0010\0\0\0WAVEfmt ", null)]
    [InlineData("\u0089PNG\n\u001a\n", null)]
    [InlineData("ÿØ", null)]
    [InlineData("", null)]
    public void Formats_are_recognised_by_their_first_bytes(string head, PictureFormat? format) =>
        Assert.Equal(format, PictureFormats.FromBytes(Encoding.Latin1.GetBytes(head)));

    [Theory]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0mif1heic", "a HEIC picture")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1heic", "a HEIC picture")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1avif", "an AVIF picture")]
    [InlineData("\0\0\0\u0018ftypavif\0\0\0\0avifmif1", "an AVIF picture")]
    [InlineData("\0\0\0\u0014ftypmif1\0\0\0\0mif1heic", "a HEIF picture")]
    [InlineData("\0\0\0\u0014ftypcrx \0\0\0\u0001crx ", "a camera's raw picture")]
    [InlineData("\0\0\0\u0014ftypqt  \0\0\0\0qt  ", "a video")]
    [InlineData("\0\0\0\u0018ftypisom\0\0\0\0isomavc1", "a video")]
    [InlineData("\0\0\0\bwide\0\0\0\u0001mdat", "a video")]
    [InlineData("\u001aEß£", "a video")]
    [InlineData("GIF89a", "a GIF picture")]
    [InlineData("BM\0\0\0\0\0\0\0\0\0\0\0\0\u0028\0\0\0", "a BMP picture")]
    [InlineData("BM was here, in the year of 1999", "text, not a picture")]
    [InlineData("II*\0\b\0\0\0", "a TIFF picture")]
    [InlineData("MM\0*\0\0\0\b", "a TIFF picture")]
    [InlineData("ÿ\n", "a JPEG XL picture")]
    [InlineData("\0\0\0\fJXL \r\n\u0087\n", "a JPEG XL picture")]
    [InlineData("\0\0\0\fjP  \r\n\u0087\n", "a JPEG 2000 picture")]
    [InlineData("ÿOÿQ", "a JPEG 2000 picture")]
    [InlineData("%PDF-1.7\n%âãÏÓ", "a PDF document")]
    [InlineData("PK\u0003\u0004\u0014\0", "a ZIP archive")]
    [InlineData("\u001f\u008b\b\0", "an archive")]
    [InlineData("\0\u0005\u0016\u0007\0\u0002\0\0", "macOS's notes about a file, not the file itself")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a Git LFS pointer, not the picture itself")]
    [InlineData("<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing")]
    [InlineData("ï»¿<?xml version='1.0'?>\n<!-- Made <b>by</b> hand -->\n<svg:svg/>", "an SVG drawing")]
    [InlineData("<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd'>", "an SVG drawing")]
    [InlineData("\n <!DOCTYPE HTML>\n<title>404</title>", "a web page (HTML), not the picture itself")]
    [InlineData("<!-- old --><HTML lang=en>", "a web page (HTML), not the picture itself")]
    [InlineData("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "text, not a picture")]
    [InlineData("<!-- a comment without an end", "text, not a picture")]
    [InlineData("data:image/png;base64,iVBORw0KGgo", "a picture written as Base64 text")]
    [InlineData("/9j/4AAQSkZJRgABAQ", "a picture written as Base64 text")]
    [InlineData("{\"error\": \"not found\"}", "text, not a picture")]
    [InlineData("ÿþh\0i\0", "text, not a picture")]
    [InlineData("\0\u0001\u0002\u0003", null)]
    [InlineData("hello\0", null)]
    [InlineData("h\u00e9llo, not UTF-8", null)]
    public void Other_files_are_named_by_their_first_bytes(string head, string? name)
    {
        var kind = FileKinds.FromBytes(Encoding.Latin1.GetBytes(head));
        Assert.Equal(name, kind?.Name);
        Assert.Null(kind?.Format);
    }

    [Fact]
    public void Text_is_recognised_when_its_head_ends_within_a_character()
    {
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a猫", FileKinds.HeadLength)));
        for (var length = 1; length < FileKinds.HeadLength + 5; length++)
            Assert.Equal("text, not a picture", FileKinds.FromBytes(text.AsSpan(0, length))?.Name);
    }

    [Theory]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0mif1heic", "The file is a HEIC picture. Export it as JPEG or PNG.")]
    [InlineData("RIFF\u0010\0\0\0WEBPVP8 ", "The file is a WebP picture. Export it as JPEG or PNG.")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n",
        "The file is a Git LFS pointer, not the picture itself. Run git lfs pull and send the picture.")]
    [InlineData("%PDF-1.7", "The file is a PDF document. Export its pages as pictures and send those.")]
    [InlineData("\u0001\u0002", "The file is not a JPEG or PNG picture, whatever its name says. "
        + "Open it with the program that it came from, and export it as JPEG or PNG.")]
    public void A_refusal_says_what_the_file_is_and_what_to_do(string head, string message)
    {
        var error = AllowedFormats.Default.Refuse("a.jpg", Encoding.Latin1.GetBytes(head));
        Assert.Equal(new JobError(JobErrorCodes.ContentMismatch, message), error);
    }

    [Theory]
    [InlineData("a.heic", "GIF89a", "The file is a GIF picture. Export it as JPEG or PNG.")]
    [InlineData("a.HEIC", "\u0001", "By its name the file is a HEIC picture. Export it as JPEG or PNG.")]
    [InlineData("a.gif", "ÿØÿà", "The file is a JPEG picture, but its name says otherwise. Rename it to end in .jpg.")]
    [InlineData("a.xyz", "\u0001",
        "The file's name has no ending of JPEG or PNG. "
        + "If it is one, rename it to end in .jpg or .png.")]
    public void The_refusal_of_a_name_describes_the_file_by_its_bytes_or_its_ending(
        string name, string head, string message)
    {
        var error = AllowedFormats.Default.Refuse(name, Encoding.Latin1.GetBytes(head));
        Assert.Equal(new JobError(JobErrorCodes.UnsupportedName, message), error);
    }

    [Theory]
    [InlineData("a.jpg", true)]
    [InlineData("a.JPEG", true)]
    [InlineData("a.jfif", true)]
    [InlineData("a.jpe", true)]
    [InlineData("a.Jif", true)]
    [InlineData("a.pjp", true)]
    [InlineData("a.pjpeg", true)]
    [InlineData("a.PNG", true)]
    [InlineData(".jpg", true)]
    [InlineData("blob", true)]
    [InlineData("a.", true)]
    [InlineData("a.jpg\u200F", true)]
    [InlineData("cat\u202Egpj.png", true)]
    [InlineData("a.webp", false)]
    [InlineData("a.gif", false)]
    [InlineData("a.jpg.exe", false)]
    [InlineData("a.2024", false)]
    public void A_name_has_the_ending_of_an_allowed_format_or_none(string name, bool allowed) =>
        Assert.Equal(allowed, AllowedFormats.Default.AllowsName(name));

    [Fact]
    public void Other_formats_can_be_allowed()
    {
        var webP = "RIFF\u0010\0\0\0WEBPVP8 "u8;
        Assert.Null(AllowedFormats.Default.FormatOf(webP));
        var all = new AllowedFormats(PictureFormat.WebP, PictureFormat.Jpeg, PictureFormat.Png);
        Assert.Equal(PictureFormat.WebP, all.FormatOf(webP));
        Assert.True(all.AllowsName("a.webp"));
        Assert.Equal("The file is a GIF picture. Export it as JPEG, PNG or WebP.", all.Refuse("GIF89a"u8));

        var one = new AllowedFormats(PictureFormat.Png);
        Assert.False(one.AllowsName("a.jpg"));
        Assert.Equal("The file is a JPEG picture. Export it as PNG.", one.Refuse([0xFF, 0xD8, 0xFF]));
    }
}
