using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Web.Http.Connections;

/// <summary>The connections that the process's limit of open files allows. A .NET process aborts when it runs out of
/// file descriptors, so connections never take the last ones.</summary>
/// <param name="MaxConnections">Maximum number of connections without WebSockets.</param>
/// <param name="MaxSubscribers">Maximum number of WebSockets and event streams.</param>
/// <param name="Warning">A warning for the operator; null if the settings apply unchanged.</param>
public sealed record ConnectionBudget(int MaxConnections, int MaxSubscribers, string? Warning)
{
    /// <summary>Spare slots for sockets that are being closed while others are accepted.</summary>
    internal const int Closing = 16;

    // A busy web tier has about 280 files open: assemblies, databases, logs. The rest is a reserve.
    private const int OfTheProgram = 400;

    // Pipes, and the runtime's own files for a child process.
    private const int OfOneNode = 6;

    // With fewer, the page, readers and uploads of a single user block each other.
    private const int FewestConnections = 32;

    /// <summary>Computes the budget of a process.</summary>
    /// <param name="openFiles">The limit of open files; null if the system sets none.</param>
    /// <param name="tier">The settings.</param>
    /// <param name="childProcesses">Maximum number of app nodes that run as child processes.</param>
    /// <exception cref="InvalidSettingException">The limit is too low to serve anyone.</exception>
    public static ConnectionBudget Of(long? openFiles, WebTierSettings tier, int childProcesses)
    {
        var (connections, subscribers) = (tier.Edge.MaxConnections, tier.Results.MaxSubscribers);
        // Besides its connection, an upload or a picture being read holds a file or a connection to S3.
        var transfers = tier.Uploads.MaxConcurrent + tier.Results.MaxReads;
        var own = OfTheProgram + (OfOneNode * childProcesses);
        var needed = own + connections + subscribers + Math.Min(connections, transfers);
        if (openFiles is not { } limit || limit >= needed) return new ConnectionBudget(connections, subscribers, null);

        var left = limit - own;
        var sockets = left >= 2 * transfers ? left - transfers : left / 2;
        if (sockets < FewestConnections)
        {
            throw new InvalidSettingException("The limit of open files (ulimit -n)", Number(limit),
                $"a web tier with these settings needs at least {Number(own + (2 * FewestConnections))}; "
                + $"raise the limit, with LimitNOFILE under systemd, to {Number(needed)} for all connections of the "
                + "settings");
        }

        var cappedSubscribers = (int)Math.Min(subscribers, sockets / 3);
        var cappedConnections = (int)Math.Min(connections, sockets - cappedSubscribers);
        return new ConnectionBudget(cappedConnections, cappedSubscribers,
            $"This process may have {Number(limit)} files open, so it takes at most {Number(cappedConnections)} "
            + $"connections (web.max-connections is {Number(connections)}) and {Number(cappedSubscribers)} subscribers "
            + $"(results.max-subscribers is {Number(subscribers)}). To have all of them, raise its limit of open files "
            + $"(ulimit -n, LimitNOFILE under systemd) to {Number(needed)}.");
    }

    /// <summary>Reduces the settings to this budget.</summary>
    public WebTierSettings Limit(WebTierSettings tier) => tier with
    {
        Edge = tier.Edge with { MaxConnections = MaxConnections },
        Results = tier.Results with { MaxSubscribers = MaxSubscribers },
    };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
