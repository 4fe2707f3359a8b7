using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Core;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Host.CommandLine.Simulate;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Web.Access;

namespace ImageClassifier.Host.CommandLine;

/// <summary>The verbs and options of the command line.</summary>
internal sealed class Grammar
{
    private const string Requests = "requests";
    private const string Responses = "responses";
    private const string Callbacks = "callbacks";

    private static readonly string[] Roles =
        [.. Enum.GetNames<AwsRole>().Select(name => name.ToLowerInvariant())];

    private readonly IVerbs _verbs;
    private readonly IReadOnlyDictionary<string, string> _variables;

    private readonly Option<string> _config = new(SettingsSources.ConfigOption)
    {
        Description = "A settings file (HOCON). It wins over the program's own settings.",
        HelpName = "FILE",
        Recursive = true,
    };

    private readonly Option<string[]> _set = new(SettingsSources.SetOption)
    {
        Description = "One setting, such as image-classifier.scaling.max-instances=4. Repeat it for more settings.",
        HelpName = "key=value",
        Recursive = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _data = new("--data")
    {
        Description = "The folder of queues, pictures, results, models and logs (the setting image-classifier.embedded.data).",
        HelpName = "DIR",
    };

    private readonly Option<string> _urls = new("--urls")
    {
        Description = "The addresses to listen on, such as http://127.0.0.1:5000 (the setting"
            + " image-classifier.web.urls).",
        HelpName = "URLS",
    };

    private readonly Option<string> _instance = new("--instance")
    {
        Description = "The id that the fleet assigned to this instance. On EC2 the machine knows it.",
        HelpName = "ID",
    };

    private readonly Argument<string[]> _files = new("FILES")
    {
        Description = "Pictures: JPEG or PNG.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print only JSON on standard output; for files, an array in the order of the arguments.",
    };

    private readonly Argument<string> _keyName = new("NAME")
    {
        Description = $"The name of the key, which the log shows: {ApiKeys.NameRule}.",
    };

    private readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Only print what would be done.",
    };

    private readonly Option<AwsRole> _as = new("--as")
    {
        Description = "The role whose calls are tried: web tier, app node, operator of dead letters, or deployer. "
            + "Run the command with that role's credentials.",
        HelpName = string.Join('|', Roles),
        CustomParser = parsed => Enum.Parse<AwsRole>(parsed.Tokens[0].Value, ignoreCase: true),
        DefaultValueFactory = _ => AwsRole.Web,
    };

    private readonly Option<string> _queue = new("--queue")
    {
        Description = "The dead letters of jobs, of results, or of callbacks.",
        HelpName = $"{Requests}|{Responses}|{Callbacks}",
        DefaultValueFactory = _ => Requests,
    };

