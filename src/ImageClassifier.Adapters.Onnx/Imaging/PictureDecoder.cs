using System.Globalization;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Adapters.Onnx.Imaging.Jpeg;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Decodes a picture to the input of a model. The codec is native code, so the file is checked before the codec reads
/// it. The header of a picture shows whether it is too large, or needs too much memory. Concurrent decodes share the
/// memory, and each has a time-out. A JPEG or WebP is decoded at the smallest eighth of its size that still has enough
/// pixels for the model. Safe to use from several threads.
/// </summary>
internal sealed class PictureDecoder
{
    private const int ScaleSteps = 8;
    private const int BytesPerPixel = 4;

    private readonly ModelInput _input;
    private readonly TensorWriter _writer;
    private readonly DecodingLimits _limits;
    private readonly MemoryBudget _memory;
    private readonly TimeProvider _time;
    private readonly int _bandBytes;

    /// <summary>Creates a decoder for one model.</summary>
    /// <param name="input">The input of the model.</param>
    /// <param name="limits">The limits of a decode.</param>
    /// <param name="bandBytes">The most decoded bytes of a PNG in memory at once. A larger PNG is decoded in bands,
    /// each from the start of the file: less memory for more time. A JPEG is always decoded as a whole, because scaling
    /// makes it small.</param>
    /// <param name="time">The clock of the time-out; null for the processor time of the decoding thread.</param>
    public PictureDecoder(
        ModelInput input, DecodingLimits limits, int bandBytes = 64 << 20, TimeProvider? time = null)
    {
        _input = input;
        _limits = limits;
        _memory = new MemoryBudget(limits.MaxMemory);
        _time = time ?? ThreadTime.Instance;
        _bandBytes = bandBytes;
        _writer = new TensorWriter(input);
    }

    /// <summary>Decodes a picture.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="tensor">Receives the model's input for one picture. Undefined if the picture is refused.</param>
    /// <returns>Null, or why the picture is refused.</returns>
    public unsafe JobError? Decode(ReadOnlyMemory<byte> file, Span<float> tensor)
    {
        if (file.IsEmpty) return new JobError(JobErrorCodes.Empty, "The file is empty.");
        if (PictureFormats.FromBytes(file.Span) is not { } format)
        {
            return Undecodable(AllowedFormats.Default.Refuse(file.Span));
        }

        if (ReadHeader(format, file.Span, out var wrong) is not { } header) return Undecodable(wrong!);
        if ((long)header.Width * header.Height > _limits.MaxPixels) return TooManyPixels(header);

        using var pinned = file.Pin();
        using var stream = new TimedPictureStream((byte*)pinned.Pointer, header, _limits.Timeout, _time);
        using var codec = SKCodec.Create(stream, out var opened);
        if (stream.IsCutOff) return TooSlow();
        if (codec is null || opened != SKCodecResult.Success || !IsAsTheHeaderSays(codec, header))
        {
            return Undecodable("The picture's header is damaged, or of a form that cannot be decoded.");
        }

        var plan = Plan(codec, header);
        if (!_memory.CanHold(plan.MemoryNeeded)) return TooMuchMemory(plan.MemoryNeeded);

        using var share = _memory.Take(plan.MemoryNeeded);
        // The wait for memory does not count against the picture's time.
        stream.RestartClock();
        var isWhole = header is not JpegHeader { MustBeWalked: true } jpeg
            || JpegScans.AreComplete(file.Span, jpeg, stream.IsTimeOver);
        var refusal = isWhole
            ? Decode(codec, header.Origin ?? codec.EncodedOrigin, plan, tensor)
            : Undecodable(PictureHeader.CutOff);
        return refusal is not null && stream.IsCutOff ? TooSlow() : refusal;
    }

    private static PictureHeader? ReadHeader(PictureFormat format, ReadOnlySpan<byte> file, out string? wrong) =>
        format switch
        {
            PictureFormat.Jpeg => JpegReader.Read(file, out wrong),
            PictureFormat.Png => PngReader.Read(file, out wrong),
            PictureFormat.WebP => WebpReader.Read(file, out wrong),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };

    // The checks are worth nothing if the codec reads another picture than they did.
    private static bool IsAsTheHeaderSays(SKCodec codec, PictureHeader header) =>
        codec.EncodedFormat == header.Format && codec.Info.Width == header.Width && codec.Info.Height == header.Height;

