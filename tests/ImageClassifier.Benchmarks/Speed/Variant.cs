using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>A way to run the program.</summary>
/// <param name="Name">What it is called in a table.</param>
/// <param name="Program">The path of the program.</param>
/// <param name="Variables">Variables of its environment.</param>
/// <param name="Settings">The values of <c>--set</c>, without the prefix image-classifier.</param>
internal sealed record Variant(
    string Name, string Program, IReadOnlyDictionary<string, string> Variables, IReadOnlyList<string> Settings)
{
    /// <summary>The program beside this one, as it comes.</summary>
    public static Variant Default { get; } = new("", BuiltProgram.Path, new Dictionary<string, string>(), []);

    /// <summary>Reads a variant: settings (<c>node.polling.decoders=1</c>), variables of the runtime
    /// (<c>DOTNET_TieredPGO=1</c>) or the path of another build, separated by commas.</summary>
    public static Variant Parse(string text)
    {
        var parts = text.Split(',').ToLookup(
            part => File.Exists(part) ? "program" : part.StartsWith("DOTNET_", StringComparison.Ordinal) ? "variable" : "setting");
        return new Variant(
            $", {text}",
            parts["program"].FirstOrDefault(BuiltProgram.Path),
            parts["variable"].Select(part => part.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]),
            [.. parts["setting"]]);
    }

    /// <summary>Starts an app node, which does not end itself.</summary>
    /// <param name="model">The model directory.</param>
    /// <param name="folder">A folder for what the process says of itself.</param>
    /// <param name="data">The data folder.</param>
    /// <param name="settings">Settings that come before those of the variant.</param>
    public MeteredProcess StartNode(string model, string folder, string data, IEnumerable<string> settings) =>
        MeteredProcess.Start(
            Program,
            folder,
            Variables,
            [
                "node", "--data", data, "--instance", "benchmark",
                .. ((IEnumerable<string>)
                [
                    $"node.classification.model={model}", "node.termination.max-empty-polls=1000", .. settings, .. Settings,
                ]).SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" }),
            ]);
}
