using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>An instance that records the reports of its program to the fleet.</summary>
public sealed class FakeInstanceIdentity(string id = "instance-1") : IInstanceIdentity, IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<InstanceState> _reports = [];
    private readonly CancellationTokenSource _drain = new();
    private int _ends;

    public InstanceId Id { get; } = InstanceId.Parse(id);

    public CancellationToken DrainRequested => _drain.Token;

    /// <summary>Called before each report and before the end. It may throw.</summary>
    public Action<InstanceState>? Before { get; set; }

    /// <summary>The reported states, in order. The end counts as <see cref="InstanceState.Ended"/>.</summary>
    public IReadOnlyList<InstanceState> Reports
    {
        get
        {
            lock (_lock) return _reports.ToArray();
        }
    }

    /// <summary>The number of requests to end.</summary>
    public int Ends => Volatile.Read(ref _ends);

    /// <summary>Cancelled when the instance must drain.</summary>
    public void RequestDrain() => _drain.Cancel();

    public Task ReportAsync(InstanceState state, CancellationToken cancellation)
    {
        Before?.Invoke(state);
        lock (_lock) _reports.Add(state);
        return Task.CompletedTask;
    }

    public Task EndAsync(CancellationToken cancellation)
    {
        Before?.Invoke(InstanceState.Ended);
        Interlocked.Increment(ref _ends);
        lock (_lock) _reports.Add(InstanceState.Ended);
        return Task.CompletedTask;
    }

    public void Dispose() => _drain.Dispose();
}
