using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Tests.CommandLine;

/// <summary>A classifier that reads the class from the last byte of a picture. It checks that batches are within the
/// limit and that every picture is disposed of.</summary>
internal sealed class ByteClassifier(int batchSize) : IImageClassifier
{
    public const byte Refused = 255;
    public const byte Fatal = 254;

    private int _inMemory;
    private int _mostInMemory;

    public ModelIdentity Model { get; } = new("bytes", new string('0', 64));

    public int PreferredBatchSize => batchSize;

    public int Calls { get; private set; }

    public int InMemory => _inMemory;

    public int MostInMemory => _mostInMemory;

    public bool Disposed { get; private set; }

    /// <summary>Runs in each call of <see cref="Classify"/>.</summary>
    public Action OnClassify { get; set; } = () => { };

    public static byte[] Jpeg(byte kind) => [0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0, 0, kind];

    public Decoding Decode(ReadOnlyMemory<byte> picture)
    {
        var kind = picture.Span[^1];
        if (kind == Refused) return new Decoding.Refused(new JobError(JobErrorCodes.Undecodable, "It is damaged."));
        if (kind == Fatal) throw new InvalidOperationException("The decoder is broken.");
        var now = Interlocked.Increment(ref _inMemory);
        InterlockedMax(now);
        return new Decoding.Decoded(new BytePicture(this, kind));
    }

    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures)
    {
        if (pictures.Count < 1 || pictures.Count > batchSize) throw new ArgumentException("Too many or none.");
        Calls++;
        OnClassify();
        return [.. pictures.Cast<BytePicture>().Select(picture =>
            new[] { new Prediction(picture.Kind, $"label {picture.Kind}", 0.75), new Prediction(0, "other", 0.25) })];
    }

    public void Dispose() => Disposed = true;

    private void InterlockedMax(int value)
    {
        for (var seen = _mostInMemory; value > seen; seen = _mostInMemory)
            Interlocked.CompareExchange(ref _mostInMemory, value, seen);
    }

    private sealed class BytePicture(ByteClassifier owner, byte kind) : DecodedPicture
    {
        private int _released;

        public byte Kind => kind;

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _released, 1) == 0) Interlocked.Decrement(ref owner._inMemory);
        }
    }
}