    private readonly Argument<string[]> _jobs = new("JOBS")
    {
        Description = "The ids of jobs, as queue list shows them.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<bool> _all = new("--all")
    {
        Description = "All jobs, instead of some.",
    };

    private readonly Argument<string> _modelFolder = new("DIR")
    {
        Description = "A model directory.",
    };

    private readonly Argument<string> _folder = new("FOLDER")
    {
        Description = "A folder with a folder of pictures for each class. Their names become the labels.",
    };

    private readonly Option<string> _out = new("--out")
    {
        Description = "The model directory to create. It must not exist, or be empty.",
        HelpName = "DIR",
        Required = true,
    };

    private readonly SimulateGrammar _simulate = new();

    private readonly SendGrammar _send;

    public Grammar(IVerbs verbs, IReadOnlyDictionary<string, string> variables)
    {
        _verbs = verbs;
        _variables = variables;
        _send = new SendGrammar(variables);
        _instance.Validators.Add(MustBeInstanceId);
        _queue.AcceptOnlyFromAmong(Requests, Responses, Callbacks);
        _as.AcceptOnlyFromAmong(Roles);
        _keyName.Validators.Add(MustBeKeyName);

        var web = new Command("web", "Serves the page and the HTTP API, and grows and ends app nodes (the default).")
        {
            _urls, _data,
        };
        web.SetAction(WebAsync);

        var node = new Command("node", "Runs one app node; the fleet starts it.") { _data, _instance };
        node.SetAction((parsed, cancellation) =>
            _verbs.NodeAsync(new NodeOptions(Sources(parsed), InstanceOf(parsed)), cancellation));
        node.Validators.Add(HasNoUrls);

        var isolated = new Command(IsolatedClassifierVerb.Name, "The child process of a node.") { Hidden = true };
        isolated.SetAction((_, _) => _verbs.IsolatedClassifierAsync());

        var classify = new Command("classify", "Classifies pictures, without a server.") { _files, _data, _json };
        classify.SetAction((parsed, cancellation) => _verbs.ClassifyAsync(
            new ClassifyOptions(Sources(parsed), parsed.GetRequiredValue(_files), parsed.GetValue(_json)), cancellation));
        classify.Validators.Add(HasNoUrls);

        var send = _send.CreateCommand();
        send.SetAction((parsed, cancellation) => _verbs.SendAsync(_send.Options(parsed), cancellation));
        send.Validators.Add(HasNoUrls);
        send.Validators.Add(HasNoData);

        var train = new Command("train", "Trains a model on your own classes, and says how good it is. Exit code 1: the "
            + "model is there, but some pictures could not be used.") { _folder, _out, _json };
        train.SetAction((parsed, cancellation) => _verbs.TrainAsync(
            new TrainOptions(Sources(parsed), parsed.GetRequiredValue(_folder), parsed.GetRequiredValue(_out),
                parsed.GetValue(_json)),
            cancellation));
        train.Validators.Add(HasNoUrls);
        train.Validators.Add(HasNoData);

        var key = new Command("key", "Creates an API key, and prints it once, with the setting that accepts it.")
        {
            _keyName, _json,
        };
        key.SetAction((parsed, cancellation) => _verbs.KeyAsync(
            new KeyOptions(parsed.GetRequiredValue(_keyName), parsed.GetValue(_json)), cancellation));
        key.Validators.Add(HasNoUrls);
        key.Validators.Add(HasNoData);

        var provision = new Command("provision", "Creates or adjusts queues and bucket, and prints the changes.")
        {
            _dryRun, _json,
        };
        provision.SetAction((parsed, cancellation) => _verbs.AwsProvisionAsync(
            new AwsProvisionOptions(Sources(parsed), parsed.GetValue(_dryRun), parsed.GetValue(_json)), cancellation));
        var check = new Command("check", "Tries a role's calls on AWS, and checks queues, bucket and launch. Each "
            + "line reports what is right, wrong or not checked.") { _as, _json };
        check.SetAction((parsed, cancellation) => _verbs.AwsCheckAsync(
            new AwsCheckOptions(Sources(parsed), parsed.GetValue(_as), parsed.GetValue(_json)), cancellation));
        foreach (var verb in (Command[])[provision, check])
        {
            verb.Validators.Add(HasNoUrls);
            verb.Validators.Add(HasNoData);
        }

        var simulate = _simulate.CreateCommand();
        simulate.SetAction((parsed, cancellation) =>
            _verbs.SimulateAsync(_simulate.Options(parsed, Sources(parsed)), cancellation));
        simulate.Validators.Add(HasNoUrls);
        simulate.Validators.Add(HasNoData);

        var aws = new Command("aws", "Manages the program's resources on AWS.") { provision, check };

        Root = new RootCommand("An elastic image-classification service. Exit codes: 0 done, 1 some of the work failed or "
            + "was interrupted, 2 wrong use or settings.")
        {
            _urls, _data, _config, _set, web, node, isolated, classify, send, train, ModelsGroup(), key, simulate, QueueVerb(),
            aws,
        };
        Root.SetAction(WebAsync);
        Root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
    }

    public RootCommand Root { get; }

    /// <summary>True for a node that a web tier started. It inherits the web tier's variables, and the web tier has
    /// already warned about them.</summary>
    public bool IsOfAFleet(ParseResult parsed) => parsed.GetResult(_instance) is not null;

    /// <summary>The error in a command line, as a sentence; null if there is none.</summary>
    public string? Complaint(ParseResult parsed)
    {
        if (parsed.Action is ParseErrorAction)
            return parsed.Errors[0].Message + Guess(parsed, parsed.UnmatchedTokens is [var stray, ..] ? stray : null);
        return StrayOption(parsed) is { } option
            ? $"Unrecognized option '{option}'." + Guess(parsed, option)
            : null;
    }

    private string Guess(ParseResult parsed, string? word)
    {
        var command = parsed.CommandResult.Command;
        string[] words =
        [
            .. command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name),
            .. command.Options.Concat(Root.Options.Where(option => option.Recursive)).Select(option => option.Name),
        ];
        var suggestion = word is null ? null : Spelling.Nearest(word, words, limit: 2);
        return suggestion is null ? "" : $" Did you mean {suggestion}?";
    }

