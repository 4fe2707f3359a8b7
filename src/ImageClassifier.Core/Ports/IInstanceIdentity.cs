namespace ImageClassifier.Core.Ports;

/// <summary>The instance that this program runs on, seen from inside: who am I, must I drain, end me.</summary>
public interface IInstanceIdentity
{
    /// <summary>The name that the fleet gave.</summary>
    InstanceId Id { get; }

    /// <summary>Cancelled when the fleet wants this instance to drain: the fleet's owner stops, or the machine will be
    /// taken away.</summary>
    CancellationToken DrainRequested { get; }

    /// <summary>Tells the fleet where this instance is in its life; a fleet that keeps no such record ignores it.</summary>
    Task ReportAsync(InstanceState state, CancellationToken cancellation);

    /// <summary>Ends this instance. The program has drained and stops by itself right after; where the instance is a
    /// machine, that ends too.</summary>
    Task EndAsync(CancellationToken cancellation);
}
