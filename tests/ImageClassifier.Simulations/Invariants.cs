using ImageClassifier.Core.Messages;
using ImageClassifier.Simulations.Cloud;
using Xunit;

namespace ImageClassifier.Simulations;

/// <summary>The invariants of every simulation.</summary>
internal static class Invariants
{
    /// <summary>Fails with the seed and the violations, if there are any.</summary>
    public static void AssertHold(Outcome outcome)
    {
        string[] broken =
        [
            .. Results(outcome), .. EndedInstances(outcome), .. Queues(outcome), .. Launches(outcome),
            .. Fleet(outcome),
        ];
        if (broken.Length == 0) return;
        Assert.Fail($"With seed {outcome.Scenario.Cloud.Seed} ({Seeds.Variable}):"
            + string.Concat(broken.Take(20).Select(line => $"{Environment.NewLine}  {line}")));
    }

    private static IEnumerable<string> Results(Outcome outcome)
    {
        foreach (var upload in outcome.Uploads)
        {
            if (!upload.IsFinished) yield return $"The client of batch {upload.Batch} never saw its end.";
            var seen = upload.Received.ToLookup(one => one.Result.JobId);
            foreach (var job in upload.Manifest.Accepted)
            {
                var stored = outcome.StoredResult(upload, job.Job);
                var mustFail = upload.Poison.Contains(job.Job) || upload.Undecodable.Contains(job.Job);
                var expected = mustFail ? JobStatus.Failed : JobStatus.Classified;
                if (stored is null)
                    yield return $"Job {job.Job} has no stored result.";
                else if (stored.Status != expected)
                    yield return $"Job {job.Job} is {stored.Status} rather than {expected}: {stored.Error?.Message}";
                if (!seen[job.Job].Any()) yield return $"The client never received the result of job {job.Job}.";
                foreach (var repeated in seen[job.Job].GroupBy(one => one.Epoch).Where(results => results.Count() > 1))
                {
                    yield return
                        $"Within epoch {repeated.Key} the client received job {job.Job} {repeated.Count()} times.";
                }

                if (seen[job.Job].Any(one => one.Result.InstanceId != stored?.InstanceId))
                    yield return $"The client received another result of job {job.Job} than the stored one.";
            }
        }
    }

    private static IEnumerable<string> EndedInstances(Outcome outcome)
    {
        var ends = outcome.Instances.ToDictionary(instance => instance.Id, instance => instance.EndedAt);
        foreach (var (result, storedAt) in outcome.StoredResults)
        {
            if (ends[result.InstanceId] is { } endedAt && storedAt > endedAt)
                yield return $"{result.InstanceId} stored a result {storedAt - endedAt} after its end.";
        }
    }

    private static IEnumerable<string> Queues(Outcome outcome)
    {
        if (outcome.World.Requests.All.Count is > 0 and var requests) yield return $"{requests} requests are left.";
        if (outcome.World.Responses.All.Count is > 0 and var responses) yield return $"{responses} responses are left.";
        if (outcome.World.Responses.DeadLetters.Count is > 0 and var deadResponses)
            yield return $"{deadResponses} responses went to the dead-letter queue.";
        if (outcome.World.Requests.DeadLetters.Count is > 0 and var deadRequests)
            yield return $"{deadRequests} requests went to the dead-letter queue.";
    }

    private static IEnumerable<string> Launches(Outcome outcome)
    {
        var scenario = outcome.Scenario;
        var first = scenario.Arrivals.Min(arrival => arrival.At);
        if (outcome.Launches.Count == 0 || outcome.Launches[0].At - first > scenario.FirstLaunchWithin)
            yield return $"The first launch came later than {scenario.FirstLaunchWithin} after the first upload.";
        if (!scenario.HasNoFaults || !scenario.KnowsServiceTime) yield break;
        var latest = scenario.LastArrival + scenario.LaunchesWithin;
        foreach (var (at, count) in outcome.Launches.Where(launch => launch.At > latest))
        {
            var after = at - scenario.LastArrival;
            yield return $"{count} were launched {after} after the last upload, and nothing had failed.";
        }
    }

    private static IEnumerable<string> Fleet(Outcome outcome)
    {
        if (outcome.MostLiving > outcome.MaxInstances)
            yield return $"{outcome.MostLiving} instances lived at once, and the cap is {outcome.MaxInstances}.";
        if (outcome.StillLiving > 0) yield return $"{outcome.StillLiving} instances never ended.";
        foreach (var instance in outcome.Instances)
        {
            if (instance is { End: InstanceEnd.ByItself, InHandAtEnd: > 0 and var inHand })
                yield return $"{instance.Id} ended itself with {inHand} messages in hand.";
            if (instance.MostInHand > outcome.World.NodeSettings.Polling.Source.MaxInFlight)
                yield return $"{instance.Id} had {instance.MostInHand} messages in hand at once.";
        }
    }
}
