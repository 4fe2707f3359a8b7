using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Adapters.Onnx.Imaging.Jpeg;
using ImageClassifier.Core.Messages;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Contracts;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Pictures that are made to use much memory or time.</summary>
public sealed class HostilePictureSpecs
{
    private const long Pixels = 100_000_000;
    private const long Memory = 1 << 30;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    private static readonly ModelInput Input = new(
        "input", TensorLayout.Nhwc, 16, 16, (0, 255), [0, 0, 0], [1, 1, 1], new ModelResize(20, null));

    [Theory]
    [InlineData(65_500, 65_500)]
    [InlineData(10_001, 10_000)]
    public void A_jpeg_with_too_many_pixels_is_refused_by_its_header(int width, int height)
    {
        // With this budget and time-out, no picture could be decoded.
        var decoder = new PictureDecoder(Input, new DecodingLimits(Pixels, 1, TimeSpan.FromTicks(1)), time: Frozen());
        var header = ProgressiveJpeg.Create(8, 8);
        var frame = header.AsSpan().IndexOf([(byte)0xFF, (byte)0xC2]);
        (header[frame + 5], header[frame + 6]) = ((byte)(height >> 8), (byte)height);
        (header[frame + 7], header[frame + 8]) = ((byte)(width >> 8), (byte)width);

        Assert.Equal(JobErrorCodes.TooManyPixels, Refusal(decoder, header)?.Code);
    }

    [Theory]
    [InlineData(50_000, 50_000)]
    [InlineData(1_000_000, 101)]
    [InlineData(1, 100_000_001)]
    public void A_png_with_too_many_pixels_is_refused_by_its_header(int width, int height)
    {
        var decoder = new PictureDecoder(Input, new DecodingLimits(Pixels, 1, TimeSpan.FromTicks(1)), time: Frozen());

        var error = Refusal(decoder, TestPictures.RawPng(width, height, 8, 0, [new byte[100]]));

        // The codec refuses sizes that it cannot handle.
        Assert.Contains(error?.Code, (string[])[JobErrorCodes.TooManyPixels, JobErrorCodes.Undecodable]);
    }

    [Fact]
    public void A_png_that_unpacks_to_a_thousand_times_its_size_is_decoded_in_bands()
    {
        const int Side = 10_000;
        var bomb = TestPictures.RawPng(Side, Side, 8, 0, Enumerable.Repeat(new byte[Side], Side));
        Assert.InRange(bomb.Length, 1, 1 << 20);

        // Less memory than its pixels need.
        Assert.Null(Refusal(new PictureDecoder(Input, new DecodingLimits(Pixels, 64 << 20, Timeout)), bomb));
    }

