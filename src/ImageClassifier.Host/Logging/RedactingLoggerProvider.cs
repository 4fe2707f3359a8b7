namespace ImageClassifier.Host.Logging;

/// <summary>Removes batch ids from all messages, scopes and exceptions of a log.</summary>
/// <param name="inner">The log.</param>
internal sealed class RedactingLoggerProvider(ILoggerProvider inner) : ILoggerProvider, ISupportExternalScope
{
    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => new Log(inner.CreateLogger(categoryName));

    /// <inheritdoc />
    public void SetScopeProvider(IExternalScopeProvider scopeProvider) =>
        (inner as ISupportExternalScope)?.SetScopeProvider(new Scopes(scopeProvider));

    /// <inheritdoc />
    public void Dispose() => inner.Dispose();

    private sealed class Log(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull =>
            inner.BeginScope(RedactedScope(state));

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!inner.IsEnabled(logLevel)) return;
            inner.Log(logLevel, eventId, RedactedBatchIds.In(formatter(state, exception)), Redacted(exception),
                static (message, _) => message);
        }

        private static Exception? Redacted(Exception? exception)
        {
            if (exception?.ToString() is not { } text) return null;
            var redacted = RedactedBatchIds.In(text);
            return redacted == text
                ? exception
                : new RedactedException(RedactedBatchIds.In(exception.Message), redacted);
        }
    }

    private sealed class Scopes(IExternalScopeProvider inner) : IExternalScopeProvider
    {
        public void ForEachScope<TState>(Action<object?, TState> callback, TState state) =>
            inner.ForEachScope((scope, given) => callback(RedactedScope(scope), given), state);

        public IDisposable Push(object? state) => inner.Push(state);
    }

    private static string RedactedScope(object? scope) => RedactedBatchIds.In(scope?.ToString() ?? "");

    /// <summary>The text of an exception in a log.</summary>
    private sealed class RedactedException(string message, string text) : Exception(message)
    {
        public override string ToString() => text;
    }
}
