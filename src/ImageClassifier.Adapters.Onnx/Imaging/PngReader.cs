using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text;
using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Reads all chunks of a PNG (W3C PNG, third edition) before the codec does, and refuses fields and orders that the
/// standard forbids. The codec checks the checksums. Bytes after the end are allowed, because other programs write
/// there.
/// </summary>
/// <param name="file">The file from its signature.</param>
internal ref struct PngReader(ReadOnlySpan<byte> file)
{
    private const int SignatureBytes = 8;
    private const int HeaderBytes = 13;
    private const int BytesAroundData = 12;
    private const int MostColors = 256;

    private const byte Grey = 0;
    private const byte Rgb = 2;
    private const byte Palette = 3;
    private const byte GreyAlpha = 4;
    private const byte RgbAlpha = 6;

    // W3C PNG, section 5.6. Each of these may occur once. eXIf is read at any place, because programs write it
    // anywhere.
    private static readonly FrozenDictionary<string, Place> Places = new Dictionary<string, Place>
    {
        ["cHRM"] = Place.BeforePalette,
        ["cICP"] = Place.BeforePalette,
        ["cLLI"] = Place.BeforePalette,
        ["gAMA"] = Place.BeforePalette,
        ["iCCP"] = Place.BeforePalette,
        ["mDCV"] = Place.BeforePalette,
        ["sBIT"] = Place.BeforePalette,
        ["sRGB"] = Place.BeforePalette,
        ["bKGD"] = Place.AfterPalette,
        ["hIST"] = Place.AfterPalette,
        ["acTL"] = Place.BeforePixels,
        ["pHYs"] = Place.BeforePixels,
        ["tIME"] = Place.Anywhere,
    }.ToFrozenDictionary();

    private readonly ReadOnlySpan<byte> _file = file;
    private ReadOnlySpan<byte> _header;
    private int _colors;
    private bool _hasTransparency;
    private bool _hasPixels;
    private bool _pixelsEnded;
    private bool _hasEnd;
    private bool _hasExif;
    private SKEncodedOrigin _origin = SKEncodedOrigin.TopLeft;
    private int _length;
    private bool _isPastPalette;
    private HashSet<string>? _once;

    private enum Place
    {
        BeforePalette,
        AfterPalette,
        BeforePixels,
        Anywhere,
    }

    private static string Damaged(string what) => $"The PNG is damaged: {what}. Export it again.";

    /// <summary>Reads the header of a PNG.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="refusal">Why there is no header; otherwise null.</param>
    public static PngHeader? Read(ReadOnlySpan<byte> file, out string? refusal)
    {
        var reader = new PngReader(file);
        refusal = reader.ReadChunks();
        return refusal is null
            ? new PngHeader(reader.Width, reader.Height, reader._length, reader._header[12] == 1, reader._origin)
            : null;
    }

    private readonly int Width => BinaryPrimitives.ReadInt32BigEndian(_header);

    private readonly int Height => BinaryPrimitives.ReadInt32BigEndian(_header[4..]);

    private readonly byte Depth => _header[8];

    private readonly byte ColorType => _header[9];

    private string? ReadChunks()
    {
        for (var at = SignatureBytes; !_hasEnd;)
        {
            _length = at;
            var rest = _file[at..];
            if (rest.Length < 8) break;
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            var type = rest.Slice(4, 4);
            if (length > int.MaxValue || !IsName(type)) return Damaged("it has an invalid chunk");
            if (length + BytesAroundData > rest.Length)
            {
                if (type.SequenceEqual("IDAT"u8)) return PictureHeader.CutOff;
                break;
            }

            if (Take(type, rest.Slice(8, (int)length)) is { } refusal) return refusal;
            at += (int)length + BytesAroundData;
        }

        return _hasPixels ? null : _hasEnd ? Damaged("it has no pixels") : PictureHeader.CutOff;
    }

    // The fifth bit of the first letter is clear if a reader must know the chunk.
    private static bool IsName(ReadOnlySpan<byte> type) =>
        type.IndexOfAnyExceptInRange((byte)'A', (byte)'z') < 0 && type.IndexOfAnyInRange((byte)'[', (byte)'`') < 0;

    private string? Take(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        var isPixels = type.SequenceEqual("IDAT"u8);
        _pixelsEnded |= _hasPixels && !isPixels;
        if (type.SequenceEqual("IHDR"u8)) return TakeHeader(data);
        if (_header.IsEmpty)
        {
            return type.SequenceEqual("CgBI"u8)
                ? "The file is a PNG changed for Apple's apps (CgBI). Export it as an ordinary PNG."
                : Damaged("its header is not its first chunk");
        }

        if (isPixels) return TakePixels();
        if (type.SequenceEqual("PLTE"u8)) return TakePalette(data.Length);
        if (type.SequenceEqual("tRNS"u8)) return TakeTransparency(data.Length);
        if (type.SequenceEqual("eXIf"u8))
        {
            if (!_hasExif) _origin = ExifOrientation.Read(data);
            _hasExif = true;
            return null;
        }

        if (type.SequenceEqual("IEND"u8))
        {
            // Bytes after IEND are not part of the picture.
            _hasEnd = true;
            return data.IsEmpty ? null : Damaged("its end has a length");
        }

        var name = Encoding.ASCII.GetString(type);
        if (Places.TryGetValue(name, out var place)) return TakeOnce(name, place);
        return char.IsAsciiLetterUpper(name[0]) ? Damaged("it has a chunk that no reader knows") : null;
    }

    private string? TakeOnce(string name, Place place)
    {
        if (!(_once ??= []).Add(name)) return Damaged($"it has more than one {name}");
        _isPastPalette |= place == Place.AfterPalette;
        var isMisplaced = place switch
        {
            Place.BeforePalette => _hasPixels || _colors > 0,
            Place.AfterPalette => _hasPixels || (ColorType == Palette && _colors == 0),
            Place.BeforePixels => _hasPixels,
            _ => false,
        };
        return isMisplaced ? Damaged($"its {name} is in the wrong place") : null;
    }

    private string? TakeHeader(ReadOnlySpan<byte> data)
    {
        if (!_header.IsEmpty) return Damaged("it has two headers");
        if (data.Length != HeaderBytes) return Damaged("its header has a wrong length");
        _header = data;
        if (Width == 0 || Height == 0) return "The picture has no pixels.";
        if (Width < 0 || Height < 0) return Damaged("its size is impossible");
        var isDepthAllowed = ColorType switch
        {
            Grey => Depth is 1 or 2 or 4 or 8 or 16,
            Palette => Depth is 1 or 2 or 4 or 8,
            Rgb or GreyAlpha or RgbAlpha => Depth is 8 or 16,
            _ => false,
        };
        if (!isDepthAllowed) return Damaged("its header has a colour type and a depth that do not go together");
        return data[10] == 0 && data[11] == 0 && data[12] <= 1
            ? null
            : Damaged("its header has an unknown compression, filter or interlacing");
    }

    private string? TakePalette(int length)
    {
        if (_colors > 0 || _hasPixels || _isPastPalette) return Damaged("its palette is in the wrong place");
        if (ColorType is Grey or GreyAlpha) return Damaged("it is grey, but has a palette");
        _colors = length / 3;
        var most = ColorType == Palette ? 1 << Depth : MostColors;
        return length % 3 == 0 && _colors >= 1 && _colors <= most ? null : Damaged("its palette has a wrong length");
    }

    private string? TakeTransparency(int length)
    {
        if (_hasTransparency || _hasPixels || (ColorType == Palette && _colors == 0))
        {
            return Damaged("its transparency is in the wrong place");
        }

        _hasTransparency = true;
        _isPastPalette = true;
        var isLengthAllowed = ColorType switch
        {
            Grey => length == 2,
            Rgb => length == 6,
            Palette => length <= _colors,
            _ => false,
        };
        return isLengthAllowed ? null : Damaged("its transparency has a wrong length");
    }

    private string? TakePixels()
    {
        if (_pixelsEnded) return Damaged("its pixels are interrupted by other chunks");
        _hasPixels = true;
        return ColorType == Palette && _colors == 0 ? Damaged("its palette is missing") : null;
    }
}
