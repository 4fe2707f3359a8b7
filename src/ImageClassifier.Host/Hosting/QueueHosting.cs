using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Queues;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.DeadLetters;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.DeadLetters;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verb <c>queue</c> with the queues of the settings' environment. It works beside a running
/// service.</summary>
public static class QueueHosting
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    /// <summary>Runs the verb.</summary>
    /// <param name="options">The arguments of the verb.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
    /// <param name="cancellation">Asks the verb to stop.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    /// <exception cref="InvalidSettingException">A setting is wrong.</exception>
    public static Task<int> RunAsync(QueueOptions options, TextWriter output, int? width, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(options.Settings);
        return EnvironmentSettings.Create(config).IsAws
            ? OnAwsAsync(config, options, output, width, cancellation)
            : EmbeddedAsync(config, options, output, width, cancellation);
    }

    private static async Task<int> EmbeddedAsync(
        Config config, QueueOptions options, TextWriter output, int? width, CancellationToken cancellation)
    {
        var layout = EmbeddedEnvironment.OpenExisting(EmbeddedSettings.Create(config));
        var store = new FileObjectStore(layout);
        if (options.Letters == LetterKind.Callbacks)
            return await new QueueVerb(new DeadCallbacks(store), output, width).RunAsync(options, cancellation);

        EmbeddedEnvironment.OpenQueues(config, layout, makes: false);
        // The web tier creates the file, and waits for it after a loss.
        var queueSettings = EmbeddedEnvironment.QueueOf(layout, config, options.Letters == LetterKind.Responses) with
        {
            CreatesFile = false,
        };
        await using var queue = new SqliteMessageQueue(queueSettings);
        await using var dead = new SqliteMessageQueue(queueSettings.DeadLetters());
        var verb = new QueueVerb(DeskOf(options, dead, queue, store), output, width);
        return await RunAsync(verb, store, options, output, cancellation);
    }

    private static async Task<int> OnAwsAsync(
        Config config, QueueOptions options, TextWriter output, int? width, CancellationToken cancellation)
    {
        var settings = AwsConfiguration.CreateAws(config);
        using var clients = new AwsClients(settings);
        var store = new S3ObjectStore(clients.S3(), settings.Bucket);
        if (options.Letters == LetterKind.Callbacks)
            return await new QueueVerb(new DeadCallbacks(store), output, width).RunAsync(options, cancellation);

        var (queue, dead) = await SqsQueueUrls.OpenWithDeadLettersAsync(
            clients.Sqs(LongestWait),
            options.Letters == LetterKind.Responses ? settings.Queues.Responses : settings.Queues.Requests,
            cancellation);
        var verb = new QueueVerb(DeskOf(options, dead, queue, store), output, width);
        return await RunAsync(verb, store, options, output, cancellation);
    }

    /// <summary>Runs the verb on messages. A list for people also says whether there are dead callbacks.</summary>
    private static async Task<int> RunAsync(
        QueueVerb verb, IObjectStore store, QueueOptions options, TextWriter output, CancellationToken cancellation)
    {
        var exitCode = await verb.RunAsync(options, cancellation);
        if (options is { Action: QueueAction.List, Json: false }
            && (await new DeadCallbacks(store).ListAsync(max: 1, cancellation)).Count > 0)
            await output.WriteLineAsync("There are dead callbacks too. queue list --queue callbacks shows them.");
        return exitCode;
    }

    private static DeadLetterDesk DeskOf(
        QueueOptions options, IMessageQueue dead, IMessageQueue queue, IObjectStore store) =>
        options.Letters == LetterKind.Responses
            ? new DeadResponses(dead, queue)
            : new DeadRequests(dead, queue, store);
}
