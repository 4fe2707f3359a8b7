using System.Diagnostics;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The command line of an app node:
/// <c>{program} {leading…} node --data DIR --instance ID {extra…}</c>.</summary>
/// <param name="Program">The program: its path, or a name on the search path.</param>
/// <param name="LeadingArguments">The arguments before the verb: the program's DLL if the program is
/// <c>dotnet</c>.</param>
/// <param name="ExtraArguments">The arguments at the end: the web tier's own <c>--config</c> and <c>--set</c>.</param>
public sealed record NodeCommand(
    string Program, IReadOnlyList<string> LeadingArguments, IReadOnlyList<string> ExtraArguments)
{
    /// <summary>True if the node's queues and store are on AWS. Then it needs the environment variables of the AWS
    /// SDK.</summary>
    public bool OnAws { get; init; }

    /// <summary>The command of this program itself, started in the same way.</summary>
    /// <param name="extraArguments">The arguments at the end.</param>
    public static NodeCommand OfThisProgram(IReadOnlyList<string> extraArguments)
    {
        var program = Environment.ProcessPath
            ?? throw new InvalidOperationException("The system does not report the path of this program.");
        var isDotnet = string.Equals(
            Path.GetFileNameWithoutExtension(program), "dotnet", StringComparison.OrdinalIgnoreCase);
        return new NodeCommand(program, isDotnet ? [Environment.GetCommandLineArgs()[0]] : [], extraArguments);
    }

    /// <summary>The start of an instance's process. Its output goes to its parent, it has no input, and it gets only
    /// the variables that <see cref="NodeEnvironment"/> passes.</summary>
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
