using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>A classifier for pictures that are words: the label is the word. <see cref="Refused"/> is refused.
/// <see cref="CrashesDecoder"/> throws while it is decoded, and <see cref="CrashesModel"/> while it is
/// classified.</summary>
public sealed class FakeImageClassifier(int preferredBatchSize = 4) : IImageClassifier
{
    /// <summary>A picture that is refused.</summary>
    public const string Refused = "refuse";

    /// <summary>A picture on which decoding throws.</summary>
    public const string CrashesDecoder = "crash";

    /// <summary>A picture with which the model's run throws, for all its pictures.</summary>
    public const string CrashesModel = "crash-model";

    private readonly Lock _lock = new();
    private readonly List<string> _decoded = [];
    private readonly List<IReadOnlyList<string>> _batches = [];
    private int _undisposed;
    private int _isDisposed;

    public ModelIdentity Model { get; init; } = new("fake", new string('0', 64));

    public int PreferredBatchSize { get; } = preferredBatchSize;

    /// <summary>Called with the word while it is decoded. It may wait or throw.</summary>
    public Action<string>? WhileDecoding { get; set; }

    /// <summary>Called with the words while they are classified. It may wait or throw.</summary>
    public Action<IReadOnlyList<string>>? WhileClassifying { get; set; }

    /// <summary>The words that were decoded, including refused ones.</summary>
    public IReadOnlyList<string> DecodedWords
    {
        get
        {
            lock (_lock) return _decoded.ToArray();
        }
    }

    /// <summary>The words of each run.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Batches
    {
        get
        {
            lock (_lock) return _batches.ToArray();
        }
    }

    /// <summary>True after its disposal. A call that begins later throws.</summary>
    public bool IsDisposed => Volatile.Read(ref _isDisposed) == 1;

    /// <summary>The decoded pictures that are not disposed of yet.</summary>
    public int Undisposed => Volatile.Read(ref _undisposed);

    public Decoding Decode(ReadOnlyMemory<byte> picture)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        var word = Encoding.UTF8.GetString(picture.Span);
        lock (_lock) _decoded.Add(word);
        WhileDecoding?.Invoke(word);
        if (word == CrashesDecoder) throw new InvalidOperationException("This picture crashes the decoder.");
        if (word == Refused)
            return new Decoding.Refused(new JobError(JobErrorCodes.Undecodable, "This picture is refused."));
        Interlocked.Increment(ref _undisposed);
        return new Decoding.Decoded(new FakePicture(word, () => Interlocked.Decrement(ref _undisposed)));
    }

    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(pictures.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pictures.Count, PreferredBatchSize);
        var words = pictures.Cast<FakePicture>().Select(picture => picture.Word).ToArray();
        lock (_lock) _batches.Add(words);
        WhileClassifying?.Invoke(words);
        if (words.Contains(CrashesModel)) throw new InvalidOperationException("This picture crashes the model.");
        return words.Select(Predict).ToArray();
    }

    public void Dispose() => Volatile.Write(ref _isDisposed, 1);

    private static IReadOnlyList<Prediction> Predict(string word) =>
        [new Prediction(0, word, 0.75), new Prediction(1, "other", 0.25)];

    private sealed class FakePicture(string word, Action disposed) : DecodedPicture
    {
        private readonly string _word = word;
        private int _isDisposed;

        public string Word
        {
            get
            {
                ObjectDisposedException.ThrowIf(_isDisposed == 1, this);
                return _word;
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0) disposed();
        }
    }
}
