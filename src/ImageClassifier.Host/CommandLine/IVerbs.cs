using ImageClassifier.Adapters.Aws.Check;
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

    /// <summary>Runs the child process of a node in which pictures are tried that may kill it, until its input
    /// ends.</summary>
    Task<int> IsolatedClassifierAsync();

    /// <summary>Creates or adjusts what the program needs on AWS.</summary>
    Task<int> AwsProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation);

    /// <summary>Looks whether the program can work on AWS.</summary>
    Task<int> AwsCheckAsync(AwsCheckOptions options, CancellationToken cancellation);

    /// <summary>Deals with what a queue gave up on.</summary>
    Task<int> QueueAsync(QueueOptions options, CancellationToken cancellation);

    /// <summary>Classifies files on the spot.</summary>
    Task<int> ClassifyAsync(ClassifyOptions options, CancellationToken cancellation);

    /// <summary>Makes an API key.</summary>
    Task<int> KeyAsync(KeyOptions options, CancellationToken cancellation);

    /// <summary>Simulates the service under a load.</summary>
    Task<int> SimulateAsync(SimulateOptions options, CancellationToken cancellation);
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
/// <param name="DryRun">True to show the changes and make none.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record AwsProvisionOptions(SettingsSources Settings, bool DryRun, bool Json);

/// <summary>How <c>aws check</c> was called.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Role">Whose permissions are tried.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record AwsCheckOptions(SettingsSources Settings, AwsRole Role, bool Json);

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

/// <summary>How <c>key</c> was called.</summary>
/// <param name="Name">Whose key it is; a name that the settings take.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record KeyOptions(string Name, bool Json);

/// <summary>How <c>simulate</c> was called. What was not given is null.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Load">What arrives, as it was written; null only with <paramref name="Policies"/>.</param>
/// <param name="Seed">What all that is drawn follows from.</param>
/// <param name="Price">Dollars for an instance-hour.</param>
/// <param name="MinimumCharge">What an instance costs at least, as a time.</param>
/// <param name="Boot">How long instances boot.</param>
/// <param name="ServiceTime">How long one takes for one picture.</param>
/// <param name="Timeline">The CSV file to write.</param>
/// <param name="Charts">The pictures to write.</param>
/// <param name="Compare">A settings file or <c>key=value</c>, whose run is laid beside.</param>
/// <param name="Policies">Whether the policies are laid side by side.</param>
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