    private JobError? Decode(SKCodec codec, SKEncodedOrigin origin, PixelPlan plan, Span<float> tensor)
    {
        var orientation = Orientation.From(origin);
        var upright = orientation.Turn(codec.Info.Size);
        var shorter = Math.Min(upright.Width, upright.Height);
        var across = AxisGeometry.Plan(upright.Width, shorter, _input.Resize, _input.Width);
        var down = AxisGeometry.Plan(upright.Height, shorter, _input.Resize, _input.Height);
        var (storedAcross, storedDown) = orientation.SwapsAxes ? (down, across) : (across, down);

        var decoded = plan.Pixels.Size;
        var filter = _input.Resize.Filter;
        using var columns = FilterWindows.Create(storedAcross, filter, decoded.Width, orientation.MirrorsColumns);
        using var rows = FilterWindows.Create(storedDown, filter, decoded.Height, orientation.MirrorsRows);
        using var resampler = new CropResampler(columns, rows);

        var result = ReadPixels(codec, plan, resampler);
        if (result != SKCodecResult.Success) return Undecodable(Reason(result));
        if (filter == ResizeFilter.Bicubic) resampler.CutOffOvershoot();
        _writer.Write(resampler.Crop, orientation, tensor);
        return null;
    }

    private SKSizeI SmallestSufficientSize(SKCodec codec)
    {
        for (var eighths = 1; eighths < ScaleSteps; eighths++)
        {
            var size = codec.GetScaledDimensions((float)eighths / ScaleSteps);
            if (Math.Min(size.Width, size.Height) >= _input.Resize.FilteredSide) return size;
        }

        return codec.Info.Size;
    }

    private PixelPlan Plan(SKCodec codec, PictureHeader header)
    {
        // No colour space is requested, so colours stay as stored: models are trained on such pictures. Alpha is
        // premultiplied, because only such pixels can be averaged.
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul;
        var size = SmallestSufficientSize(codec);
        var pixels = new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, alpha);
        var bandHeight = header.Format == SKEncodedImageFormat.Png && pixels.BytesSize64 > _bandBytes
            ? Math.Max(_bandBytes / pixels.RowBytes, 1)
            : size.Height;
        var bytesPerPixel = BytesPerPixel + header.CodecBytesPerPixel;
        return new PixelPlan(pixels, bandHeight, (long)size.Width * bandHeight * bytesPerPixel + header.CodecBytes);
    }

    private static SKCodecResult ReadPixels(SKCodec codec, PixelPlan plan, CropResampler resampler)
    {
        var (info, bandHeight) = (plan.Pixels, plan.BandHeight);
        using var band = new SKBitmap();
        if (!band.TryAllocPixels(info.WithSize(info.Width, bandHeight), info.RowBytes))
        {
            // Not the picture's fault: it may succeed later, or on another machine.
            throw new InsufficientMemoryException(
                $"There is no memory for {bandHeight} rows of {info.RowBytes} bytes.");
        }

        for (var top = 0; top < info.Height; top += bandHeight)
        {
            var height = Math.Min(bandHeight, info.Height - top);
            var result = bandHeight < info.Height
                ? ReadBand(codec, info, band, SKRectI.Create(0, top, info.Width, height))
                : codec.GetPixels(info, band.GetPixels(), info.RowBytes, SKCodecOptions.Default);
            if (result != SKCodecResult.Success) return result;

            var pixels = band.GetPixelSpan();
            for (var y = 0; y < height; y++)
            {
                resampler.Add(top + y, pixels.Slice(y * info.RowBytes, info.Width * BytesPerPixel));
            }
        }

        return SKCodecResult.Success;
    }

    private static SKCodecResult ReadBand(SKCodec codec, SKImageInfo info, SKBitmap band, SKRectI rows)
    {
        var started = codec.StartIncrementalDecode(info, band.GetPixels(), info.RowBytes, new SKCodecOptions(rows));
        return started == SKCodecResult.Success ? codec.IncrementalDecode() : started;
    }

    private static string Reason(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => PictureHeader.CutOff,
        SKCodecResult.ErrorInInput => "The picture is damaged.",
        _ => "The picture is of a form that cannot be decoded.",
    };

    private static JobError Undecodable(string message) => new(JobErrorCodes.Undecodable, message);

    private JobError TooManyPixels(PictureHeader size) => new(JobErrorCodes.TooManyPixels, string.Create(
        CultureInfo.InvariantCulture,
        $"The picture has {size.Width} x {size.Height} pixels; at most {_limits.MaxPixels:N0} in all are accepted."));

    private JobError TooMuchMemory(long bytes) => new(JobErrorCodes.TooCostly, string.Create(
        CultureInfo.InvariantCulture,
        $"Decoding the picture would take {bytes:N0} bytes of memory; at most {_limits.MaxMemory:N0} are allowed."));

    private JobError TooSlow() => new(JobErrorCodes.TooCostly, string.Create(
        CultureInfo.InvariantCulture,
        $"The picture was not decoded within {_limits.Timeout.TotalSeconds:0.#} seconds."));

    /// <summary>How the pixels of a picture are read.</summary>
    /// <param name="Pixels">Their format, and their size after scaling by the codec.</param>
    /// <param name="BandHeight">The number of rows in memory at once.</param>
    /// <param name="MemoryNeeded">The bytes for the decode, including the codec's own.</param>
    private readonly record struct PixelPlan(SKImageInfo Pixels, int BandHeight, long MemoryNeeded);
}
