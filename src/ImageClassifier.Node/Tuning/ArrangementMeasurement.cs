using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Tuning;

/// <summary>Measures on this machine how many pictures a second a model classifies in each arrangement.</summary>
/// <param name="open">Loads the model for runs with a number of threads. The measurement disposes of it.</param>
/// <param name="time">Measures the runs.</param>
public sealed class ArrangementMeasurement(Func<int, IImageClassifier> open, TimeProvider time)
{
    /// <summary>After this time no further arrangement is measured.</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromSeconds(1);

    // The fastest of a few runs leaves out what else the machine does meanwhile.
    private const int TimedRuns = 5;

    // A small grey picture. The time of a run does not depend on what is on the picture.
    private static readonly byte[] Picture = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAOElEQVR42mNgUPXKn7LzHjNDdMPSU+9FLOMYtt2GiDEImkHEGHImQsQYjr+B"
        + "iDEouUPEGGoXQcQAAwQdAfzkokUAAAAASUVORK5CYII=");

    private readonly long _started = time.GetTimestamp();

    private TimeSpan Elapsed => time.GetElapsedTime(_started);

    /// <summary>Measures the allowed arrangements, until the time is up. All are measured with their smallest batch first.
    /// A larger batch is tried while the last one was worth it. Blocks.</summary>
    /// <returns>Null if the settings and the model allow a single arrangement.</returns>
    /// <exception cref="OperationCanceledException">The measurement was cancelled. A run under way ends first.</exception>
    public ArrangementReport? Run(ArrangementSettings settings, CancellationToken cancellation)
    {
        var contenders = new List<Contender>();
        try
        {
            var shapes = settings.Shapes();
            foreach (var shape in shapes.TakeWhile((_, index) => index == 0 || Elapsed < Budget))
            {
                cancellation.ThrowIfCancellationRequested();
                var model = open(shape.Threads);
                contenders.Add(new Contender(shape, model, settings.BatchesUpTo(model.PreferredBatchSize)));
                if (shapes.Count == 1 && contenders[0].Batches.Count == 1) return null;
                Measure(contenders[^1], cancellation);
            }

            while (Elapsed < Budget && contenders.Where(contender => contender.MayGain).ToArray() is { Length: > 0 } rest)
                foreach (var contender in rest.TakeWhile(_ => Elapsed < Budget)) Measure(contender, cancellation);
        }
        finally
        {
            foreach (var contender in contenders) contender.Model.Dispose();
        }

        RunArrangement[] measured = [.. contenders.SelectMany(contender => contender.Measured)];
        return measured.Length > 0 ? new ArrangementReport(measured, Elapsed) : null;
    }

    private void Measure(Contender contender, CancellationToken cancellation)
    {
        var arrangement = contender.Shape with { Batch = contender.Batches[contender.Measured.Count] };
        var pictures = new List<DecodedPicture>();
        try
        {
            // Runs at the same time must not share a picture.
            for (var i = 0; i < arrangement.Classifiers; i++)
            {
                if (contender.Model.Decode(Picture) is not Decoding.Decoded decoded)
                    throw new InvalidOperationException("The model refused the picture of the measurement.");
                pictures.Add(decoded.Picture);
            }

            var fastest = FastestRun(
                [.. pictures.Select(picture => Enumerable.Repeat(picture, arrangement.Batch).ToArray())],
                contender.Model, cancellation);
            var rate = arrangement.Classifiers * arrangement.Batch / fastest.TotalSeconds;
            contender.Measured.Add(arrangement with { PicturesPerSecond = Math.Round(rate, 1) });
        }
        finally
        {
            foreach (var picture in pictures) picture.Dispose();
        }
    }

    /// <summary>The shortest time in which all classifiers complete a run at once.</summary>
    private TimeSpan FastestRun(
        DecodedPicture[][] runs, IImageClassifier model, CancellationToken cancellation)
    {
        var ends = new List<long>();
        var isOver = false;
        using var together = new Barrier(runs.Length, _ =>
        {
            ends.Add(time.GetTimestamp());
            // The first run makes memory and threads ready, and is not timed.
            var timed = ends.Count - 1;
            isOver = timed == TimedRuns || (timed > 0 && Elapsed >= Budget);
        });
        var classifiers = runs.Select(run => Task.Factory.StartNew(
            () =>
            {
                try
                {
                    while (!isOver && !cancellation.IsCancellationRequested)
                    {
                        model.Classify(run);
                        together.SignalAndWait(CancellationToken.None);
                    }
                }
                finally
                {
                    // The others must not wait for a classifier that failed.
                    together.RemoveParticipant();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        Task.WhenAll(classifiers).GetAwaiter().GetResult();
        cancellation.ThrowIfCancellationRequested();
        return ends.Zip(ends.Skip(1), time.GetElapsedTime).Min();
    }

    /// <summary>A loaded model for one shape, with its figures for growing batches.</summary>
    private sealed record Contender(RunArrangement Shape, IImageClassifier Model, IReadOnlyList<int> Batches)
    {
        public List<RunArrangement> Measured { get; } = [];

        /// <summary>True if a larger batch is left, and the last one was worth its memory.</summary>
        public bool MayGain => Measured.Count < Batches.Count
            && (Measured.Count == 1
                || Measured[^1].PicturesPerSecond > Measured[^2].PicturesPerSecond * ArrangementReport.WorthwhileGain);
    }
}
