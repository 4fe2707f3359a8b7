using System.Net.Http.Headers;
using System.Text;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>A file to upload.</summary>
internal sealed record Upload(string FileName, byte[] Content)
{
    /// <summary>The text of a picture that a node cannot decode.</summary>
    public const string Undecodable = "undecodable";

    private static readonly byte[] JpegHead = [0xFF, 0xD8, 0xFF, 0xE0];
    private static readonly byte[] PngHead = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>A JPEG signature followed by a text.</summary>
    public static Upload Jpeg(string fileName, string words = "cat") =>
        new(fileName, [.. JpegHead, .. Encoding.UTF8.GetBytes(words)]);

    /// <summary>A PNG signature followed by a text.</summary>
    public static Upload Png(string fileName, string words = "cat") =>
        new(fileName, [.. PngHead, .. Encoding.UTF8.GetBytes(words)]);

    /// <summary>A WebP signature followed by a text.</summary>
    public static Upload WebP(string fileName, string words = "cat") =>
        new(fileName, [.. "RIFF\u0020\0\0\0WEBPVP8 "u8, .. Encoding.UTF8.GetBytes(words)]);

    /// <summary>A JPEG signature, filled up to a size in bytes.</summary>
    public static Upload JpegOf(string fileName, int bytes)
    {
        var content = new byte[bytes];
        JpegHead.CopyTo(content, 0);
        return new Upload(fileName, content);
    }

    /// <summary>The text of such a picture; for a real picture, some of its bytes.</summary>
    public static string WordsIn(string text) => new([.. text.SkipWhile(c => !char.IsAsciiLetterLower(c)).Take(100)]);

    /// <summary>A form with these files.</summary>
    public static MultipartFormDataContent Form(params IEnumerable<Upload> files)
    {
        var form = new MultipartFormDataContent();
        foreach (var file in files)
        {
            var part = new ByteArrayContent(file.Content);
            part.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(part, "myfile", file.FileName);
        }

        return form;
    }
}
