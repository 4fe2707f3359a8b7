using System.Text.RegularExpressions;
using ImageClassifier.Core;

namespace ImageClassifier.Host.Logging;

/// <summary>Removes batch ids from texts, because everyone with an id can read and delete the batch.</summary>
internal static partial class RedactedBatchIds
{
    /// <summary>Replaces the id of each batch in a text by its <see cref="BatchId.LogReference"/>. The text before an
    /// id shows that it is a batch's: a word such as <c>Batch</c>, a key, a path or an address. Ids of jobs stay,
    /// because they give no access.</summary>
    public static string In(string text) =>
        Id().Replace(text, id => BatchId.Parse(id.Value.ToLowerInvariant()).LogReference);

    [GeneratedRegex(
        @"(?<=(batch|batches|batchId|images|results|suspects|open)[^0-9A-Za-z]{1,4})[0-9a-f]{32}(?![0-9a-f])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}
