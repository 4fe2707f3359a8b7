using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Akka.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Streams.Settings;

/// <summary>
/// Reads a section of the configuration and checks its limits. A missing, malformed or out-of-range value throws an
/// <see cref="InvalidSettingException"/> with the full key, the value and the allowed values.
/// </summary>
/// <param name="root">The whole configuration.</param>
/// <param name="path">The full path of the section, such as <c>image-classifier.scaling</c>.</param>
public sealed partial class SettingsSection(Config root, string path)
{
    /// <summary>Stands for the number of the machine's cores.</summary>
    private const string Cores = "cores";

    /// <summary>Stands for a value that the program chooses.</summary>
    private const string Auto = "auto";

    /// <summary>The full path of the section.</summary>
    public string Path { get; } = path;

    /// <summary>A section within this section.</summary>
    public SettingsSection Section(string key) => new(root, FullKey(key));

    /// <summary>The full path of a key in this section.</summary>
    public string FullKey(string key) => $"{Path}.{key}";

    /// <summary>A text, which may be empty.</summary>
    public string Text(string key) =>
        Read(key, "text", raw => raw);

    /// <summary>A list of words, which may be empty. Commas separate them, so that the list fits an environment
    /// variable.</summary>
    public IReadOnlyList<string> Words(string key) =>
        Text(key).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A list of addresses and networks, which may be empty.</summary>
    public IReadOnlyList<IPNetwork> Networks(string key) =>
    [
        .. Words(key).Select(word => NetworkIn(word) ?? throw Invalid(
            key, "addresses such as 10.0.0.7 and networks such as 10.0.0.0/16, separated by commas")),
    ];

    /// <summary>The keys in this section, if the user chooses their names.</summary>
    public IReadOnlyList<string> Names() =>
        root.HasPath(Path) ? [.. root.GetConfig(Path).AsEnumerable().Select(entry => entry.Key).Distinct()] : [];

    /// <summary>One of the given words.</summary>
    public string OneOf(string key, params string[] words) =>
        Read(key, $"one of {string.Join(", ", words)}", raw => words.Contains(raw) ? raw : null);

    /// <summary>A whole number.</summary>
    public int WholeNumber(string key, int min, int max) =>
        ReadValue(key, $"a whole number from {min} to {max}", raw => ParseInt(raw, min, max));

    /// <summary>A whole number, or <c>cores</c> for the number of this machine's cores.</summary>
    public int WholeNumberOrCores(string key, int min, int max) =>
        ReadValue(key, $"a whole number from {min} to {max}, or cores", raw =>
            ParseIntOrCores(raw, min, max, Environment.ProcessorCount));

    /// <summary>A whole number, or <c>auto</c>, which is null.</summary>
    public int? WholeNumberOrAuto(string key, int min, int max) =>
        ValueOrAuto(key, $"a whole number from {min} to {max}, or auto", raw => ParseInt(raw, min, max));

    /// <summary>A whole number, <c>cores</c> for the given number of cores, or <c>auto</c>, which is null.</summary>
    public int? WholeNumberCoresOrAuto(string key, int min, int max, int cores) =>
        ValueOrAuto(key, $"a whole number from {min} to {max}, cores, or auto", raw =>
            ParseIntOrCores(raw, min, max, cores));