    // The parser takes a misspelt option for a file. Files with such names go after a double dash.
    private string? StrayOption(ParseResult parsed)
    {
        if ((parsed.GetResult(_files) ?? parsed.GetResult(_folder) ?? parsed.GetResult(_send.Paths)) is not { } files)
            return null;
        var behindDash = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).Skip(1).Count();
        return files.Tokens.SkipLast(behindDash).Select(token => token.Value).FirstOrDefault(
            value => value.Length > 1 && value.StartsWith('-'));
    }

    private Command ModelsGroup()
    {
        var group = new ModelsVerb(_data, _json).CreateCommand(Sources, _verbs.ModelsAsync);
        foreach (var verb in group.Subcommands) verb.Validators.Add(HasNoUrls);
        group.Add(ModelsCheckVerb());
        return group;
    }

    private Command QueueVerb()
    {
        var list = new Command("list", "Lists dead letters, each with its reason.") { _queue, _data, _json };
        list.SetAction((parsed, cancellation) => QueueAsync(parsed, QueueAction.List, cancellation));
        var redrive = new Command("redrive",
            "Sends jobs again: a failed result is deleted, and a next attempt begins. Callbacks are tried again.")
        {
            _jobs, _all, _queue, _data, _json,
        };
        redrive.SetAction((parsed, cancellation) => QueueAsync(parsed, QueueAction.Redrive, cancellation));
        var purge = new Command("purge", "Deletes dead letters. Their jobs do not change.")
        {
            _jobs, _all, _queue, _data, _json,
        };
        purge.SetAction((parsed, cancellation) => QueueAsync(parsed, QueueAction.Purge, cancellation));
        foreach (var verb in (Command[])[redrive, purge]) verb.Validators.Add(HasJobsOrAll);
        foreach (var verb in (Command[])[list, redrive, purge]) verb.Validators.Add(HasNoUrls);
        return new Command("queue", "Handles dead letters: messages and callbacks that failed as often as allowed.")
        {
            list, redrive, purge,
        };
    }

    private Command ModelsCheckVerb()
    {
        var check = new Command("check", "Says what a model directory holds, and every fault. If model.json is "
            + "missing, it writes a first one from what the network tells.") { _modelFolder, _json };
        check.SetAction((parsed, cancellation) => _verbs.ModelsCheckAsync(
            new ModelsCheckOptions(Sources(parsed), parsed.GetRequiredValue(_modelFolder), parsed.GetValue(_json)),
            cancellation));
        check.Validators.Add(HasNoUrls);
        check.Validators.Add(HasNoData);
        return check;
    }

    private Task<int> QueueAsync(ParseResult parsed, QueueAction action, CancellationToken cancellation)
    {
        var jobs = action == QueueAction.List || parsed.GetValue(_all)
            ? null
            : parsed.GetRequiredValue(_jobs).Select(JobId.Parse).Distinct().ToArray();
        return _verbs.QueueAsync(
            new QueueOptions(
                Sources(parsed), action, Enum.Parse<LetterKind>(parsed.GetValue(_queue)!, ignoreCase: true), jobs,
                parsed.GetValue(_json)),
            cancellation);
    }

    private Task<int> WebAsync(ParseResult parsed, CancellationToken cancellation) =>
        _verbs.WebAsync(new WebOptions(Sources(parsed)), cancellation);

    private SettingsSources Sources(ParseResult parsed) => new()
    {
        ConfigFile = parsed.GetValue(_config),
        EnvironmentVariables = _variables,
        Assignments = parsed.GetValue(_set) ?? [],
        Options = [.. OptionValues(parsed)],
    };

    private IEnumerable<OptionValue> OptionValues(ParseResult parsed)
    {
        (Option<string> Option, string Key)[] options =
            [(_urls, ListenSettings.UrlsKey), (_data, EmbeddedLayout.DataFolderKey)];
        foreach (var (option, key) in options)
        {
            if (parsed.GetResult(option) is null) continue;
            var value = parsed.GetRequiredValue(option);
            // An empty shell variable must not select the default folder.
            if (value.Length == 0) throw new InvalidSettingException(option.Name, value, "it must not be empty");
            yield return new OptionValue(option.Name, key, value);
        }
    }

    private InstanceId? InstanceOf(ParseResult parsed) =>
        parsed.GetValue(_instance) is { } name ? InstanceId.Parse(name) : null;

    private static void MustBeInstanceId(OptionResult result)
    {
        var text = result.GetValueOrDefault<string>();
        if (!InstanceId.TryParse(text, out _))
            result.AddError($"--instance {text}: 1 to 64 letters, digits and hyphens, and no hyphen first.");
    }

    private void HasJobsOrAll(CommandResult result)
    {
        var jobs = result.GetResult(_jobs)?.Tokens.Select(token => token.Value).ToArray() ?? [];
        var namesJobs = jobs.Length > 0;
        var namesAll = result.GetResult(_all) is { Implicit: false };
        if (namesJobs == namesAll)
        {
            result.AddError($"{result.Command.Name} needs the ids of jobs, or --all.");
            return;
        }

        foreach (var job in jobs.Where(job => !JobId.TryParse(job, out _)))
            result.AddError($"{job} is no job's id: 32 lower-case hexadecimal digits.");
    }

    private static void MustBeKeyName(ArgumentResult result)
    {
        if (result.Tokens is [{ Value: var name }] && !ApiKeys.IsName(name))
            result.AddError($"key {name}: a name is {ApiKeys.NameRule}.");
    }

    private void HasNoUrls(CommandResult result)
    {
        if (result.GetResult(_urls) is not null) result.AddError($"--urls is no option of {result.Command.Name}.");
    }

    private void HasNoData(CommandResult result)
    {
        if (result.GetResult(_data) is not null) result.AddError($"--data is no option of {result.Command.Name}.");
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var version = typeof(Grammar).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!;
            parseResult.InvocationConfiguration.Output.WriteLine(version.InformationalVersion);
            return ExitCodes.Done;
        }
    }
}
