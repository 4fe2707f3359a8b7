using System.Buffers.Binary;
using System.Runtime.Serialization;
using System.Text;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Hosting;

/// <summary>A page of events between two web nodes. Each event's JSON is copied as it is: most messages between nodes are
/// such pages, so a node neither reads nor writes JSON for the clients of another node's batch.</summary>
/// <remarks>Whether the page is finished, the number of events, and the epoch. Then for each event: its number, whether it
/// is the end, and its JSON. Truths are bytes of 0 or 1, numbers have four bytes, little-endian. Texts are UTF-8 after their
/// length.</remarks>
internal static class EventPageFormat
{
    private const int SizeOfHead = 1 + sizeof(int) + sizeof(int);
    private const int SizeOfEventHead = sizeof(int) + 1 + sizeof(int);

    /// <summary>The page as bytes.</summary>
    public static byte[] Write(EventPage page)
    {
        var epoch = Encoding.UTF8.GetBytes(page.Events.Count > 0 ? page.Events[0].Id.Epoch : "");
        var bytes = new byte[SizeOfHead + epoch.Length + page.Events.Sum(one => SizeOfEventHead + one.Json.Length)];
        var rest = bytes.AsSpan();
        Write(ref rest, page.Finished);
        Write(ref rest, page.Events.Count);
        Write(ref rest, epoch);
        foreach (var batchEvent in page.Events)
        {
            Write(ref rest, batchEvent.Id.Number);
            Write(ref rest, batchEvent.IsEnd);
            Write(ref rest, batchEvent.Json.Span);
        }

        return bytes;
    }

    /// <summary>Reads a page. Its events keep the bytes.</summary>
    /// <exception cref="SerializationException">The bytes are no page.</exception>
    public static EventPage Read(ReadOnlyMemory<byte> bytes)
    {
        var rest = bytes;
        var finished = ReadTruth(ref rest);
        var count = ReadNumber(ref rest);
        if (count > MaxPage) throw Unreadable();
        var epoch = Encoding.UTF8.GetString(ReadText(ref rest).Span);
        var events = new BatchEvent[count];
        for (var i = 0; i < count; i++)
        {
            var id = new EventId(epoch, ReadNumber(ref rest));
            events[i] = new BatchEvent(id, ReadTruth(ref rest), ReadText(ref rest));
        }

        return rest.IsEmpty ? new EventPage(events, finished) : throw Unreadable();
    }

    private static void Write(ref Span<byte> rest, bool truth)
    {
        rest[0] = truth ? (byte)1 : (byte)0;
        rest = rest[1..];
    }

    private static void Write(ref Span<byte> rest, int number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, number);
        rest = rest[sizeof(int)..];
    }

    private static void Write(ref Span<byte> rest, ReadOnlySpan<byte> text)
    {
        Write(ref rest, text.Length);
        text.CopyTo(rest);
        rest = rest[text.Length..];
    }

    private static bool ReadTruth(ref ReadOnlyMemory<byte> rest) => Take(ref rest, 1).Span[0] switch
    {
        0 => false,
        1 => true,
        _ => throw Unreadable(),
    };

    private static int ReadNumber(ref ReadOnlyMemory<byte> rest)
    {
        var number = BinaryPrimitives.ReadInt32LittleEndian(Take(ref rest, sizeof(int)).Span);
        return number >= 0 ? number : throw Unreadable();
    }

    private static ReadOnlyMemory<byte> ReadText(ref ReadOnlyMemory<byte> rest) => Take(ref rest, ReadNumber(ref rest));

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> rest, int length)
    {
        if (length > rest.Length) throw Unreadable();
        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    private static SerializationException Unreadable() => new("The page of events is unreadable.");
}
