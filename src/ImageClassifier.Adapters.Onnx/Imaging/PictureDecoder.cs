using System.Globalization;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Turns a JPEG or PNG into a model's input. The header is read first, and a picture that is too large is refused by
/// it. A JPEG is decoded at the smallest eighth of its size that still has the pixels the model wants. Safe for use
/// from several threads.
/// </summary>
internal sealed class PictureDecoder
{
    private const int ScaleSteps = 8;
    private const int BytesPerPixel = 4;

    private readonly ModelInput _input;
    private readonly TensorWriter _writer;
    private readonly long _maxPixels;
    private readonly int _bandBytes;

    /// <summary>A decoder for one model.</summary>
    /// <param name="input">What the model takes.</param>
    /// <param name="maxPixels">Width times height of the largest picture that is decoded.</param>
    /// <param name="bandBytes">How much of a PNG is in memory at once, decoded. A larger one is decoded in bands, each
    /// from the file's start, as a PNG has no other: less memory for more time. A JPEG is always decoded as a whole, as
    /// scaling leaves little of it.</param>
    public PictureDecoder(ModelInput input, long maxPixels, int bandBytes = 64 << 20)
    {
        _input = input;
        _maxPixels = maxPixels;
        _bandBytes = bandBytes;
        _writer = new TensorWriter(input);
    }

    /// <summary>Decodes a picture.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="tensor">Where the model's input goes, one picture long; its contents are undefined where the
    /// picture is refused.</param>
    /// <returns>Null, or why the picture is refused.</returns>
    public unsafe JobError? Decode(ReadOnlyMemory<byte> file, Span<float> tensor)
    {
        if (file.IsEmpty) return new JobError(JobErrorCodes.Empty, "The file is empty.");
        if (PictureFormats.FromBytes(file.Span) is not { } format)
        {
            return Undecodable("The file is neither a JPEG nor a PNG picture.");
        }

        using var pinned = file.Pin();
        using var data = SKData.Create((nint)pinned.Pointer, file.Length);
        using var stream = new SKMemoryStream(data);
        using var codec = SKCodec.Create(stream, out var opened);
        if (codec is null || opened != SKCodecResult.Success || codec.EncodedFormat != SkiaFormat(format))
        {
            return Undecodable("The picture's header is damaged, or of a form that cannot be decoded.");
        }

        var stored = codec.Info.Size;
        if ((long)stored.Width * stored.Height > _maxPixels) return TooManyPixels(stored);
        if (stored.IsEmpty) return Undecodable("The picture has no pixels.");
        return Decode(codec, tensor);
    }

    private static SKEncodedImageFormat SkiaFormat(PictureFormat format) =>
        format == PictureFormat.Jpeg ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png;

    private JobError? Decode(SKCodec codec, Span<float> tensor)
    {
        var orientation = Orientation.From(codec.EncodedOrigin);
        var upright = orientation.Turn(codec.Info.Size);
        var shorter = Math.Min(upright.Width, upright.Height);
        var across = AxisGeometry.Plan(upright.Width, shorter, _input.Resize, _input.Width);
        var down = AxisGeometry.Plan(upright.Height, shorter, _input.Resize, _input.Height);
        var (storedAcross, storedDown) = orientation.SwapsAxes ? (down, across) : (across, down);

        var decoded = SmallestSufficientSize(codec);
        using var columns = TriangleWindows.Create(storedAcross, decoded.Width, orientation.MirrorsColumns);
        using var rows = TriangleWindows.Create(storedDown, decoded.Height, orientation.MirrorsRows);
        using var resampler = new CropResampler(columns, rows);

        var result = ReadPixels(codec, decoded, resampler);
        if (result != SKCodecResult.Success) return Undecodable(Reason(result));
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

    private SKCodecResult ReadPixels(SKCodec codec, SKSizeI size, CropResampler resampler)
    {
        // Colours stay as they are stored (no colour space is asked for), as models are trained on them so. Alpha is
        // multiplied in, because only such pixels can be averaged.
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul;
        var info = new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, alpha);
        var inBands = codec.EncodedFormat == SKEncodedImageFormat.Png && info.BytesSize64 > _bandBytes;
        var bandHeight = inBands ? Math.Max(_bandBytes / info.RowBytes, 1) : size.Height;

        using var band = new SKBitmap();
        if (!band.TryAllocPixels(info.WithSize(size.Width, bandHeight), info.RowBytes))
        {
            // Not the picture's fault: it may go well another time, or on another machine.
            throw new InsufficientMemoryException(
                $"There is no memory for {bandHeight} rows of {info.RowBytes} bytes.");
        }

        for (var top = 0; top < size.Height; top += bandHeight)
        {
            var height = Math.Min(bandHeight, size.Height - top);
            var result = inBands
                ? ReadBand(codec, info, band, SKRectI.Create(0, top, size.Width, height))
                : codec.GetPixels(info, band.GetPixels(), info.RowBytes, SKCodecOptions.Default);
            if (result != SKCodecResult.Success) return result;

            var pixels = band.GetPixelSpan();
            for (var y = 0; y < height; y++)
            {
                resampler.Add(top + y, pixels.Slice(y * info.RowBytes, size.Width * BytesPerPixel));
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
        SKCodecResult.IncompleteInput => "The picture is cut off: its end is missing.",
        SKCodecResult.ErrorInInput => "The picture is damaged.",
        _ => "The picture is of a form that cannot be decoded.",
    };

    private static JobError Undecodable(string message) => new(JobErrorCodes.Undecodable, message);

    private JobError TooManyPixels(SKSizeI size) => new(JobErrorCodes.TooManyPixels, string.Create(
        CultureInfo.InvariantCulture,
        $"The picture has {size.Width} x {size.Height} pixels; at most {_maxPixels:N0} in all are accepted."));
}
