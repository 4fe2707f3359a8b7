using System.Text.RegularExpressions;
using ImageClassifier.Core;

namespace ImageClassifier.Host.Logging;

/// <summary>Keeps batch ids out of texts, because anyone with an id may read and delete the batch.</summary>
internal static partial class RedactedBatchIds
{
    /// <summary>The text with each batch's <see cref="BatchId.LogReference"/> in place of its id. The text
    /// before an id shows what it is: a word such as <c>Batch</c>, a key, a path or an address. Ids of jobs stay,
    /// because they give no access.</summary>
    public static string In(string text) =>
        Id().Replace(text, id => BatchId.Parse(id.Value.ToLowerInvariant()).LogReference);

    [GeneratedRegex(
        @"(?<=(batch|batches|batchId|images|results|suspects|open)[^0-9A-Za-z]{1,4})[0-9a-f]{32}(?![0-9a-f])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}
