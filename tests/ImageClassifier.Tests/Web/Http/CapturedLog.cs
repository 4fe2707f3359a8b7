using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The logged lines, each with its scopes in front.</summary>
internal sealed class CapturedLog : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<string> _lines = new();
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public IReadOnlyList<string> Lines => [.. _lines];

    public ILogger CreateLogger(string categoryName) => new Log(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private sealed class Log(CapturedLog captured, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => captured._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            var scopes = new List<string>();
            captured._scopes.ForEachScope((scope, all) => all.Add($"{scope}"), scopes);
            captured._lines.Enqueue(
                $"{logLevel} {category} [{string.Join("; ", scopes)}] {formatter(state, exception)} {exception}");
        }
    }
}
