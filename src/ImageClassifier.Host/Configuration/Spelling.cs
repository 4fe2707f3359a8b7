namespace ImageClassifier.Host.Configuration;

/// <summary>Finds the most likely correct spelling of a word.</summary>
internal static class Spelling
{
    /// <summary>The candidate nearest to a word; null if none is within <paramref name="limit"/> edits.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates, int limit) =>
        candidates.Select(candidate => (candidate, distance: Distance(word, candidate)))
            .Where(found => found.distance <= limit)
            .OrderBy(found => found.distance)
            .Select(found => found.candidate)
            .FirstOrDefault();

    /// <summary>The Levenshtein distance of two words.</summary>
    public static int Distance(string left, string right)
    {
        var previous = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var current = new int[right.Length + 1];
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var changed = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                current[j] = Math.Min(changed, Math.Min(previous[j], current[j - 1]) + 1);
            }

            previous = current;
        }

        return previous[^1];
    }
}
