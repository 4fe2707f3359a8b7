using System.CommandLine;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Logging;
using ImageClassifier.Host.Models;
using ImageClassifier.Web.Access;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Parses the command line and runs its verb. A failure becomes a line on standard error and an exit
/// code.</summary>
/// <param name="verbs">The actions of the verbs.</param>
/// <param name="output">Standard output, for help and version.</param>
/// <param name="error">Standard error.</param>
/// <param name="environmentVariables">The environment variables that can be settings.</param>
public sealed class CommandLineProgram(
    IVerbs verbs, TextWriter output, TextWriter error, IReadOnlyDictionary<string, string> environmentVariables)
{
    private const string Name = "image-classifier";

    /// <summary>Runs the program.</summary>
    /// <param name="arguments">The arguments after the program's name.</param>
    /// <param name="cancellation">Asks the verb to stop. Each verb handles signals itself, because verbs drain for
    /// different times.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var grammar = new Grammar(verbs, environmentVariables);
        // A file may be called @home.jpg, so there are no response files.
        var parsed = grammar.Root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (grammar.Complaint(parsed) is { } complaint) return Refuse(parsed, grammar, complaint);

        if (!grammar.IsOfAFleet(parsed)) WarnOfStrayVariables();
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = output,
                    Error = error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellation);
        }
        catch (InvalidSettingException wrong)
        {
            return Fail(wrong.Message, ExitCodes.WrongUse);
        }
        catch (ModelFailureException failure)
        {
            return Fail(failure.Message, failure.IsWrongUse ? ExitCodes.WrongUse : ExitCodes.SomeFailed);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ExitCodes.SomeFailed;
        }
        catch (Exception failure)
        {
            return Fail($"{failure.GetType().Name}: {failure.Message}", ExitCodes.SomeFailed);
        }
    }

    // On standard error, because standard output holds only the results.
    private void WarnOfStrayVariables()
    {
        foreach (var warning in StrayVariables.Warnings(environmentVariables.Keys))
            error.WriteLine($"{Name}: {warning}");
    }

    private int Refuse(ParseResult parsed, Grammar grammar, string complaint)
    {
        var command = parsed.CommandResult.Command;
        Fail(complaint, ExitCodes.WrongUse);
        error.WriteLine($"{Name}{(command == grammar.Root ? "" : $" {command.Name}")} --help shows what there is.");
        return ExitCodes.WrongUse;
    }

    private int Fail(string message, int exitCode)
    {
        var shown = RedactedBatchIds.In(ApiKey.HideIn(message.ReplaceLineEndings(" ")));
        error.WriteLine($"{Name}: {UntrustedText.ForDisplay(shown)}");
        return exitCode;
    }
}
