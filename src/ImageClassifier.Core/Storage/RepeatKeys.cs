using System.Globalization;

namespace ImageClassifier.Core.Storage;

/// <summary>The keys of the records that say which pictures have results. They are in folders by the hour, so that a
/// reader lists only what is new.</summary>
public static class RepeatKeys
{
    /// <summary>The prefix of all records.</summary>
    public const string All = $"{ObjectKeys.Batches}repeats/";

    private const string Hour = "yyyyMMddHH";
    private const string Day = "yyyyMMdd";
    private const string Suffix = ".json";

    // A listing of a day costs little more than one of an hour, and 24 listings cost more than one.
    private static readonly TimeSpan LongestByHour = TimeSpan.FromHours(3);

    /// <summary>A new record. Its name begins with the time, so that the records of an hour are in order.</summary>
    /// <param name="now">The clock of the web node.</param>
    public static string NewRecord(DateTimeOffset now) => $"{OfHour(now)}{Guid.CreateVersion7(now):n}{Suffix}";

    /// <summary>True if the key is one of a record.</summary>
    public static bool IsRecord(string key) =>
        key.StartsWith(All, StringComparison.Ordinal) && key.EndsWith(Suffix, StringComparison.Ordinal)
        && OwnKeys.Contains(key);

    /// <summary>The prefix of the records of an hour.</summary>
    public static string OfHour(DateTimeOffset time) => $"{All}{Name(time, Hour)}/";

    /// <summary>The prefixes of the records between two times, in order.</summary>
    public static IEnumerable<string> Between(DateTimeOffset from, DateTimeOffset to)
    {
        var isByHour = to - from <= LongestByHour;
        var start = from.UtcDateTime.Date.AddHours(isByHour ? from.UtcDateTime.Hour : 0);
        var step = isByHour ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);
        for (var at = new DateTimeOffset(start, TimeSpan.Zero); at <= to; at += step)
            yield return isByHour ? OfHour(at) : $"{All}{Name(at, Day)}";
    }

    private static string Name(DateTimeOffset time, string format) =>
        time.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);
}
