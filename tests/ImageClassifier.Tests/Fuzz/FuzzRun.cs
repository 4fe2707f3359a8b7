using System.Globalization;
using Xunit;
using Xunit.Sdk;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>
/// Which inputs a fuzz run tries. Input i of a seed is always the same. By default 20,000 inputs in all, always the
/// same; <c>IMAGE_CLASSIFIER_FUZZ_INPUTS</c>, <c>_SEED</c> and <c>_FROM</c> (the first index) say otherwise.
/// </summary>
/// <param name="Seed">What all inputs are derived from.</param>
/// <param name="From">The first input's index.</param>
/// <param name="Count">How many inputs are tried.</param>
internal sealed record FuzzRun(int Seed, int From, int Count)
{
    /// <summary>The inputs of a run together.</summary>
    private const int DefaultInputs = 20_000;

    private const string Variable = "IMAGE_CLASSIFIER_FUZZ_";

    /// <summary>The part of all inputs that one target gets.</summary>
    /// <param name="percent">How much of them.</param>
    public static FuzzRun Of(int percent) => new(
        Number("SEED", 1),
        Number("FROM", 0),
        Math.Max(1, (int)((long)Number("INPUTS", DefaultInputs) * percent / 100)));

    /// <summary>The same inputs as runs of at most so many.</summary>
    public IEnumerable<FuzzRun> Parts(int most)
    {
        for (var done = 0; done < Count; done += most)
            yield return this with { From = From + done, Count = Math.Min(most, Count - done) };
    }

    /// <summary>The source of chance of one input.</summary>
    public Random RandomOf(int index) => new(HashCode(Seed, index));

    /// <summary>A failure that says how to see it again.</summary>
    public XunitException Failure(int index, string what, Exception? cause = null) =>
        new($"{Name(index)}: {what}. "
            + $"To see it again: {Variable}SEED={Seed} {Variable}FROM={index} {Variable}INPUTS=1", cause);

    /// <summary>What an input is called.</summary>
    public string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"Input {index} of seed {Seed}");

    // Not System.HashCode, which differs in each process.
    private static int HashCode(int seed, int index) => unchecked(seed * 486_187_739 + index * 16_777_619);

    private static int Number(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(Variable + name) is { Length: > 0 } text
            ? int.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture)
            : otherwise;
}

/// <summary>Fuzz runs are alone: they use all cores, and what they need of memory is measured.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FuzzRuns
{
    public const string Name = "Fuzz runs";
}
