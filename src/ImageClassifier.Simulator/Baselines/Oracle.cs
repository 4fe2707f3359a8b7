using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;

namespace ImageClassifier.Simulator.Baselines;

/// <summary>
/// A launch schedule found with knowledge of all arrivals: the cheapest found with every result within the target. It
/// has the same boots, cap, idle rule and minimum charge as the policies, and no launch before the first arrival.
/// Unlike a scaler, it launches exactly on time and ahead of the arrivals. If the cap or the boot makes the target
/// impossible, the slowest result comes first and the cost second.
/// </summary>
/// <remarks>
/// The search starts with the launches of the policies and of a greedy rule. The greedy rule runs until a result is
/// late, and adds the launch that delays the next late result the longest, as late as possible. Then it runs again. The
/// best start is improved one group of launches at a time: later, earlier, fewer, more, fewer and earlier, merged with
/// the next. The model judges every step. The search need not find the optimum, only a schedule that is hard to beat.
/// </remarks>
internal sealed class Oracle
{
    // The limit of the latency policy. With a shorter horizon an instance works hardly longer than it boots.
    private const double LeastHorizonPerBoot = 1.25;
    private const double RunsTimesPictures = 60e6;
    private const int FewestRuns = 100;
    private const int MostRuns = 600;

    private readonly SimulationModel _model;
    private readonly Arrivals _arrivals;
    private readonly int _seed;
    private readonly CancellationToken _cancellation;
    private readonly long _target;
    private readonly long _boot;
    private readonly long[] _steps;
    private int _runsLeft;

    private Oracle(SimulationModel model, Arrivals arrivals, int seed, CancellationToken cancellation)
    {
        _model = model;
        _arrivals = arrivals;
        _seed = seed;
        _cancellation = cancellation;
        _boot = model.Boot.Median.Ticks;
        _target = Math.Max(model.Scaling.Latency.Target.Ticks, (long)(_boot * LeastHorizonPerBoot));
        // On a long load, seconds cost almost nothing and every run takes long.
        var isLong = arrivals.Ticks[^1] - arrivals.Ticks[0] > TimeSpan.TicksPerHour;
        int[] seconds = isLong ? [4096, 512, 64] : [64, 16, 4, 1];
        _steps = [.. seconds.Select(step => step * TimeSpan.TicksPerSecond)];
        _runsLeft = (int)Math.Clamp(RunsTimesPictures / arrivals.Count, FewestRuns, MostRuns);
    }

    /// <summary>Searches for the schedule, and runs it.</summary>
    /// <param name="model">The deployment.</param>
    /// <param name="arrivals">The load.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="known">Schedules from other runs.</param>
    /// <param name="cancellation">Stops the search.</param>
    public static SimulationReport Run(
        SimulationModel model,
        Arrivals arrivals,
        int seed,
        IEnumerable<IReadOnlyList<ScheduledLaunch>> known,
        CancellationToken cancellation)
    {
        var oracle = new Oracle(model, arrivals, seed, cancellation);
        var best = oracle.Search(known);
        var (cloud, _) = Simulation.RunSchedule(model, arrivals, seed, best, long.MaxValue, cancellation);
        return SimulationReport.Create(cloud, arrivals);
    }

    private List<ScheduledLaunch> Search(IEnumerable<IReadOnlyList<ScheduledLaunch>> known)
    {
        var best = new Found([], Score.Worst);
        foreach (var schedule in known) Improve(ref best, [.. schedule]);
        Improve(ref best, Greedy());
        // A policy launches one instance at a time where a schedule has one group. Both forms are improved.
        while (ImproveOnce(ref best) && _runsLeft > 0)
        {
        }

        return best.Schedule;
    }

    private bool ImproveOnce(ref Found best)
    {
        var hasImproved = false;
        for (var group = 0; group < best.Schedule.Count; group++)
        {
            foreach (var step in _steps)
            {
                if (RepeatWhileBetter(ref best, group, step)) hasImproved = true;
                else hasImproved |= RepeatWhileBetter(ref best, group, -step);
            }

            if (group >= best.Schedule.Count) break;
            foreach (var more in (int[])[-best.Schedule[group].Count, -best.Schedule[group].Count / 4, -1, 1])
            {
                if (group >= best.Schedule.Count) break;
                hasImproved |= more != 0 && Improve(ref best, WithMore(best.Schedule, group, more));
            }

            // A group that is launched earlier needs fewer instances. Either step alone would make it worse.
            foreach (var share in (double[])[1, 0.75, 0.5, 0.25])
            {
                if (group < best.Schedule.Count && best.Schedule[group].Count > 1)
                    hasImproved |= ImproveByFewerBefore(ref best, group, (long)(_boot * share));
            }

            if (group + 1 < best.Schedule.Count) hasImproved |= Improve(ref best, WithNext(best.Schedule, group));
        }

        return hasImproved;
    }

    private bool ImproveByFewerBefore(ref Found best, int group, long earlier)
    {
        var moved = Moved(best.Schedule, group, -earlier);
        var hasImproved = false;
        var (tooFew, enough) = (0, moved[group].Count);
        while (enough - tooFew > 1)
        {
            var middle = (tooFew + enough) / 2;
            var isEnough = Improve(ref best, WithMore(moved, group, middle - moved[group].Count));
            hasImproved |= isEnough;
            if (isEnough) enough = middle;
            else tooFew = middle;
        }

        return hasImproved;
    }

