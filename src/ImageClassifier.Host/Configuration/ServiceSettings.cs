using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Host.Configuration;

/// <summary>The settings of both tiers. Each tier reads all of them at its start. Otherwise a web tier could accept
/// pictures although its nodes refuse their settings.</summary>
/// <param name="Config">The configuration of this process.</param>
/// <param name="HasEc2Fleet">True if app nodes are machines on EC2.</param>
/// <param name="Listen">The addresses of the web tier.</param>
/// <param name="Web">The settings of the web tier.</param>
/// <param name="Node">The settings of the app nodes.</param>
/// <param name="Model">The settings of the model.</param>
public sealed record ServiceSettings(
    Config Config,
    bool HasEc2Fleet,
    ListenSettings Listen,
    WebTierSettings Web,
    NodeSettings Node,
    OnnxSettings Model)
{
    /// <summary>These settings with another arrangement of the model.</summary>
    internal ServiceSettings With(RunArrangement arrangement) => this with
    {
        Node = Node with { Classification = Node.Classification with { Arrangement = arrangement } },
        Model = Model with { MaxBatch = arrangement.Batch, Threads = arrangement.Threads },
    };

    /// <summary>Reads the settings.</summary>
    /// <param name="role">The role of the process. The web tier does not know the cores and folders of machines on EC2,
    /// so nodes check settings that depend on them.</param>
    /// <param name="sources">The user's settings.</param>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong, or two settings contradict each
    /// other.</exception>
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
