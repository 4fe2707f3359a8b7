using System.Globalization;
using System.Text;
using CsvHelper;
using ImageClassifier.Core;

namespace ImageClassifier.Simulator.Loads;

/// <summary>
/// A simulated load, in the user's notation.
/// <list type="bullet">
/// <item><c>constant:20/s:10m</c>: arrivals at a constant rate for a time, as a Poisson process.</item>
/// <item><c>burst:300</c>: this many at once; <c>burst:1000@0,1000@90</c>: several bursts, each at its second.</item>
/// <item><c>diurnal:5/s</c>: a day (or <c>diurnal:5/s:2d</c>) from midnight with this mean rate. It is a Poisson
/// process whose rate is a sine, from a tenth of the mean at midnight to nearly twice the mean at noon.</item>
/// <item><c>csv:FILE</c>: a line for each arrival, with its second and optionally the number of pictures. A first line
/// of names is skipped.</item>
/// </list>
/// </summary>
public abstract class Load
{
    /// <summary>The most pictures of a run, which are all in memory.</summary>
    public const int MostPictures = 20_000_000;

    /// <summary>The allowed notations, in one line.</summary>
    public const string Allowed =
        "allowed is constant:20/s:10m, burst:300, burst:1000@0,1000@90, diurnal:5/s or diurnal:5/s:2d, csv:FILE;"
        + " rates are per s, m or h, times are in s, m, h or d";

    private const int ArrivalStream = 1;

    private static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    private Load(string text) => Text = text;

    /// <summary>The notation of the load.</summary>
    public string Text { get; }

    /// <summary>Parses a load.</summary>
    /// <param name="option">The option that an error names.</param>
    /// <param name="text">The text of the user.</param>
    /// <exception cref="InvalidSettingException">The text is not a load, or the load has too many pictures.</exception>
    public static Load Parse(string option, string text)
    {
        var parts = text.Split(':', 2);
        Load? load = parts switch
        {
            ["constant", var rest] => ParseRate(text, rest, isDiurnal: false, defaultTime: null),
            ["diurnal", var rest] => ParseRate(text, rest, isDiurnal: true, TimeSpan.FromDays(1)),
            ["burst", var rest] => ParseBursts(text, rest),
            ["csv", { Length: > 0 } file] => new Recorded(text, option, file),
            _ => null,
        };
        if (load is null) throw new InvalidSettingException(option, text, Allowed);
        if (load.Expected > MostPictures) throw TooMany(option, text);
        return load;
    }

    /// <summary>The expected number of pictures.</summary>
    private protected abstract double Expected { get; }

    /// <summary>Draws the arrivals.</summary>
    /// <param name="seed">The seed of the random numbers.</param>
    /// <exception cref="InvalidSettingException">There are no or too many pictures, or a file cannot be
    /// read.</exception>
    public abstract Arrivals Draw(int seed);

    private static InvalidSettingException TooMany(string option, string text) => new(
        option, text, string.Create(CultureInfo.InvariantCulture, $"a run has at most {MostPictures} pictures"));

    private static RatedLoad? ParseRate(string text, string rest, bool isDiurnal, TimeSpan? defaultTime)
    {
        var parts = rest.Split(':');
        var rate = parts[0].Split('/') is [var number, ("s" or "m" or "h") and var unit]
            && Units.TryParseNumber(number, out var count) && count > 0 && Units.TryParseTime($"1{unit}", out var per)
            ? count / per.TotalSeconds
            : double.NaN;
        var time = parts.Length switch
        {
            1 => defaultTime,
            2 when Units.TryParseTime(parts[1], out var given) && given > TimeSpan.Zero => given,
            _ => null,
        };
        return double.IsNaN(rate) || time is null || time > Longest
            ? null
            : new RatedLoad(text, rate, time.Value, isDiurnal);
    }

