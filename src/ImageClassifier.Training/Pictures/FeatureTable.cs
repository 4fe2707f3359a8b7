namespace ImageClassifier.Training.Pictures;

/// <summary>The features of all usable pictures.</summary>
/// <param name="Folder">The folder of the pictures.</param>
/// <param name="Files">The usable files.</param>
/// <param name="Rows">The features of each, divided by their Euclidean norm.</param>
/// <param name="LeftOut">The other files, in the order of their names.</param>
public sealed record FeatureTable(
    TrainingFolder Folder,
    IReadOnlyList<ClassFile> Files,
    IReadOnlyList<float[]> Rows,
    IReadOnlyList<LeftOutFile> LeftOut)
{
    /// <summary>The class of each usable picture.</summary>
    public IReadOnlyList<int> Labels { get; } = [.. Files.Select(file => file.Class)];

    /// <summary>Computes the features of a folder, with one picture for each core at once.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="extract">Computes the features of one picture.</param>
    /// <param name="progress">Receives the share of the files that are done.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="Core.InvalidSettingException">Too few pictures are usable.</exception>
    public static FeatureTable Compute(
        TrainingFolder folder, ExtractFeatures extract, Action<double> progress, CancellationToken cancellation)
    {
        var outcomes = new Extraction[folder.Files.Count];
        var done = 0;
        Parallel.For(
            0,
            outcomes.Length,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation },
            i =>
            {
                outcomes[i] = extract(folder.Files[i].Path, cancellation);
                progress((double)Interlocked.Increment(ref done) / outcomes.Length);
            });
        return Collect(folder, outcomes);
    }

    private static FeatureTable Collect(TrainingFolder folder, Extraction[] outcomes)
    {
        var (files, rows, leftOut) = (new List<ClassFile>(), new List<float[]>(), new List<LeftOutFile>(folder.Stray));
        var firsts = new Dictionary<string, ClassFile>();
        for (var i = 0; i < outcomes.Length; i++)
        {
            var file = folder.Files[i];
            switch (outcomes[i])
            {
                case Extraction.Refused refused:
                    leftOut.Add(new LeftOutFile(file.Name, refused.Reason, IsFault: true));
                    break;
                // A copy in the held-out part would be measured with a picture of the training part.
                case Extraction.Extracted copy when firsts.TryGetValue(copy.ContentHash, out var first):
                    leftOut.Add(first.Class == file.Class
                        ? new LeftOutFile(file.Name, $"It is a copy of {first.Name}.", IsFault: false)
                        : new LeftOutFile(file.Name,
                            $"It is a copy of {first.Name}, which is in another class. Delete the wrong one.", IsFault: true));
                    break;
                case Extraction.Extracted extracted:
                    firsts.Add(extracted.ContentHash, file);
                    files.Add(file);
                    rows.Add(Unit(extracted.Features));
                    break;
                default:
                    throw new InvalidOperationException("An extraction has two outcomes.");
            }
        }

        folder.Check([.. files.Select(file => file.Class)]);
        return new FeatureTable(
            folder, files, rows, [.. leftOut.OrderBy(file => file.File, StringComparer.Ordinal)]);
    }

    private static float[] Unit(float[] features)
    {
        var norm = Math.Sqrt(features.Sum(feature => (double)feature * feature));
        // Features that are all zero stay so, as in the network.
        return norm > 0 ? [.. features.Select(feature => (float)(feature / norm))] : features;
    }
}
