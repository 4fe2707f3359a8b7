using System.Diagnostics;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The command line of an app node:
/// <c>{program} {leading…} node --data DIR --instance ID {extra…}</c>.</summary>
/// <param name="Program">The program's file: its path, or a name on the search path.</param>
/// <param name="LeadingArguments">What comes before the verb: the program's DLL where the program is
/// <c>dotnet</c>.</param>
/// <param name="ExtraArguments">What comes after: the web tier's own <c>--config</c> and <c>--set</c>.</param>
public sealed record NodeCommand(
    string Program, IReadOnlyList<string> LeadingArguments, IReadOnlyList<string> ExtraArguments)
{
    /// <summary>Whether the node's queues and store are on AWS, for which it needs the variables of the AWS
    /// SDK.</summary>
    public bool OnAws { get; init; }

    /// <summary>This same program, started as it was started itself.</summary>
    /// <param name="extraArguments">What comes after the instance.</param>
    public static NodeCommand OfThisProgram(IReadOnlyList<string> extraArguments)
    {
        var program = Environment.ProcessPath
            ?? throw new InvalidOperationException("The system does not tell which program this is.");
        var isDotnet = string.Equals(
            Path.GetFileNameWithoutExtension(program), "dotnet", StringComparison.OrdinalIgnoreCase);
        return new NodeCommand(program, isDotnet ? [Environment.GetCommandLineArgs()[0]] : [], extraArguments);
    }

    /// <summary>How the process of an instance is started. Its output comes to its parent; it has no input, and of the
    /// parent's environment what <see cref="NodeEnvironment"/> lets pass.</summary>
    internal ProcessStartInfo For(EmbeddedLayout layout, InstanceId instance)
    {
        var start = new ProcessStartInfo(Program,
        [
            .. LeadingArguments, "node", "--data", layout.DataFolder, "--instance", instance.Value, .. ExtraArguments,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => !NodeEnvironment.Passes(name, OnAws)).ToArray())
            start.Environment.Remove(name);
        return start;
    }
}
