using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>An instance that notes down what its program tells the fleet.</summary>
public sealed class FakeInstanceIdentity(string id = "instance-1") : IInstanceIdentity, IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<InstanceState> _reports = [];
    private readonly CancellationTokenSource _drain = new();
    private int _ends;

    public InstanceId Id { get; } = InstanceId.Parse(id);

    public CancellationToken DrainRequested => _drain.Token;

    /// <summary>Called before each report and before the end, which it may fail.</summary>
    public Action<InstanceState>? Before { get; set; }

    /// <summary>The states that were reported, in order; the end counts as <see cref="InstanceState.Ended"/>.</summary>
    public IReadOnlyList<InstanceState> Reports
    {
        get
        {
            lock (_lock) return _reports.ToArray();
        }
    }

    /// <summary>How often the end was asked for.</summary>
    public int Ends => Volatile.Read(ref _ends);

    /// <summary>The fleet wants the instance to drain.</summary>
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
