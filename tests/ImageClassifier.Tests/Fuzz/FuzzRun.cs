using System.Globalization;
using Xunit;
using Xunit.Sdk;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>The inputs of a fuzz run. Input i of a seed is always the same. By default there are 20,000 inputs in all.
/// <c>IMAGE_CLASSIFIER_FUZZ_INPUTS</c>, <c>_SEED</c> and <c>_FROM</c> (the first index) choose others.</summary>
/// <param name="Seed">The seed of all inputs.</param>
/// <param name="From">The index of the first input.</param>
/// <param name="Count">The number of inputs.</param>
internal sealed record FuzzRun(int Seed, int From, int Count)
{
    /// <summary>All inputs of a run.</summary>
    private const int DefaultInputs = 20_000;

    private const string Variable = "IMAGE_CLASSIFIER_FUZZ_";

    /// <summary>The share of the inputs for one target.</summary>
    /// <param name="percent">The size of the share.</param>
    public static FuzzRun Of(int percent) => new(
        Number("SEED", 1),
        Number("FROM", 0),
        Math.Max(1, (int)((long)Number("INPUTS", DefaultInputs) * percent / 100)));

    /// <summary>The same inputs, divided into runs of a maximum size.</summary>
    public IEnumerable<FuzzRun> Parts(int most)
    {
        for (var done = 0; done < Count; done += most)
            yield return this with { From = From + done, Count = Math.Min(most, Count - done) };
    }

    /// <summary>The random numbers of one input.</summary>
    public Random RandomOf(int index) => new(HashCode(Seed, index));

    /// <summary>A failure that tells how to repeat it.</summary>
    public XunitException Failure(int index, string what, Exception? cause = null) =>
        new($"{Name(index)}: {what}. "
            + $"To see it again: {Variable}SEED={Seed} {Variable}FROM={index} {Variable}INPUTS=1", cause);

    /// <summary>The name of an input.</summary>
    public string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"Input {index} of seed {Seed}");

    // Not System.HashCode, which differs in each process.
    private static int HashCode(int seed, int index) => unchecked(seed * 486_187_739 + index * 16_777_619);

    private static int Number(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(Variable + name) is { Length: > 0 } text
            ? int.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture)
            : otherwise;
}

/// <summary>Fuzz runs run alone, because they use all cores and their memory is measured.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FuzzRuns
{
    public const string Name = "Fuzz runs";
}