    /// <summary>A whole number of 64 bits.</summary>
    public long LargeNumber(string key, long min, long max) =>
        ReadValue(key, $"a whole number from {min} to {max}", raw =>
            long.TryParse(raw, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max ? value : (long?)null);

    /// <summary>A duration with its unit: <c>500ms</c>, <c>5s</c>, <c>15m</c>, <c>30d</c>.</summary>
    public TimeSpan Duration(string key, TimeSpan min, TimeSpan max) =>
        ReadValue(key, $"a time from {InWords(min)} to {InWords(max)}, such as 500ms, 5s, 15m", raw =>
            HasUnit(raw) && root.GetTimeSpan(FullKey(key), allowInfinite: false) is var value
            && value >= min && value <= max ? value : (TimeSpan?)null);

    /// <summary>A number of bytes with its unit: <c>512KiB</c>, <c>1.5MiB</c>, <c>1GiB</c>. A fraction of a byte is
    /// dropped.</summary>
    public long Bytes(string key, long min, long max) =>
        ReadValue(key, $"a size from {min} to {max} bytes, such as 25MiB", raw =>
            (FractionalSize(raw) ?? root.GetByteSize(FullKey(key))) is { } value && value >= min && value <= max
                ? value
                : (long?)null);

    /// <summary>The exception for a value that can be read but makes no sense.</summary>
    public InvalidSettingException Invalid(string key, string allowed) =>
        Wrong(key, root.HasPath(FullKey(key)) ? root.GetString(FullKey(key)) : null, allowed);

    private T Read<T>(string key, string allowed, Func<string, T?> parse) where T : class
    {
        var raw = Raw(key, allowed);
        return Guarded(key, raw, allowed, () => parse(raw)) ?? throw Wrong(key, raw, allowed);
    }

    private T ReadValue<T>(string key, string allowed, Func<string, T?> parse) where T : struct
    {
        var raw = Raw(key, allowed);
        return Guarded(key, raw, allowed, () => parse(raw)) ?? throw Wrong(key, raw, allowed);
    }

    private T? ValueOrAuto<T>(string key, string allowed, Func<string, T?> parse) where T : struct =>
        Raw(key, allowed) == Auto ? null : ReadValue(key, allowed, parse);

    private string Raw(string key, string allowed)
    {
        if (!root.HasPath(FullKey(key))) throw Wrong(key, null, allowed);
        return Guarded(key, "(an object)", allowed, () => root.GetString(FullKey(key)))
            ?? throw Wrong(key, null, allowed);
    }

    private T Guarded<T>(string key, string raw, string allowed, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception failure) when (failure is FormatException or ArgumentException or OverflowException
            or ConfigurationException or InvalidCastException or InvalidOperationException)
        {
            throw new InvalidSettingException(FullKey(key), raw, $"allowed is {allowed}", failure);
        }
    }

    private InvalidSettingException Wrong(string key, string? raw, string allowed) =>
        new(FullKey(key), raw, $"allowed is {allowed}");

    private static IPNetwork? NetworkIn(string word)
    {
        if (IPNetwork.TryParse(word, out var network)) return network;
        return IPAddress.TryParse(word, out var address)
            ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : null;
    }

    private static int? ParseIntOrCores(string raw, int min, int max, int cores) =>
        raw == Cores ? Math.Clamp(cores, min, max) : ParseInt(raw, min, max);

    private static int? ParseInt(string raw, int min, int max) =>
        int.TryParse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        && value >= min && value <= max ? value : null;

    // Akka's parser knows the units but takes whole numbers only.
    private static long? FractionalSize(string raw)
    {
        if (FractionWithUnit().Match(raw) is not { Success: true } match) return null;
        var unit = ConfigurationFactory.ParseString($"one = 1{match.Groups["unit"].Value}").GetByteSize("one");
        var number = decimal.Parse(
            match.Groups["number"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        return unit is { } bytes ? (long)(number * bytes) : null;
    }

    [GeneratedRegex(@"^(?<number>[0-9]+\.[0-9]+)\s*(?<unit>[A-Za-z]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex FractionWithUnit();

    // Akka reads a bare number as milliseconds. The author of wait-time = 5 does not mean that.
    private static bool HasUnit(string raw) => raw.Length > 0 && char.IsAsciiLetter(raw[^1]);

    private static string InWords(TimeSpan time) =>
        time.TotalDays >= 1 ? $"{time.TotalDays:0.#}d"
        : time.TotalHours >= 1 ? $"{time.TotalHours:0.#}h"
        : time.TotalMinutes >= 1 ? $"{time.TotalMinutes:0.#}m"
        : time.TotalSeconds >= 1 ? $"{time.TotalSeconds:0.#}s"
        : $"{time.TotalMilliseconds:0.#}ms";
}
