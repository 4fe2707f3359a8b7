using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Node;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Host.Configuration;

/// <summary>
/// The settings of both tiers. Each tier reads all of them at its start: what nodes would refuse must stop the web
/// tier, which would otherwise accept pictures that no node ever classifies.
/// </summary>
/// <param name="Config">The configuration of the process itself.</param>
/// <param name="Fleet">What app nodes run on.</param>
/// <param name="Listen">Where the web tier listens.</param>
/// <param name="Web">The web tier.</param>
/// <param name="Node">The app node.</param>
/// <param name="Model">The model that app nodes run.</param>
public sealed record ServiceSettings(
    Config Config,
    FleetSettings Fleet,
    ListenSettings Listen,
    WebTierSettings Web,
    NodeSettings Node,
    OnnxSettings Model)
{
    private const string SilenceKey = "image-classifier.scaling.silence-limit";

    /// <summary>Reads the settings.</summary>
    /// <param name="role">What the process is. Cores and folders of machines on EC2 are not known to the web tier; it
    /// leaves what depends on them to the nodes.</param>
    /// <param name="sources">What the user says.</param>
    /// <exception cref="InvalidSettingException">One is missing or wrong, or two contradict each other.</exception>
    public static ServiceSettings Load(ProgramRole role, SettingsSources sources)
    {
        var web = ProgramSettings.Load(ProgramRole.Web, sources);
        var node = ProgramSettings.Load(ProgramRole.Node, sources);
        var fleet = FleetSettings.Create(web);
        if (fleet.Kind == FleetSettings.Processes) ProcessFleetTimeoutSettings.Create(web);
        var isNodeElsewhere = role == ProgramRole.Web && fleet.Kind == FleetSettings.Ec2;
        var settings = new ServiceSettings(
            role == ProgramRole.Web ? web : node,
            fleet,
            ListenSettings.Create(web),
            WebTierSettings.Create(web),
            NodeSettings.Create(node, isNodeElsewhere ? null : Environment.ProcessorCount),
            isNodeElsewhere ? OnnxSettings.CreateForAnotherMachine(node) : OnnxSettings.Create(node));
        CheckSilence(web, settings.Web.Scaling, settings.Node);
        return settings;
    }

    // One record may be late, and the node that writes it is well.
    private static void CheckSilence(Config web, ScalingSettings scaling, NodeSettings node)
    {
        if (scaling.SilenceLimit > 2 * node.RecordInterval) return;
        throw new InvalidSettingException(SilenceKey, web.GetString(SilenceKey),
            $"it must be more than twice node.record-interval ({node.RecordInterval.TotalSeconds:0.#}s), "
            + "or nodes that are well are ended as silent");
    }
}
