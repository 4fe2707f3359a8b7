using System.Collections.Frozen;
using System.Text;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>
/// Finds the names of the files beside a network that hold its weights. It reads the protocol buffers of an ONNX file
/// (onnx.proto) only where tensors can be, and skips the rest, including weights within the file.
/// </summary>
internal sealed class ExternalWeights
{
    // The limit of ONNX Runtime's own parser.
    private const int DeepestLevel = 100;
    private const int LongestName = 4096;

    private const int ExternalDataField = 13;
    private const int DataLocationField = 14;
    private const ulong IsExternal = 1;

    private static readonly FrozenDictionary<(Message Outer, int Field), Message> Inner =
        new Dictionary<(Message Outer, int Field), Message>
        {
            [(Message.Model, 7)] = Message.Graph,
            [(Message.Model, 20)] = Message.Training,
            [(Message.Model, 25)] = Message.Function,
            [(Message.Training, 1)] = Message.Graph,
            [(Message.Training, 2)] = Message.Graph,
            [(Message.Graph, 1)] = Message.Node,
            [(Message.Graph, 5)] = Message.Tensor,
            [(Message.Graph, 15)] = Message.SparseTensor,
            [(Message.Function, 7)] = Message.Node,
            [(Message.Function, 11)] = Message.Attribute,
            [(Message.Node, 5)] = Message.Attribute,
            [(Message.Attribute, 5)] = Message.Tensor,
            [(Message.Attribute, 6)] = Message.Graph,
            [(Message.Attribute, 10)] = Message.Tensor,
            [(Message.Attribute, 11)] = Message.Graph,
            [(Message.Attribute, 22)] = Message.SparseTensor,
            [(Message.Attribute, 23)] = Message.SparseTensor,
            [(Message.SparseTensor, 1)] = Message.Tensor,
            [(Message.SparseTensor, 2)] = Message.Tensor,
        }.ToFrozenDictionary();

    private readonly Stream _file;
    private readonly SortedSet<string> _found = new(StringComparer.Ordinal);

    private ExternalWeights(Stream file) => _file = file;

    private enum Message
    {
        Model,
        Training,
        Graph,
        Function,
        Node,
        Attribute,
        Tensor,
        SparseTensor,
    }

    private enum WireType
    {
        Number = 0,
        EightBytes = 1,
        Bytes = 2,
        FourBytes = 5,
    }

    /// <summary>The file names in the network, each once and in ordinal order.</summary>
    /// <exception cref="FormatException">The file is not an ONNX network.</exception>
    public static IReadOnlyList<string> NamedBy(string network)
    {
        using var file = File.OpenRead(network);
        if (file.Length == 0) throw new FormatException("it is empty (0 bytes); fetch or export it again");
        var weights = new ExternalWeights(file);
        weights.Walk(Message.Model, file.Length, level: 0);
        return [.. weights._found];
    }

    private void Walk(Message message, long end, int level)
    {
        if (level > DeepestLevel) throw NoNetwork();
        while (_file.Position < end)
        {
            var (field, type) = ReadTag(end);
            if (type == WireType.Bytes && Inner.TryGetValue((message, field), out var inner))
            {
                var innerEnd = ReadEnd(end);
                if (inner == Message.Tensor) WalkTensor(innerEnd);
                else Walk(inner, innerEnd, level + 1);
            }
            else
            {
                Skip(type, end);
            }
        }
    }

    private void WalkTensor(long end)
    {
        string? location = null;
        var isExternal = false;
        while (_file.Position < end)
        {
            var (field, type) = ReadTag(end);
            if (field == DataLocationField && type == WireType.Number) isExternal = ReadNumber(end) == IsExternal;
            else if (field != ExternalDataField || type != WireType.Bytes) Skip(type, end);
            else if (ReadLocation(ReadEnd(end)) is { } named) location = named;
        }

        if (isExternal && location is not null) _found.Add(location);
    }

    /// <returns>The value of an entry with the key <c>location</c>; null for any other entry.</returns>
    private string? ReadLocation(long end)
    {
        string key = "", value = "";
        while (_file.Position < end)
        {
            var (field, type) = ReadTag(end);
            if (type == WireType.Bytes && field == 1) key = ReadText(end);
            else if (type == WireType.Bytes && field == 2) value = ReadText(end);
            else Skip(type, end);
        }

        return key == "location" ? value : null;
    }

    private (int Field, WireType Type) ReadTag(long end)
    {
        var tag = ReadNumber(end);
        return tag >> 3 is > 0 and <= int.MaxValue ? ((int)(tag >> 3), (WireType)(tag & 7)) : throw NoNetwork();
    }

    private ulong ReadNumber(long end)
    {
        var number = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = _file.Position < end ? _file.ReadByte() : -1;
            if (next < 0) throw NoNetwork();
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return number;
        }

        throw NoNetwork();
    }

    private long ReadEnd(long end)
    {
        var length = ReadNumber(end);
        return length <= (ulong)(end - _file.Position) ? _file.Position + (long)length : throw NoNetwork();
    }

    private string ReadText(long end)
    {
        var length = ReadEnd(end) - _file.Position;
        if (length > LongestName) throw NoNetwork();
        var bytes = new byte[length];
        _file.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private void Skip(WireType type, long end)
    {
        var target = type switch
        {
            WireType.Number => ReadNumber(end) is var _ ? _file.Position : 0,
            WireType.EightBytes => _file.Position + 8,
            WireType.Bytes => ReadEnd(end),
            WireType.FourBytes => _file.Position + 4,
            _ => throw NoNetwork(),
        };
        if (target > end) throw NoNetwork();
        _file.Position = target;
    }

    private static FormatException NoNetwork() =>
        new("it is not an ONNX network, or it is damaged; fetch or export it again");
}
