using System.Buffers.Binary;
using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Reads all chunks of a WebP (RFC 9649) before the codec does, and refuses sizes and orders that the standard forbids.
/// </summary>
/// <param name="file">The file from its RIFF header.</param>
internal ref struct WebpReader(ReadOnlySpan<byte> file)
{
    private const int RiffBytes = 12;
    private const int ChunkHeaderBytes = 8;
    private const int ExtendedBytes = 10;
    private const byte AnimationFlag = 0x02;
    private const string Damaged = "The WebP is damaged. Export it again.";
    private const string Animated = "The file is an animated WebP. Export one of its pictures as JPEG or PNG.";

    private readonly ReadOnlySpan<byte> _file = file;
    private bool _isExtended;
    private bool _hasAlpha;
    private bool _hasPixels;
    private (int Width, int Height) _canvas;
    private SKEncodedOrigin _origin = SKEncodedOrigin.TopLeft;
    private int _length;

    /// <summary>Reads the header of a WebP.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="refusal">Why there is no header; otherwise null.</param>
    public static WebpHeader? Read(ReadOnlySpan<byte> file, out string? refusal)
    {
        var reader = new WebpReader(file);
        refusal = reader.ReadChunks();
        return refusal is null
            ? new WebpHeader(reader._canvas.Width, reader._canvas.Height, reader._length, reader._origin)
            : null;
    }

    private string? ReadChunks()
    {
        if (_file.Length < RiffBytes) return PictureHeader.CutOff;
        var end = BinaryPrimitives.ReadUInt32LittleEndian(_file[4..]) + 8L;
        if (end > _file.Length) return PictureHeader.CutOff;
        _length = (int)end;
        for (var at = RiffBytes; at + ChunkHeaderBytes <= _length;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(_file[(at + 4)..]);
            if (length > _length - at - ChunkHeaderBytes) return Damaged;
            var data = _file.Slice(at + ChunkHeaderBytes, (int)length);
            if (Take(_file.Slice(at, 4), data, isFirst: at == RiffBytes) is { } refusal) return refusal;
            at += ChunkHeaderBytes + (int)length + ((int)length & 1);
        }

        return _hasPixels ? null : Damaged;
    }

    private string? Take(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data, bool isFirst)
    {
        if (type.SequenceEqual("VP8X"u8)) return isFirst ? TakeExtended(data) : Damaged;
        if (type.SequenceEqual("VP8 "u8)) return TakePixels(isFirst, LossySize(data));
        if (type.SequenceEqual("VP8L"u8)) return _hasAlpha ? Damaged : TakePixels(isFirst, LosslessSize(data));
        if (isFirst) return Damaged;
        if (type.SequenceEqual("ANIM"u8) || type.SequenceEqual("ANMF"u8)) return Animated;
        if (type.SequenceEqual("ALPH"u8))
        {
            if (!_isExtended || _hasAlpha || _hasPixels) return Damaged;
            _hasAlpha = true;
        }
        else if (type.SequenceEqual("EXIF"u8))
        {
            _origin = ExifOrientation.Read(data);
        }

        return null;
    }

    private string? TakeExtended(ReadOnlySpan<byte> data)
    {
        if (data.Length != ExtendedBytes) return Damaged;
        if ((data[0] & AnimationFlag) != 0) return Animated;
        _isExtended = true;
        _canvas = (1 + Triple(data[4..]), 1 + Triple(data[7..]));
        return null;
    }

    private string? TakePixels(bool isFirst, (int Width, int Height) size)
    {
        if (_hasPixels || size is (0, _) or (_, 0) || isFirst == _isExtended) return Damaged;
        if (_isExtended && size != _canvas) return Damaged;
        _canvas = size;
        _hasPixels = true;
        return null;
    }

    /// <summary>The size in the header of a key frame (RFC 6386, 9.1); zero if the header is not allowed.</summary>
    private static (int Width, int Height) LossySize(ReadOnlySpan<byte> data) =>
        data.Length >= 10 && (data[0] & 1) == 0 && data[3..].StartsWith((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
            ? (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF,
                BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF)
            : default;

    /// <summary>The size in the header of a lossless picture (RFC 9649, 3.4); zero if the header is not
    /// allowed.</summary>
    private static (int Width, int Height) LosslessSize(ReadOnlySpan<byte> data)
    {
        if (data.Length < 5 || data[0] != 0x2F || data[4] >> 5 != 0) return default;
        var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
        return (1 + (int)(bits & 0x3FFF), 1 + (int)(bits >> 14 & 0x3FFF));
    }

    private static int Triple(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
