using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Core;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine;

/// <summary>The actions of the verbs. Each returns an exit code of <see cref="ExitCodes"/>. An
/// <see cref="InvalidSettingException"/> becomes a line on standard error and exit code 2; any other exception, a line
/// and exit code 1.</summary>
public interface IVerbs
{
    /// <summary>Runs the web tier until it is asked to stop.</summary>
    Task<int> WebAsync(WebOptions options, CancellationToken cancellation);

    /// <summary>Runs an app node until it ends itself or is asked to stop.</summary>
    Task<int> NodeAsync(NodeOptions options, CancellationToken cancellation);

    /// <summary>Runs the child process in which a node tries pictures that may crash it. It ends when its input
    /// ends.</summary>
    Task<int> IsolatedClassifierAsync();

    /// <summary>Creates or adjusts the program's resources on AWS.</summary>
    Task<int> AwsProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation);

    /// <summary>Checks whether the program can work on AWS.</summary>
    Task<int> AwsCheckAsync(AwsCheckOptions options, CancellationToken cancellation);

    /// <summary>Lists, redrives or purges the dead letters of a queue.</summary>
    Task<int> QueueAsync(QueueOptions options, CancellationToken cancellation);

    /// <summary>Classifies files on this machine.</summary>
    Task<int> ClassifyAsync(ClassifyOptions options, CancellationToken cancellation);

    /// <summary>Sends files to a service.</summary>
    Task<int> SendAsync(SendOptions options, CancellationToken cancellation);

    /// <summary>Checks a model directory.</summary>
    Task<int> ModelsCheckAsync(ModelsCheckOptions options, CancellationToken cancellation);

    /// <summary>Adds, lists, shows or removes models, or changes the registry of models.</summary>
    Task<int> ModelsAsync(ModelsOptions options, CancellationToken cancellation);

    /// <summary>Trains a model on the user's own classes.</summary>
    Task<int> TrainAsync(TrainOptions options, CancellationToken cancellation);

    /// <summary>Creates an API key.</summary>
    Task<int> KeyAsync(KeyOptions options, CancellationToken cancellation);

    /// <summary>Simulates the service under a load.</summary>
    Task<int> SimulateAsync(SimulateOptions options, CancellationToken cancellation);
}

/// <summary>The arguments of <c>web</c>.</summary>
/// <param name="Settings">The user's settings, <c>--urls</c> and <c>--data</c> among them.</param>
public sealed record WebOptions(SettingsSources Settings);

/// <summary>The arguments of <c>node</c>.</summary>
/// <param name="Settings">The user's settings, <c>--data</c> among them.</param>
/// <param name="Instance">The id that the fleet assigned; null on EC2, where the machine knows it.</param>
public sealed record NodeOptions(SettingsSources Settings, InstanceId? Instance);

/// <summary>The arguments of <c>aws provision</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="DryRun">True to print the changes without making them.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record AwsProvisionOptions(SettingsSources Settings, bool DryRun, bool Json);

/// <summary>The arguments of <c>aws check</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Role">The role whose permissions are checked.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record AwsCheckOptions(SettingsSources Settings, AwsRole Role, bool Json);

/// <summary>The actions of <c>queue</c> on dead letters.</summary>
public enum QueueAction
{
    /// <summary>Lists them.</summary>
    List,

    /// <summary>Sends them again.</summary>
    Redrive,

    /// <summary>Deletes them.</summary>
    Purge,
}

/// <summary>The kinds of dead letters.</summary>
public enum LetterKind
{
    /// <summary>Messages with jobs.</summary>
    Requests,

    /// <summary>Messages with results.</summary>
    Responses,

    /// <summary>Deliveries to the receivers of clients.</summary>
    Callbacks,
}

/// <summary>The arguments of <c>queue</c>.</summary>
/// <param name="Settings">The user's settings, <c>--data</c> among them.</param>
/// <param name="Action">The action.</param>
/// <param name="Letters">Which dead letters.</param>
/// <param name="Jobs">The jobs whose letters are handled; null for all.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record QueueOptions(
    SettingsSources Settings, QueueAction Action, LetterKind Letters, IReadOnlyList<JobId>? Jobs, bool Json);

/// <summary>The arguments of <c>classify</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Files">The files, at least one, in the order of the arguments.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record ClassifyOptions(SettingsSources Settings, IReadOnlyList<string> Files, bool Json);

/// <summary>The arguments of <c>models check</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Directory">The model directory.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsCheckOptions(SettingsSources Settings, string Directory, bool Json);

/// <summary>The arguments of <c>train</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Folder">The folder with a folder of pictures for each class.</param>
/// <param name="Out">The model directory to create.</param>
/// <param name="Json">Whether to print JSON rather than tables.</param>
public sealed record TrainOptions(SettingsSources Settings, string Folder, string Out, bool Json);

/// <summary>The arguments of <c>key</c>.</summary>
/// <param name="Name">The name of the key.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record KeyOptions(string Name, bool Json);

/// <summary>The arguments of <c>simulate</c>. Null if not given.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Load">The load, as the user wrote it; null only with <paramref name="Policies"/>.</param>
/// <param name="Seed">The seed of all random numbers.</param>
/// <param name="Price">The price of an instance-hour in dollars.</param>
/// <param name="MinimumCharge">The least billed time of an instance.</param>
/// <param name="Boot">The boot time of an instance.</param>
/// <param name="ServiceTime">The time of an instance for one picture.</param>
/// <param name="Timeline">The path of the CSV file.</param>
/// <param name="Charts">The paths of the chart files.</param>
/// <param name="Compare">A settings file or <c>key=value</c> for a second run to compare.</param>
/// <param name="Policies">True to compare all policies.</param>
/// <param name="Json">Whether to print JSON rather than tables.</param>
public sealed record SimulateOptions(
    SettingsSources Settings,
    string? Load,
    int Seed,
    string? Price,
    string? MinimumCharge,
    string? Boot,
    string? ServiceTime,
    string? Timeline,
    IReadOnlyList<string> Charts,
    string? Compare,
    bool Policies,
    bool Json);
