using System.CommandLine;
using System.CommandLine.Parsing;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The arguments and options of <c>send</c>.</summary>
/// <param name="variables">The environment variables.</param>
internal sealed class SendGrammar(IReadOnlyDictionary<string, string> variables)
{
    private readonly Option<bool> _recursive = new("--recursive", "-r")
    {
        Description = "Also send the pictures in the folders below each folder.",
    };

    private readonly Option<string> _server = new("--server")
    {
        Description = "The address of the service, such as http://127.0.0.1:5000. Default: the variable "
            + $"{SendOptions.ServerVariable}.",
        HelpName = "URL",
    };

    private readonly Option<string> _keyFile = new("--key-file")
    {
        Description = $"A file with the API key. Default: the variable {SendOptions.KeyVariable}. A key is no argument, "
            + "because every user of the machine can read arguments.",
        HelpName = "FILE",
    };

    private readonly Option<string> _resume = new("--resume")
    {
        Description = "Keep the state in this file. If it exists, go on where it ended, and send nothing twice; then no "
            + "PATH is needed. The output has all results, also those of earlier runs.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print only JSON on standard output: a line for each file, as its result comes.",
    };

    private readonly Option<string> _csv = new("--csv")
    {
        Description = "Write the results to this CSV file instead of a table. It may exist only if it is empty or an earlier send wrote it.",
        HelpName = "FILE",
    };

    /// <summary>The files, folders and patterns.</summary>
    public Argument<string[]> Paths { get; } = new("PATH")
    {
        Description = "Pictures, folders, patterns in quotes ('photos/**/*.jpg'), or - for a list on standard input, one "
            + "path a line. Files in folders that are no pictures are left out.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The verb, without its action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("send", "Sends pictures to a service and prints the results as they come. Exit codes: 1 "
            + "a picture failed or was not sent, 2 wrong use or refused by the service, 130 interrupted.")
        {
            Paths, _recursive, _server, _keyFile, _resume, _json, _csv,
        };
        command.Validators.Add(HasWork);
        return command;
    }

    /// <summary>The options in a parsed command line.</summary>
    public SendOptions Options(ParseResult parsed) => new(
        parsed.GetValue(Paths) ?? [], parsed.GetValue(_recursive), parsed.GetValue(_server), parsed.GetValue(_keyFile),
        parsed.GetValue(_resume), parsed.GetValue(_json), parsed.GetValue(_csv), variables);

    private void HasWork(CommandResult result)
    {
        if (result.GetResult(Paths) is not { Tokens.Count: > 0 } && result.GetResult(_resume) is null)
            result.AddError("send needs a PATH, or --resume with the file of an earlier run.");
        if (result.GetResult(_json) is { Implicit: false } && result.GetResult(_csv) is not null)
            result.AddError("--json and --csv do not go together.");
        if (result.GetValue(_csv) is { Length: > 0 } csv && result.GetValue(_resume) is { Length: > 0 } state
            && Path.GetFullPath(csv) == Path.GetFullPath(state))
            result.AddError("--csv and --resume name the same file.");
    }
}