    private static Bursts? ParseBursts(string text, string rest)
    {
        var bursts = new List<(long At, int Count)>();
        foreach (var part in rest.Split(','))
        {
            var halves = part.Split('@');
            if (!int.TryParse(halves[0], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count < 1)
                return null;
            var at = 0.0;
            if (halves.Length > 2 || (halves.Length == 2 && !TryParseSeconds(halves[1], out at))) return null;
            bursts.Add(((long)(at * TimeSpan.TicksPerSecond), count));
        }

        return new Bursts(text, bursts);
    }

    // A number of seconds, with or without the unit.
    private static bool TryParseSeconds(string text, out double seconds)
    {
        if (Units.TryParseNumber(text, out seconds)) return seconds <= Longest.TotalSeconds;
        var isTime = Units.TryParseTime(text, out var time) && time <= Longest;
        seconds = time.TotalSeconds;
        return isTime;
    }

    private sealed class RatedLoad(string text, double perSecond, TimeSpan time, bool isDiurnal) : Load(text)
    {
        private const double Swing = 0.9;

        private protected override double Expected => perSecond * time.TotalSeconds;

        public override Arrivals Draw(int seed)
        {
            var random = new SeededRandom(seed, ArrivalStream);
            var highest = perSecond * (isDiurnal ? 1 + Swing : 1);
            var arrivals = new List<long>((int)Math.Min(Expected * 1.01 + 100, MostPictures));
            // Thinning (Lewis and Shedler, 1979): arrivals are drawn at the highest rate and kept in proportion to the
            // rate.
            for (var at = Gap(); at < time.TotalSeconds; at += Gap())
            {
                if (isDiurnal && random.NextDouble() * highest >= RateAt(at)) continue;
                arrivals.Add((long)(at * TimeSpan.TicksPerSecond));
            }

            // A short load with a low rate may draw no arrivals. It still is a load.
            if (arrivals.Count == 0) arrivals.Add(0);
            return Arrivals.Create(Text, [.. arrivals]);

            double Gap() => random.NextExponential() / highest;
        }

        private double RateAt(double seconds) =>
            perSecond * (1 - Swing * Math.Cos(2 * Math.PI * seconds / TimeSpan.FromDays(1).TotalSeconds));
    }

    private sealed class Bursts(string text, IReadOnlyList<(long At, int Count)> bursts) : Load(text)
    {
        private protected override double Expected => bursts.Sum(burst => (double)burst.Count);

        public override Arrivals Draw(int seed)
        {
            var arrivals = new long[bursts.Sum(burst => burst.Count)];
            var next = 0;
            foreach (var (at, count) in bursts)
            {
                Array.Fill(arrivals, at, next, count);
                next += count;
            }

            return Arrivals.Create(Text, arrivals);
        }
    }

    private sealed class Recorded(string text, string option, string file) : Load(text)
    {
        private protected override double Expected => 0;

        public override Arrivals Draw(int seed)
        {
            try
            {
                using var reader = new StreamReader(file);
                return Arrivals.Create(Text, Read(reader));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new InvalidSettingException(
                    option, Text, $"the file cannot be read ({failure.Message})", failure);
            }
        }

        private long[] Read(StreamReader reader)
        {
            var arrivals = new List<long>();
            var format = new CsvReaderOptions
            {
                HasHeader = false,
                CommentPrefix = '#',
                TrimWhitespace = true,
                TrackLineNumbers = true,
            };
            using var csv = CsvReader.Create(reader, format, leaveOpen: true);
            for (var isFirst = true; csv.Read(); isFirst = false)
            {
                var at = csv.GetString(0);
                var isNumber = Units.TryParseNumber(at, out var seconds) && seconds <= Longest.TotalSeconds;
                if (!isNumber && isFirst && at.Any(char.IsLetter)) continue;
                var count = 1;
                var hasCount = csv.IsEmpty(1)
                    || int.TryParse(csv.GetString(1), NumberStyles.None, CultureInfo.InvariantCulture, out count);
                if (!isNumber || !hasCount || csv.FieldCount > 2)
                {
                    throw new InvalidSettingException(option, Text,
                        $"line {csv.LineNumber} is \"{Encoding.UTF8.GetString(csv.RawRecord)}\"; allowed are the seconds"
                        + " of an arrival, at most a year, and optionally a comma and the number of pictures");
                }

                if ((long)arrivals.Count + count > MostPictures) throw TooMany(option, Text);
                for (var i = 0; i < count; i++) arrivals.Add((long)(seconds * TimeSpan.TicksPerSecond));
            }

            return arrivals.Count > 0
                ? [.. arrivals]
                : throw new InvalidSettingException(option, Text, "the file has no arrivals");
        }
    }
}
