using System.Globalization;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Node.Tuning;

/// <summary>The measured arrangements of a model on this machine.</summary>
/// <param name="Measured">At least one arrangement, each with its figure.</param>
/// <param name="Took">The duration of the measurement.</param>
public sealed record ArrangementReport(IReadOnlyList<RunArrangement> Measured, TimeSpan Took)
{
    /// <summary>A figure must be higher by more than this factor to justify more memory, latency or threads. Measurements
    /// of the same arrangement differ by about as much.</summary>
    public const double WorthwhileGain = 1.03;

    /// <summary>The arrangement with the most pictures a second. Of those that are within
    /// <see cref="WorthwhileGain"/> of it, the one with the smallest batch, and then with the fewest threads.</summary>
    public RunArrangement Chosen
    {
        get
        {
            var best = Measured.Max(arrangement => arrangement.PicturesPerSecond);
            return Measured.Where(arrangement => arrangement.PicturesPerSecond * WorthwhileGain >= best)
                .OrderBy(arrangement => arrangement.Batch)
                .ThenBy(arrangement => arrangement.Threads)
                .First();
        }
    }

    /// <summary>The figures in one line.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"classifiers x threads x batch {Chosen} is best, measured in {Took.TotalMilliseconds:0} ms: "
        + $"{string.Join(", ", Measured)}");
}
