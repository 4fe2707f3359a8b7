using System.Text.RegularExpressions;
using ImageClassifier.Core;

namespace ImageClassifier.Host.Logging;

/// <summary>Keeps the ids of batches out of texts: whoever has one may read and delete the batch.</summary>
internal static partial class RedactedBatchIds
{
    /// <summary>The text with each batch's <see cref="BatchId.LogReference"/> in place of its id. An id is known by
    /// what is before it: a word such as <c>Batch</c>, a store's key, a file's path, a call's address. Ids of jobs
    /// stay, because they give no right.</summary>
    public static string In(string text) =>
        Id().Replace(text, id => BatchId.Parse(id.Value.ToLowerInvariant()).LogReference);

    [GeneratedRegex(
        @"(?<=(batch|batches|batchId|images|results|suspects|open)[^0-9A-Za-z]{1,4})[0-9a-f]{32}(?![0-9a-f])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}
