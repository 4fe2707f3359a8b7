using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>Where a tier's queues, store and fleet are, as the settings choose: on this machine, or on AWS.</summary>
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

    /// <summary>The data folder; null where nothing is kept on this machine.</summary>
    public EmbeddedLayout? Layout { get; }

    /// <summary>What is on AWS; null in the embedded environment.</summary>
    public AwsEnvironment? Aws { get; }

    /// <summary>Opens the environment. Any fault of it stops the start.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="longestWait">The longest poll that will be made.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="InvalidSettingException">A setting is not usable.</exception>
    public static async Task<TierEnvironment> OpenAsync(
        Config config, TimeSpan longestWait, CancellationToken cancellation)
    {
        var settings = EnvironmentSettings.Create(config);
        var layout = settings.HasEc2Fleet ? null : EmbeddedEnvironment.CreateLayout(EmbeddedSettings.Create(config));
        var aws = settings.IsAws ? await AwsEnvironment.OpenAsync(config, longestWait, cancellation) : null;
        return new TierEnvironment(config, settings.HasEc2Fleet, layout, aws);
    }

    /// <summary>Opens the queues on this machine, so that a wrong file stops the start.</summary>
    /// <param name="makes">Whether this process makes them where they are missing: one does.</param>
    /// <exception cref="InvalidSettingException">A file is not ours, too new, or damaged.</exception>
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
