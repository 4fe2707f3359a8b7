using System.Text;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>The body of an upload request and its content type.</summary>
internal sealed record MultipartInput(string ContentType, byte[] Body);

/// <summary>Mutated upload forms: their framing, their headers, and their pictures.</summary>
internal sealed class MultipartMutations(PictureMutations pictures)
{
    private static readonly string[] Names =
    [
        "cat.jpg", "cat.JPEG", "cat.png", "cat.gif", "", ".", "..", "../../etc/passwd.png", @"c:\a\b.jpg", "a\0b.png",
        "käse.png", "a\"b.png", "a\\\"b.png", "猫.jpg", "con.png", "a;b=c.png", "  .png  ", "%00.png",
        "%2e%2e%2f.png", "blob", "cat.jfif", "cat\u202Egpj.png", "a%22b.png", "\\", "\"",
        "<img src=x onerror=alert(1)>.png", new string('a', 300) + ".png", new string('b', 9000) + ".png",
    ];

    private static readonly string[] ContentTypes =
    [
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"", "multipart/form-data; boundary=other",
        "multipart/form-data", "multipart/mixed; boundary=", "text/plain", "multipart/form-data;;boundary =", "",
        "multipart/form-data; charset=utf-7; boundary=", "multipart/form-data; boundary=x; boundary=",
    ];

    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "\r\n", "\n", "\r", "\r\n\r\n", "--", ":", ";", "\0", "\"", "=", " ", "--b", "\r\n--b\r\n", "\r\n--b--\r\n",
            "Content-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n\r\n",
            "Content-Transfer-Encoding: base64\r\n", "Content-Type: multipart/mixed; boundary=b\r\n",
            "X: " + new string('x', 17_000) + "\r\n", new string('-', 3000), new string('\n', 500),
            string.Concat(Enumerable.Range(0, 40).Select(i => $"H{i}: v\r\n")),
        }.Select(text => Encoding.Latin1.GetBytes(text)),
    ];

    /// <summary>A mutated upload.</summary>
    public MultipartInput Next(Random random)
    {
        var boundary = random.Next(12) switch
        {
            0 => new string('b', random.Next(1, 90)),
            1 => "----WebKitFormBoundary7MA4YWxkTrZu0gW",
            2 => "----=_Part_0_1.2",
            _ => "b",
        };
        var body = Form(boundary, random);
        for (var changes = Math.Max(0, random.Next(6) - 2); changes > 0; changes--) body = Change(body, random);
        var type = random.Next(8) == 0
            ? ContentTypes[random.Next(ContentTypes.Length)] + boundary
            : $"multipart/form-data; boundary={boundary}";
        return new MultipartInput(type, body);
    }

    private byte[] Form(string boundary, Random random)
    {
        using var body = new MemoryStream();
        for (var parts = random.Next(0, 7); parts > 0; parts--)
        {
            Write($"--{boundary}\r\n");
            if (random.Next(6) == 0)
            {
                Write("Content-Disposition: form-data; name=\"comment\"\r\n\r\n");
                if (random.Next(2) == 0) Write("hello");
                else body.Write(pictures.Next(random));
                Write("\r\n");
                continue;
            }

            var plain = random.Next(2) == 0 ? "picture.png" : "picture.jpg";
            var name = random.Next(3) == 0 ? Names[random.Next(Names.Length)] : plain;
            var star = random.Next(10) == 0 ? $"; filename*=UTF-8''{Uri.EscapeDataString(name)}" : "";
            Write($"Content-Disposition: form-data; name=\"f{parts}\"; filename=\"{name}\"{star}\r\n");
            if (random.Next(2) == 0) Write("Content-Type: image/png\r\n");
            Write("\r\n");
            body.Write(pictures.Next(random));
            Write("\r\n");
        }

        if (random.Next(8) != 0) Write($"--{boundary}--\r\n");
        return body.ToArray();

        void Write(string text) => body.Write(Encoding.UTF8.GetBytes(text));
    }

    private static byte[] Change(byte[] body, Random random)
    {
        var at = random.Next(body.Length + 1);
        // The framing is a small part of a form, and mostly where lines end.
        if (random.Next(2) == 0 && body.AsSpan(at).IndexOf((byte)'\r') is >= 0 and var line) at += line;
        switch (random.Next(4))
        {
            case 0:
                return body[..at];
            case 1:
                return [.. body.AsSpan(0, at), .. Pieces[random.Next(Pieces.Length)], .. body.AsSpan(at)];
            case 2:
                return [.. body.AsSpan(0, at), .. body.AsSpan(Math.Min(body.Length, at + random.Next(1, 40)))];
            default:
                body = [.. body];
                for (var i = at; i < Math.Min(body.Length, at + 8); i++) body[i] ^= (byte)(1 << random.Next(8));
                return body;
        }
    }
}
