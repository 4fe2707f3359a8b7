using System.Net;
using Akka.Actor.Setup;

namespace ImageClassifier.Web.Cluster;

/// <summary>Asks the environment for the addresses of all web nodes, the oldest first.</summary>
/// <param name="addresses">The question. It throws <see cref="IOException"/> if there is no answer.</param>
public sealed class WebNodeFinder(Func<CancellationToken, Task<IReadOnlyList<IPAddress>>> addresses) : Setup
{
    internal Task<IReadOnlyList<IPAddress>> FindAsync(CancellationToken cancellation) => addresses(cancellation);
}
