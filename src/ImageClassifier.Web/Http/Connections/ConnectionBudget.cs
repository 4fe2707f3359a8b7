using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Web.Http.Connections;

/// <summary>The connections for which the process's limit of open files leaves room. A .NET process that runs out of
/// files aborts, so connections never take the last of them.</summary>
/// <param name="MaxConnections">Connections at once, without WebSockets.</param>
/// <param name="MaxSubscribers">WebSockets and event streams at once.</param>
/// <param name="Warning">What the operator should know; null where the settings count as they are.</param>
public sealed record ConnectionBudget(int MaxConnections, int MaxSubscribers, string? Warning)
{
    /// <summary>Sockets that are being closed while others are accepted.</summary>
    internal const int Closing = 16;

    // A busy web tier has some 280 files open: assemblies, databases, logs. The rest is for what it opens now and then.
    private const int OfTheProgram = 400;

    // Pipes, and what the runtime keeps about a child process.
    private const int OfOneNode = 6;

    // With fewer, page, readers and uploads of even one user get in each other's way.
    private const int FewestConnections = 32;

    /// <summary>The budget of a process.</summary>
    /// <param name="openFiles">How many files it may have open; null where the system sets no limit.</param>
    /// <param name="tier">The settings.</param>
    /// <param name="childProcesses">App nodes that run as child processes of this one, at most.</param>
    /// <exception cref="InvalidSettingException">The limit is too low to serve anyone.</exception>
    public static ConnectionBudget Of(long? openFiles, WebTierSettings tier, int childProcesses)
    {
        var (connections, subscribers) = (tier.Edge.MaxConnections, tier.Results.MaxSubscribers);
        // An upload and a picture that is read hold a file, or a connection to S3, besides their own connection.
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

    /// <summary>The settings within this budget.</summary>
    public WebTierSettings Limit(WebTierSettings tier) => tier with
    {
        Edge = tier.Edge with { MaxConnections = MaxConnections },
        Results = tier.Results with { MaxSubscribers = MaxSubscribers },
    };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
