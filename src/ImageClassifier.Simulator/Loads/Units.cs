using System.Globalization;

namespace ImageClassifier.Simulator.Loads;

/// <summary>Parses and prints times with their unit.</summary>
public static class Units
{
    private static readonly (string Unit, TimeSpan Time)[] Known =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)),
        ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>Parses a time such as <c>500ms</c>, <c>26s</c>, <c>1.5m</c>, <c>2h</c>, <c>1d</c>; at most ten years,
    /// and never negative.</summary>
    public static bool TryParseTime(string text, out TimeSpan time)
    {
        time = default;
        foreach (var (unit, length) in Known)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)
                || !TryParseNumber(text[..^unit.Length], out var number)) continue;
            var seconds = number * length.TotalSeconds;
            if (seconds > TimeSpan.FromDays(3650).TotalSeconds) return false;
            time = TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
            return true;
        }

        return false;
    }

    /// <summary>Parses a plain number that is not negative.</summary>
    public static bool TryParseNumber(string text, out double number) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number)
        && double.IsFinite(number) && number >= 0;

    /// <summary>A time in its largest whole unit: <c>90s</c>, <c>26s</c>, <c>350ms</c>, <c>1d</c>.</summary>
    public static string Text(TimeSpan time)
    {
        for (var at = Known.Length - 1; at > 0; at--)
        {
            if (time >= Known[at].Time && time.Ticks % Known[at].Time.Ticks == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{time / Known[at].Time:0}{Known[at].Unit}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###}ms");
    }
}
