using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine;

/// <summary>
/// What the program does. Each call ends with an exit code of <see cref="ExitCodes"/>. An
/// <see cref="InvalidSettingException"/> becomes a line on standard error and exit code 2, any other exception a line and
/// exit code 1.
/// </summary>
public interface IVerbs
{
    /// <summary>Runs the web tier until it is asked to stop.</summary>
    Task<int> WebAsync(WebOptions options, CancellationToken cancellation);

    /// <summary>Runs an app node until it ends itself or is asked to stop.</summary>
    Task<int> NodeAsync(NodeOptions options, CancellationToken cancellation);

    /// <summary>Creates or adjusts what the program needs on AWS.</summary>
    Task<int> AwsProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation);

    /// <summary>Looks whether the program can work on AWS.</summary>
    Task<int> AwsCheckAsync(AwsCheckOptions options, CancellationToken cancellation);

    /// <summary>Simulates a load.</summary>
    Task<int> SimulateAsync(SimulateOptions options, CancellationToken cancellation);

    /// <summary>Deals with what a queue gave up on.</summary>
    Task<int> QueueAsync(QueueOptions options, CancellationToken cancellation);

    /// <summary>Classifies files on the spot.</summary>
    Task<int> ClassifyAsync(ClassifyOptions options, CancellationToken cancellation);
}

/// <summary>How <c>web</c> was called.</summary>
/// <param name="Settings">The user's settings, <c>--urls</c> and <c>--data</c> among them.</param>
public sealed record WebOptions(SettingsSources Settings);

/// <summary>How <c>node</c> was called.</summary>
/// <param name="Settings">The user's settings, <c>--data</c> among them.</param>
/// <param name="Instance">The name that the fleet gave this instance; null where the machine knows it.</param>
public sealed record NodeOptions(SettingsSources Settings, InstanceId? Instance);

/// <summary>How <c>aws provision</c> was called.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="DryRun">Whether it only says what it would do.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record AwsProvisionOptions(SettingsSources Settings, bool DryRun, bool Json);

/// <summary>How <c>aws check</c> was called.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record AwsCheckOptions(SettingsSources Settings, bool Json);

/// <summary>What to do with what a queue gave up on.</summary>
public enum QueueAction
{
    /// <summary>Show it.</summary>
    List,

    /// <summary>Send it again.</summary>
    Redrive,

    /// <summary>Throw it away.</summary>
    Purge,
}

/// <summary>How <c>queue</c> was called.</summary>
/// <param name="Settings">The user's settings, <c>--data</c> among them.</param>
/// <param name="Action">What to do.</param>
/// <param name="OfResponses">Whether it is about the response queue rather than the request queue.</param>
/// <param name="Jobs">Whose messages; null for all.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record QueueOptions(
    SettingsSources Settings, QueueAction Action, bool OfResponses, IReadOnlyList<JobId>? Jobs, bool Json);

/// <summary>How <c>classify</c> was called.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Files">The files, at least one, in the order of the arguments.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record ClassifyOptions(SettingsSources Settings, IReadOnlyList<string> Files, bool Json);

/// <summary>How <c>simulate</c> was called.</summary>
/// <param name="Settings">The settings that are to be deployed.</param>
/// <param name="Load">The load, as it was written.</param>
/// <param name="Seed">What all that is drawn follows from.</param>
/// <param name="Price">Dollars for an hour of an instance; null: the default.</param>
/// <param name="Boot">The boot time; null: what the settings assume.</param>
/// <param name="ServiceTime">The time for one picture; null: what the settings assume.</param>
/// <param name="MinimumCharge">What a shorter life costs too; null: the default.</param>
/// <param name="Timeline">The CSV file to write; null: none.</param>
/// <param name="Compare">A settings file, or <c>key=value</c>, to lay beside; null: none.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record SimulateOptions(
    SettingsSources Settings,
    string Load,
    int Seed,
    string? Price,
    string? Boot,
    string? ServiceTime,
    string? MinimumCharge,
    string? Timeline,
    string? Compare,
    bool Json);
