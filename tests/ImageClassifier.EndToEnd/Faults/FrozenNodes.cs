using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>App nodes that do nothing until disposal, like processes of a machine without CPU time.</summary>
internal sealed class FrozenNodes : IDisposable
{
    private readonly IReadOnlyList<int> _processes;

    public FrozenNodes(IReadOnlyList<int> processes)
    {
        _processes = processes;
        foreach (var process in processes) ProcessTable.Signal(process, "STOP");
    }

    public void Dispose()
    {
        foreach (var process in _processes) ProcessTable.Signal(process, "CONT");
    }
}
