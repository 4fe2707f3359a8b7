using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>The queues, the store and the fleet of a tier by its settings: on this machine, or on AWS.</summary>
internal sealed class TierEnvironment : IDisposable
{
    private readonly Config _config;
    private bool _makesQueues;

    private TierEnvironment(Config config, bool hasEc2Fleet, EmbeddedLayout? layout, AwsEnvironment? aws)
    {
        _config = config;
        HasEc2Fleet = hasEc2Fleet;
        Layout = layout;
        Aws = aws;
    }

    /// <summary>True if app nodes are machines on EC2.</summary>
    public bool HasEc2Fleet { get; }

    /// <summary>The data folder; null if nothing is kept on this machine.</summary>
    public EmbeddedLayout? Layout { get; }

    /// <summary>The environment on AWS; null in the embedded environment.</summary>
    public AwsEnvironment? Aws { get; }

    /// <summary>Opens the environment. Every error stops the start.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="longestWait">The longest poll of the program.</param>
    /// <param name="cancellation">Cancels the start.</param>
    /// <exception cref="InvalidSettingException">A setting is wrong.</exception>
    public static async Task<TierEnvironment> OpenAsync(
        Config config, TimeSpan longestWait, CancellationToken cancellation)
    {
        var settings = EnvironmentSettings.Create(config);
        var layout = settings.HasEc2Fleet ? null : EmbeddedEnvironment.CreateLayout(EmbeddedSettings.Create(config));
        var aws = settings.IsAws ? await AwsEnvironment.OpenAsync(config, longestWait, cancellation) : null;
        return new TierEnvironment(config, settings.HasEc2Fleet, layout, aws);
    }

    /// <summary>Opens the queues on this machine, so that a wrong file stops the start.</summary>
    /// <param name="makes">True if this process creates missing files. Only one process does.</param>
    /// <exception cref="InvalidSettingException">A file belongs to something else, is too new, or is
    /// damaged.</exception>
    public void OpenQueues(bool makes)
    {
        _makesQueues = makes;
        if (Aws is null) EmbeddedEnvironment.OpenQueues(_config, Layout!, makes);
    }

    /// <summary>Adds the queues and the store.</summary>
    public void AddTo(IServiceCollection services)
    {
        if (Aws is not null) Aws.AddTo(services);
        else services.AddEmbeddedEnvironment(_config, Layout!, _makesQueues);
    }

    /// <inheritdoc />
    public void Dispose() => Aws?.Dispose();
}
