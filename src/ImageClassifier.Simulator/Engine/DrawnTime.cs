using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Simulator.Loads;

namespace ImageClassifier.Simulator.Engine;

/// <summary>A duration that is fixed or drawn from a distribution.</summary>
public sealed record DrawnTime
{
    private readonly TimeSpan _from;
    private readonly TimeSpan _to;
    private readonly double _sigma;

    private DrawnTime(TimeSpan from, TimeSpan to, double sigma) => (_from, _to, _sigma) = (from, to, sigma);

    /// <summary>The median.</summary>
    public TimeSpan Median => (_from + _to) / 2;

    /// <summary>A fixed time.</summary>
    public static DrawnTime Fixed(TimeSpan time) => new(time, time, 0);

    /// <summary>Uniformly distributed between two times.</summary>
    public static DrawnTime Uniform(TimeSpan from, TimeSpan to) => new(from, to, 0);

    /// <summary>Lognormally distributed: a few times are much longer.</summary>
    /// <param name="median">The median.</param>
    /// <param name="sigma">The standard deviation of the logarithm. If it is small, two thirds of the times lie within
    /// this share around the median.</param>
    public static DrawnTime LogNormal(TimeSpan median, double sigma) => new(median, median, sigma);

    /// <summary>Parses <c>26s</c>, <c>20s..40s</c> (uniform) or <c>26s~20%</c> (lognormal around the median).</summary>
    /// <param name="option">The option that an error names.</param>
    /// <param name="text">The text of the user.</param>
    /// <exception cref="InvalidSettingException">The text is none of these.</exception>
    public static DrawnTime Parse(string option, string text)
    {
        var wrong = new InvalidSettingException(
            option, text,
            "allowed is a time up to 1h such as 26s, 20s..40s for anything between, or 26s~20% around a median");
        if (text.Split("..") is [var low, var high])
        {
            return Time(low) is { } from && Time(high) is { } to && from <= to ? Uniform(from, to) : throw wrong;
        }

        if (text.Split('~') is [var middle, var spread])
        {
            return Time(middle) is { } median && spread.EndsWith('%')
                && Units.TryParseNumber(spread[..^1], out var percent) && percent is >= 0 and <= 200
                ? LogNormal(median, percent / 100)
                : throw wrong;
        }

        return Time(text) is { } time ? Fixed(time) : throw wrong;

        static TimeSpan? Time(string part) =>
            Units.TryParseTime(part, out var time) && time <= TimeSpan.FromHours(1) ? time : null;
    }

    /// <inheritdoc />
    public override string ToString() =>
        _sigma > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Units.Text(_from)}~{_sigma * 100:0.#}%")
        : _from == _to ? Units.Text(_from)
        : $"{Units.Text(_from)}..{Units.Text(_to)}";

    /// <summary>Draws a time, in ticks.</summary>
    internal long Draw(SeededRandom random)
    {
        if (_sigma > 0) return (long)(_from.Ticks * Math.Exp(_sigma * random.NextNormal()));
        return _from == _to ? _from.Ticks : _from.Ticks + (long)((_to.Ticks - _from.Ticks) * random.NextDouble());
    }
}
