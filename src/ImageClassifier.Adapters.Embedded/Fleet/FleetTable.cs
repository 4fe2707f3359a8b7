using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The fleet's table, and the bell that announces its changes.</summary>
internal sealed class FleetTable(EmbeddedLayout layout) : IAsyncDisposable
{
    private readonly SqliteThread<FleetSession> _thread = new("fleet", () => new FleetSession(layout.FleetTable));

    /// <summary>Rings when the fleet asks an instance to drain or to terminate.</summary>
    public Bell Bell { get; } = Bell.For(layout.FleetTable, "wishes");

    /// <exception cref="IOException">The table cannot be used now.</exception>
    public async Task<T> CallAsync<T>(Func<FleetSession, T> call, CancellationToken cancellation)
    {
        try
        {
            return await _thread.RunAsync(call, cancellation);
        }
        catch (Exception failure) when (SqliteDatabase.IsUnavailable(failure))
        {
            throw new IOException($"The fleet's table cannot be used: {failure.Message}", failure);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _thread.DisposeAsync();
        Bell.Dispose();
    }
}
