using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Node.Tuning;

/// <summary>The arrangements that the settings allow. A value that is <c>auto</c> is null, and is chosen by a
/// measurement.</summary>
/// <param name="Classifiers">The number of runs at once (<c>classifiers</c>).</param>
/// <param name="Threads">The number of threads of each run (<c>threads</c>).</param>
/// <param name="Batch">The most pictures of a run (<c>max-batch</c>).</param>
/// <param name="Cores">The number of cores of the node's machine.</param>
public sealed record ArrangementSettings(int? Classifiers, int? Threads, int? Batch, int Cores)
{
    // No machine has more cores.
    private const int MostCores = 256;

    private const int MostPictures = 1024;

    // Until a measurement says more. A batch of 4 is within some percent of the best on one core and on many.
    private const int UnmeasuredBatch = 4;

    // Larger batches take memory, and no measured model gained from them.
    private static readonly int[] Batches = [1, 2, 4, 8, 16];

    /// <summary>The arrangement before any measurement.</summary>
    public RunArrangement Default
    {
        get
        {
            var classifiers = Classifiers ?? (Threads is { } threads ? Cores / threads : 1);
            return new RunArrangement(classifiers, Threads ?? Cores / classifiers, Batch ?? UnmeasuredBatch);
        }
    }

    /// <summary>The largest batch that may be chosen.</summary>
    public int LargestBatch => Batch ?? Batches[^1];

    /// <summary>Reads <c>classifiers</c>, <c>threads</c> and <c>max-batch</c> of
    /// <c>image-classifier.node.classification</c>.</summary>
    /// <param name="config">The whole configuration.</param>
    /// <param name="cores">The number of cores of the node's machine; null if the node runs on another machine.</param>
    /// <exception cref="InvalidSettingException">A value is wrong, or the threads are more than the cores.</exception>
    public static ArrangementSettings Create(Config config, int? cores)
    {
        const string Key = "classifiers";
        var section = new SettingsSection(config, "image-classifier.node.classification");
        var most = cores ?? MostCores;
        var classifiers = section.WholeNumberCoresOrAuto(Key, 1, MostCores, most);
        var threads = section.WholeNumberCoresOrAuto("threads", 1, MostCores, most);
        if ((classifiers ?? 1) * (threads ?? 1) > most)
        {
            var machine = cores is null ? "any machine has" : $"this machine has ({cores})";
            throw new InvalidSettingException(
                section.FullKey(Key),
                section.Text(Key),
                $"with threads = {section.Text("threads")} they need more cores than {machine}; lower one of the two");
        }

        var batch = section.WholeNumberOrAuto("max-batch", 1, MostPictures);
        return new ArrangementSettings(classifiers, threads, batch, most);
    }

    /// <summary>True if the settings allow an arrangement, which may come from a damaged file. Its batch can be smaller than
    /// a pinned one: some models take no more.</summary>
    public bool Allows(RunArrangement arrangement) =>
        arrangement is { Classifiers: > 0, Threads: > 0, Batch: > 0 }
        && (Classifiers ?? arrangement.Classifiers) == arrangement.Classifiers
        && (Threads ?? arrangement.Threads) == arrangement.Threads
        && arrangement.Batch <= (Batch ?? MostPictures)
        && (long)arrangement.Classifiers * arrangement.Threads <= Cores;

    /// <summary>The allowed arrangements that use the cores fully, for a batch of one. The default is first, because a slow
    /// model leaves no time for others. Then those with the fewest threads, because small models gain from them.</summary>
    public IReadOnlyList<RunArrangement> Shapes() =>
    [
        .. Enumerable.Range(1, Cores).Where(threads => Threads is null && Cores % threads == 0)
            .Prepend(Default.Threads).Distinct()
            .Select(threads => new RunArrangement(Classifiers ?? Cores / threads, threads, 1))
            .Where(shape => shape.Classifiers * shape.Threads <= Cores),
    ];

    /// <summary>The allowed batches, the smallest first.</summary>
    /// <param name="most">The most pictures that the model takes at once. A model with a fixed batch always runs that
    /// many.</param>
    public IReadOnlyList<int> BatchesUpTo(int most) =>
        Batch is { } pinned ? [Math.Min(pinned, most)] : [.. Batches.Where(batch => batch < most), most];
}
