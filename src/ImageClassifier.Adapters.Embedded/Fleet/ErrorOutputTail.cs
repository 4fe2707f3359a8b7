namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The last lines of a process's standard error, without stack traces. People read these first. Safe from any
/// thread.</summary>
internal sealed class ErrorOutputTail
{
    private const int KeptLines = 3;
    private const int LongestLine = 300;
    private const string StackFrame = "   at ";

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = [];

    /// <summary>Adds a line.</summary>
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

    /// <summary>The lines, joined by spaces; empty if there are none.</summary>
    public override string ToString()
    {
        lock (_lock) return string.Join(' ', _lines);
    }
}
