using System.Collections.Concurrent;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Refusals;

/// <summary>
/// The calls that the store or a queue refuses permanently. A refusal counts until the same call succeeds, or until two
/// minutes after the last refusal: some calls are made for uploads only, and a load balancer sends none while the tier
/// is not ready. Thread-safe.
/// </summary>
internal sealed class PortRefusals(TimeProvider time, ILogger<PortRefusals> log)
{
    private static readonly TimeSpan CountsFor = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<PortCall, TimeSpan> _refusedAt = new();

    /// <summary>Whether any call is refused.</summary>
    public bool Any => Current().Any();

    /// <summary>Whether a call that uploads need is refused.</summary>
    public bool StopsUploads => Current().Any(call => call.IsNeededForUploads);

    /// <summary>Makes a call and records whether it is refused.</summary>
    public async Task<T> WatchAsync<T>(PortCall call, Func<Task<T>> make)
    {
        try
        {
            var answer = await make().ConfigureAwait(false);
            if (RefusalIn(answer) is { } refusal) Refused(call, refusal);
            else Allowed(call);
            return answer;
        }
        catch (Exception failure) when (failure is IPermanentRefusal)
        {
            Refused(call, failure.Message);
            throw;
        }
    }

    private static string? RefusalIn<T>(T answer) => answer is IReadOnlyList<QueueOutcome> outcomes
        ? outcomes.FirstOrDefault(outcome => outcome.Kind == QueueOutcomeKind.Refused)?.Reason
        : null;

    private IEnumerable<PortCall> Current()
    {
        var now = time.GetMonotonic();
        return _refusedAt.Where(refused => now - refused.Value < CountsFor).Select(refused => refused.Key);
    }

    private void Refused(PortCall call, string reason)
    {
        var isNew = !_refusedAt.ContainsKey(call);
        _refusedAt[call] = time.GetMonotonic();
        if (isNew)
            log.LogError("{Call} is refused until a permission or a setting is corrected: {Reason}", call, reason);
    }

    private void Allowed(PortCall call)
    {
        if (_refusedAt.TryRemove(call, out _)) log.LogInformation("{Call} is no longer refused", call);
    }
}