    private bool RepeatWhileBetter(ref Found best, int group, long step)
    {
        var hasImproved = false;
        while (group < best.Schedule.Count && Improve(ref best, Moved(best.Schedule, group, step))) hasImproved = true;
        return hasImproved;
    }

    private static List<ScheduledLaunch> Moved(List<ScheduledLaunch> schedule, int group, long step)
    {
        var moved = new List<ScheduledLaunch>(schedule);
        moved[group] = moved[group] with { At = moved[group].At + step };
        return moved;
    }

    private static List<ScheduledLaunch> WithMore(List<ScheduledLaunch> schedule, int group, int more)
    {
        var changed = new List<ScheduledLaunch>(schedule);
        changed[group] = changed[group] with { Count = changed[group].Count + more };
        return changed;
    }

    private static List<ScheduledLaunch> WithNext(List<ScheduledLaunch> schedule, int group)
    {
        var changed = new List<ScheduledLaunch>(schedule);
        changed[group] = changed[group] with { Count = changed[group].Count + changed[group + 1].Count };
        changed.RemoveAt(group + 1);
        return changed;
    }

    private bool Improve(ref Found best, List<ScheduledLaunch> schedule)
    {
        if (_runsLeft <= 0 && best.Schedule.Count > 0) return false;
        var tidy = Tidy(schedule);
        if (tidy.SequenceEqual(best.Schedule)) return false;
        var deadline = best.Score.Lateness == long.MaxValue ? long.MaxValue : _target + best.Score.Lateness;
        var outcome = Evaluate(tidy, deadline);
        if (outcome.Score.CompareTo(best.Score) >= 0) return false;
        best = new Found(tidy, outcome.Score);
        return true;
    }

    /// <summary>Adds launches until no result is late, or more launches do not help.</summary>
    private List<ScheduledLaunch> Greedy()
    {
        var schedule = new List<ScheduledLaunch>();
        var late = new Late(_arrivals.Ticks[0] - 1);
        while (_runsLeft > MostRuns / 10)
        {
            List<ScheduledLaunch>? bestNext = null;
            var bestLate = late;
            foreach (var at in CandidatesFor(late))
            {
                var next = Tidy([.. schedule, new ScheduledLaunch(at, 1)]);
                var outcome = Evaluate(next, _target);
                if (outcome.Late is null) return next;
                // The latest is tried first, so that an earlier launch must prove better.
                var isWorth = bestLate.Arrival + (bestNext is null ? 0 : TimeSpan.TicksPerSecond);
                if (outcome.Late.Value.Arrival <= isWorth) continue;
                (bestNext, bestLate) = (next, outcome.Late.Value);
            }

            if (bestNext is null) break;
            (schedule, late) = (bestNext, bestLate);
        }

        return schedule;
    }

    private IEnumerable<long> CandidatesFor(Late late)
    {
        var first = _arrivals.Ticks[0];
        var latest = late.Arrival + _target - _boot - _model.Service.Median.Ticks;
        var last = long.MaxValue;
        foreach (var before in (double[])[0, 0.1, 0.25, 0.5, 1, 2, 4, 10])
        {
            var at = Math.Max(first, latest - (long)(before * _target));
            if (at == last) yield break;
            yield return last = at;
        }
    }

    private Outcome Evaluate(List<ScheduledLaunch> schedule, long deadline)
    {
        _runsLeft--;
        var (cloud, isComplete) = Simulation.RunSchedule(_model, _arrivals, _seed, schedule, deadline, _cancellation);
        var recorder = cloud.Recorder;
        if (!isComplete)
        {
            var latency = recorder.MissedDeadline ? recorder.Latencies[recorder.Results - 1] : 0;
            var arrival = recorder.MissedDeadline
                ? recorder.LastResultAt - latency
                : _arrivals.Ticks[cloud.Queue.Oldest];
            return new Outcome(Score.Worst, new Late(arrival));
        }

        var slowest = recorder.Latencies.Max();
        // A lateness below a percent of the target is not worth money.
        var grain = _target / 100;
        var lateness = slowest <= _target ? 0 : (slowest - _target + grain - 1) / grain * grain;
        return new Outcome(new Score(lateness, cloud.Fleet.BilledHours), null);
    }

    private List<ScheduledLaunch> Tidy(List<ScheduledLaunch> schedule)
    {
        var first = _arrivals.Ticks[0];
        return
        [
            .. from launch in schedule
               where launch.Count > 0
               group launch.Count by Math.Max(first, launch.At) into together
               orderby together.Key
               select new ScheduledLaunch(together.Key, together.Sum()),
        ];
    }

    private readonly record struct Found(List<ScheduledLaunch> Schedule, Score Score);

    private readonly record struct Late(long Arrival);

    private readonly record struct Outcome(Score Score, Late? Late);

    /// <summary>Ranks schedules: by lateness first, then by cost.</summary>
    private readonly record struct Score(long Lateness, double Hours) : IComparable<Score>
    {
        public static Score Worst { get; } = new(long.MaxValue, double.MaxValue);

        public int CompareTo(Score other) =>
            Lateness != other.Lateness ? Lateness.CompareTo(other.Lateness) : Hours.CompareTo(other.Hours);
    }
}
