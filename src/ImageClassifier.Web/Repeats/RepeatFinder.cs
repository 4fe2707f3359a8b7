using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Models;

namespace ImageClassifier.Web.Repeats;

/// <summary>Finds the pictures of an upload that were classified before by the model that the upload gets.</summary>
internal sealed class RepeatFinder(
    RepeatSharing sharing, KnownModels known, RepeatIndex index, RepeatRecords records)
{
    /// <summary>Begins to read what other web nodes know, while the pictures arrive.</summary>
    public void Prepare()
    {
        if (sharing != RepeatSharing.Off) _ = records.BeginLook();
    }

    /// <summary>Names the original of each repeated picture.</summary>
    /// <param name="jobs">The files of the upload.</param>
    /// <param name="model">The model of its batch.</param>
    /// <param name="key">The name of its key; null without keys.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<FoundRepeats> FindAsync(
        IReadOnlyList<ManifestJob> jobs, ChosenModel model, string? key, CancellationToken cancellation)
    {
        // If nodes have models of their own that nobody here knows, nothing could use the batch's results either.
        if (sharing == RepeatSharing.Off || (model.Model is null && known.OfSetting is null))
            return new FoundRepeats(jobs, Scope: null);
        var scope = ScopeOf(key);
        var sha256 = model.Model is null ? known.OfSetting!.Sha256 : model.IsUsable ? model.Model.Sha256 : null;
        if (sha256 is null) return new FoundRepeats(jobs, scope);
        await records.LookAsync(cancellation);
        return new FoundRepeats(
            [
                .. jobs.Select(job => job is { ImageKey: not null, Sha256: { } picture }
                    && index.Find(scope, sha256, picture) is { } original
                        ? job with { RepeatOf = original }
                        : job),
            ],
            scope);
    }

    // No name of a key is empty.
    private static string ScopeOf(string? key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key ?? "")));
}

/// <summary>The files of an upload with the originals of repeated pictures.</summary>
/// <param name="Jobs">The files.</param>
/// <param name="Scope">The <see cref="BatchManifest.RepeatScope"/> of their batch.</param>
internal sealed record FoundRepeats(IReadOnlyList<ManifestJob> Jobs, string? Scope);
