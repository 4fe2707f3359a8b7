using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Node;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Host.Configuration;

/// <summary>
/// The settings of both tiers. Each tier reads all of them at its start: what nodes would refuse must stop the web
/// tier, which would otherwise accept pictures that no node ever classifies.
/// </summary>
/// <param name="Config">The configuration of the process itself.</param>
/// <param name="HasEc2Fleet">True if app nodes are machines on EC2.</param>
/// <param name="Listen">Where the web tier listens.</param>
/// <param name="Web">The web tier.</param>
/// <param name="Node">The app node.</param>
/// <param name="Model">The model that app nodes run.</param>
public sealed record ServiceSettings(
    Config Config,
    bool HasEc2Fleet,
    ListenSettings Listen,
    WebTierSettings Web,
    NodeSettings Node,
    OnnxSettings Model)
{
    /// <summary>Reads the settings.</summary>
    /// <param name="role">What the process is. Cores and folders of machines on EC2 are not known to the web tier; it
    /// leaves what depends on them to the nodes.</param>
    /// <param name="sources">What the user says.</param>
    /// <exception cref="InvalidSettingException">One is missing or wrong, or two contradict each other.</exception>
    public static ServiceSettings Load(ProgramRole role, SettingsSources sources)
    {
        var config = ProgramSettings.Load(sources);
        var hasEc2Fleet = EnvironmentSettings.Create(config).HasEc2Fleet;
        var isNodeElsewhere = role == ProgramRole.Web && hasEc2Fleet;
        return new ServiceSettings(
            config,
            hasEc2Fleet,
            ListenSettings.Create(config),
            WebTierSettings.Create(config),
            NodeSettings.Create(config, isNodeElsewhere ? null : Environment.ProcessorCount),
            isNodeElsewhere ? OnnxSettings.CreateForAnotherMachine(config) : OnnxSettings.Create(config));
    }
}
