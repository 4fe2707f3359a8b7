namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The last lines that a process wrote to standard error, without stack traces: what a person reads first.
/// Safe from any thread.</summary>
internal sealed class LastWords
{
    private const int KeptLines = 3;
    private const int LongestLine = 300;
    private const string StackFrame = "   at ";

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = [];

    /// <summary>A line was written.</summary>
    public void Add(string line)
    {
        if (line.StartsWith(StackFrame, StringComparison.Ordinal)) return;
        var text = line.Trim();
        lock (_lock)
        {
            _lines.Enqueue(text.Length > LongestLine ? $"{text[..LongestLine]}…" : text);
            if (_lines.Count > KeptLines) _lines.Dequeue();
        }
    }

    /// <summary>The lines as one; empty where there were none.</summary>
    public override string ToString()
    {
        lock (_lock) return string.Join(' ', _lines);
    }
}
