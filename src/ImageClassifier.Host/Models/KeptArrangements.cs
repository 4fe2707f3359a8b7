using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Tuning;

namespace ImageClassifier.Host.Models;

/// <summary>The measured arrangements of this machine: a file for each model. A file that is missing, damaged or from
/// other circumstances counts as no measurement. All nodes of the machine share the files.</summary>
/// <param name="folder">The folder of the files, which is created when needed; null to keep nothing.</param>
/// <param name="runtime">The version of the program's ONNX Runtime.</param>
internal sealed class KeptArrangements(string? folder, string runtime)
{
    // The file of a machine with 256 cores takes a tenth of it.
    private const int LargestFile = 1 << 16;

    /// <summary>The files of this machine.</summary>
    /// <param name="layout">The data folder that the nodes of this machine share; null on a machine without one.</param>
    /// <param name="service">The value of <see cref="ModelCache.ServiceVariable"/>; null if it is not set.</param>
    /// <param name="runtime">The version of the program's ONNX Runtime.</param>
    public static KeptArrangements Of(EmbeddedLayout? layout, string? service, string runtime)
    {
        // No name of a model begins with a dot.
        if (layout is not null) return new KeptArrangements(Path.Combine(layout.Models, ".arrangements"), runtime);
        return new KeptArrangements(
            service is { Length: > 0 } ? Path.Combine(service.Split(':')[0], "arrangements") : null, runtime);
    }

    /// <summary>The chosen arrangement of a model; null if none was measured with this program, these settings and as
    /// many cores.</summary>
    public RunArrangement? Find(ModelIdentity model, ArrangementSettings settings)
    {
        if (folder is null) return null;
        try
        {
            var file = new FileInfo(FileOf(model));
            // A pipe has no length, and reading it would never end.
            if (!file.Exists || file.Length is 0 or > LargestFile) return null;
            var kept = WireJson.TryRead<Kept>(File.ReadAllText(file.FullName));
            var isCurrent = kept is not null && kept.Sha256 == model.Sha256 && kept.Runtime == runtime
                && kept.Settings == settings && kept.Measured is { Count: > 0 }
                && kept.Measured.All(arrangement => arrangement is { PicturesPerSecond: > 0 and < double.PositiveInfinity }
                    && settings.Allows(arrangement));
            return isCurrent ? new ArrangementReport(kept!.Measured, TimeSpan.Zero).Chosen : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a measurement. The file appears whole.</summary>
    /// <returns>Why it could not be kept; null if it was, or if nothing is kept.</returns>
    public string? Keep(ModelIdentity model, ArrangementSettings settings, ArrangementReport report)
    {
        if (folder is null) return null;
        var unfinished = $"{FileOf(model)}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(unfinished, WireJson.Write(new Kept(model.Sha256, runtime, settings, report.Measured)));
            File.Move(unfinished, FileOf(model), overwrite: true);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure.Message;
        }
    }

    /// <summary>Keeps the other nodes of this machine from measuring at the same time.</summary>
    /// <param name="turn">Ends the turn when it is disposed of. Null if the folder cannot be written, so that no node can
    /// tell.</param>
    /// <returns>False if another node measures.</returns>
    public bool TryTakeTurn(out IDisposable? turn)
    {
        turn = null;
        if (folder is null) return true;
        try
        {
            Directory.CreateDirectory(folder);
            turn = ExclusiveFileLock.TryTake(Path.Combine(folder, "measuring.lock"));
            return turn is not null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private string FileOf(ModelIdentity model) => Path.Combine(folder!, $"{model.Sha256}.json");

    private sealed record Kept(
        string Sha256, string Runtime, ArrangementSettings Settings, IReadOnlyList<RunArrangement> Measured);
}
