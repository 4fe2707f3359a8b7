using System.Text;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>A classifier in its own process, for pictures that are words. It answers like a
/// <see cref="FakeImageClassifier"/>, unless the test decides the outcome of a word.</summary>
public sealed class FakeIsolatedClassifier : IIsolatedClassifier
{
    private readonly Lock _lock = new();
    private readonly List<string> _tried = [];
    private readonly FakeImageClassifier _classifier = new();

    /// <summary>The outcome of a word, called once a try. Null: the word is classified.</summary>
    public Func<string, Task<IsolatedOutcome?>>? Outcome { get; set; }

    /// <summary>The words of all tries, in order.</summary>
    public IReadOnlyList<string> Tried
    {
        get
        {
            lock (_lock) return _tried.ToArray();
        }
    }

    /// <summary>True after its disposal.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>A process that ended while it had the picture.</summary>
    public static IsolatedOutcome Died(ProcessDeath how, bool hadOthers = false) =>
        new IsolatedOutcome.Died(how, hadOthers, "The test decided so.");

    public async Task<IsolatedOutcome> ClassifyAsync(ReadOnlyMemory<byte> picture, bool isAlone)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        var word = Encoding.UTF8.GetString(picture.Span);
        lock (_lock) _tried.Add(word);
        if (Outcome is not null && await Outcome(word) is { } outcome) return outcome;
        try
        {
            return _classifier.Decode(picture) switch
            {
                Decoding.Refused refused => new IsolatedOutcome.Refused(refused.Error),
                Decoding.Decoded decoded => new IsolatedOutcome.Classified(
                    _classifier.Classify([decoded.Picture])[0], TimeSpan.Zero, TimeSpan.Zero),
                _ => throw new InvalidOperationException("Decoding has two outcomes."),
            };
        }
        catch (InvalidOperationException failure)
        {
            return new IsolatedOutcome.Failed(failure.Message);
        }
    }

    public void Dispose() => IsDisposed = true;
}
