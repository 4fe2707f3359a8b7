using System.Text;

namespace ImageClassifier.Core.Formats;

/// <summary>The beginning of a text file.</summary>
/// <param name="FirstElement">The first markup element, in lower case and without its prefix; null if the text does not
/// begin with an element.</param>
internal sealed record TextHead(string? FirstElement)
{
    private const string CommentEnd = "-->";
    private const string DoctypeStart = "<!doctype";

    /// <summary>Reads the beginning; null if it is not text.</summary>
    public static TextHead? Of(ReadOnlySpan<byte> head) =>
        Decode(head) is { Length: > 0 } text ? new TextHead(ElementOf(text)?.ToLowerInvariant()) : null;

    private static string? Decode(ReadOnlySpan<byte> head)
    {
        if (head is [0xFF, 0xFE, .. var little]) return Checked(Encoding.Unicode.GetString(little));
        if (head is [0xFE, 0xFF, .. var big]) return Checked(Encoding.BigEndianUnicode.GetString(big));
        if (head is [0xEF, 0xBB, 0xBF, .. var marked]) head = marked;
        return Checked(Encoding.UTF8.GetString(WithoutCutOffEnd(head)));
    }

    /// <summary>The bytes without a truncated last character.</summary>
    private static ReadOnlySpan<byte> WithoutCutOffEnd(ReadOnlySpan<byte> head)
    {
        for (var back = 1; back <= Math.Min(3, head.Length); back++)
        {
            var last = head[^back..];
            if ((last[0] & 0xC0) == 0x80) continue;
            var status = Rune.DecodeFromUtf8(last, out _, out _);
            return status == System.Buffers.OperationStatus.NeedMoreData ? head[..^back] : head;
        }

        return head;
    }

    private static string? Checked(string text) =>
        text.Any(c => c == '\uFFFD' || (char.IsControl(c) && c is not ('\t' or '\n' or '\r' or '\f'))) ? null : text;

    /// <summary>The first element. Declarations, comments and a document type before it are skipped.</summary>
    private static string? ElementOf(string text)
    {
        var rest = text.AsSpan().TrimStart();
        while (true)
        {
            int end;
            if (rest.StartsWith("<?")) end = EndOf(rest, "?>");
            else if (rest.StartsWith("<!--")) end = EndOf(rest, CommentEnd);
            else if (rest.StartsWith(DoctypeStart, StringComparison.OrdinalIgnoreCase))
                return NameIn(rest[DoctypeStart.Length..].TrimStart());
            else return rest.StartsWith("<") ? NameIn(rest[1..]) : null;

            if (end < 0) return null;
            rest = rest[end..].TrimStart();
        }
    }

    private static int EndOf(ReadOnlySpan<char> text, string mark) =>
        text.IndexOf(mark, StringComparison.Ordinal) is >= 0 and var at ? at + mark.Length : -1;

    private static string? NameIn(ReadOnlySpan<char> text)
    {
        var length = 0;
        while (length < text.Length && IsOfName(text[length])) length++;
        var name = text[..length];
        return name.IsEmpty ? null : name[(name.LastIndexOf(':') + 1)..].ToString();
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_';
}