    [Fact]
    public void A_progressive_jpeg_needs_the_memory_of_all_its_coefficients()
    {
        var file = ProgressiveJpeg.Create(3000, 2000);
        var coefficients = 3000L * 2000 * 3 * 2;

        var enough = new PictureDecoder(Input, new DecodingLimits(Pixels, coefficients * 11 / 10, Timeout));
        var less = new PictureDecoder(Input, new DecodingLimits(Pixels, coefficients, Timeout));

        Assert.Null(Refusal(enough, file));
        var error = Refusal(less, file);
        Assert.Equal(JobErrorCodes.TooCostly, error?.Code);
        Assert.Contains("36,000,000 are allowed", error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ordinary_photo_needs_only_the_memory_of_its_scaled_size()
    {
        using var photo = TestPictures.Gradient(1600, 1200);

        // The pixels alone need 7.7 MB.
        var decoder = new PictureDecoder(Input, new DecodingLimits(Pixels, 200_000, Timeout));

        Assert.Null(Refusal(decoder, TestPictures.Jpeg(photo)));
    }

    [Theory]
    [InlineData("baseline.jpg", false)]
    [InlineData("restart.jpg", false)]
    [InlineData("arithmetic.jpg", false)]
    [InlineData("scan_each.jpg", true)]
    [InlineData("progressive.jpg", true)]
    [InlineData("arithmetic_progressive.jpg", true)]
    public void A_jpeg_in_several_scans_counts_as_whole_in_memory_also_when_it_is_not_progressive(
        string name, bool isWholeInMemory)
    {
        var file = SamplePicture.Read(name);
        var frame = SamplePicture.Frame(file);
        byte[] side = [0x03, 0xE8];
        side.CopyTo(file, frame + 5);
        side.CopyTo(file, frame + 7);

        var bytes = JpegReader.Read(file, out _)!.CodecBytes;

        if (isWholeInMemory) Assert.InRange(bytes, 6_000_000, 7_000_000);
        else Assert.Equal(0, bytes);
    }

    [Fact]
    public async Task Two_giants_are_never_decoded_at_once()
    {
        var file = ProgressiveJpeg.Create(1000, 1000);
        var counting = new GatedTime();
        Assert.Null(Refusal(Giants(counting), file));
        var time = new GatedTime { HoldAt = counting.Readings };
        var decoder = Giants(time);

        var first = new Decode(decoder, file);
        await time.Held.WaitAsync(Enough);
        var second = new Decode(decoder, file);
        await Condition.BecomesTrueAsync(
            () => Task.FromResult(second.IsWaiting), "the second picture waits for memory");
        time.LetGo();

        Assert.Null(await first.Refusal.WaitAsync(Enough));
        Assert.Null(await second.Refusal.WaitAsync(Enough));

        static PictureDecoder Giants(TimeProvider time) =>
            new(Input, new DecodingLimits(Pixels, 10_000_000, Timeout), time: time);
    }

    [Fact]
    public void A_picture_that_takes_too_long_is_refused_during_its_decode()
    {
        using var picture = TestPictures.Noise(300, 200);
        byte[][] files =
        [
            TestPictures.Jpeg(picture), TestPictures.Png(picture), TestPictures.InterlacedPng(picture),
            ProgressiveJpeg.Create(3000, 2000, scans: 90),
        ];
        foreach (var file in files)
        {
            var time = new SteppingTime(TimeSpan.FromSeconds(1));
            var limits = new DecodingLimits(Pixels, Memory, TimeSpan.FromSeconds(5));
            var decoder = new PictureDecoder(Input, limits, time: time);

            var error = Refusal(decoder, file);

            Assert.Equal(JobErrorCodes.TooCostly, error?.Code);
            Assert.Equal("The picture was not decoded within 5 seconds.", error?.Message);
            // Opening and decoding each read the clock five times before the time-out, and not again after it.
            Assert.InRange(time.Readings, 6, 16);
            Assert.Null(Refusal(new PictureDecoder(Input, new DecodingLimits(Pixels, Memory, Timeout)), file));
        }
    }

    [Fact]
    public void A_truncated_picture_is_not_reported_as_slow()
    {
        var file = ProgressiveJpeg.Create(1000, 1000);

        var error = Refusal(new PictureDecoder(Input, new DecodingLimits(Pixels, Memory, Timeout)), file[..^3000]);

        Assert.Equal(JobErrorCodes.Undecodable, error?.Code);
    }

    [Fact]
    public void A_jpeg_with_thousands_of_scans_ends_early()
    {
        var file = ProgressiveJpeg.Create(2000, 2000, components: 1, scans: 20_000);
        var time = new SteppingTime(TimeSpan.Zero);
        var decoder = new PictureDecoder(Input, new DecodingLimits(Pixels, Memory, Timeout), time: time);

        var error = Refusal(decoder, file);

        Assert.Equal(JobErrorCodes.Undecodable, error?.Code);
        Assert.StartsWith("The JPEG has more than 100 scans.", error?.Message, StringComparison.Ordinal);
        // The codec never read the file.
        Assert.Equal(0, time.Readings);
    }

    private static JobError? Refusal(PictureDecoder decoder, byte[] file) =>
        decoder.Decode(file, new float[Input.Length]);

    private static SteppingTime Frozen() => new(TimeSpan.Zero);

    /// <summary>A decode on its own thread.</summary>
    private sealed class Decode
    {
        private readonly TaskCompletionSource<JobError?> _refusal = new();
        private readonly Thread _thread;

        public Decode(PictureDecoder decoder, byte[] file)
        {
            _thread = new Thread(() => _refusal.SetResult(HostilePictureSpecs.Refusal(decoder, file)))
            {
                IsBackground = true,
            };
            _thread.Start();
        }

        public Task<JobError?> Refusal => _refusal.Task;

        public bool IsWaiting => _thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin);
    }

    /// <summary>Time that advances with each reading.</summary>
    private sealed class SteppingTime(TimeSpan step) : TimeProvider
    {
        public int Readings { get; private set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => step.Ticks * Readings++;
    }

    /// <summary>Time that stands still, and blocks the reader at a certain reading.</summary>
    private sealed class GatedTime : TimeProvider
    {
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _open = new();
        private int _readings;

        public int HoldAt { get; init; } = int.MaxValue;

        public int Readings => _readings;

        public Task Held => _held.Task;

        public void LetGo() => _open.Set();

        public override long GetTimestamp()
        {
            if (Interlocked.Increment(ref _readings) == HoldAt)
            {
                _held.SetResult();
                _open.Wait(Enough);
            }

            return 0;
        }
    }
}
