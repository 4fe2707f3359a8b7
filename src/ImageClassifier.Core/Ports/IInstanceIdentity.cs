using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>The instance that runs this program, seen from inside.</summary>
public interface IInstanceIdentity
{
    /// <summary>The id that the fleet assigned.</summary>
    InstanceId Id { get; }

    /// <summary>Cancelled when this instance must drain: its fleet stops, or its machine will be taken away.</summary>
    CancellationToken DrainRequested { get; }

    /// <summary>Reports the state of this instance to the fleet. A fleet without such records ignores it.</summary>
    Task ReportAsync(InstanceState state, CancellationToken cancellation);

    /// <summary>Marks this instance as ended. The program has drained and stops right after; if the instance is a
    /// machine, the machine ends too.</summary>
    Task EndAsync(CancellationToken cancellation);
}
