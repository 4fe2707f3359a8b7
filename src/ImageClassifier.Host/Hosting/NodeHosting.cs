using System.Diagnostics;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Logging;
using ImageClassifier.Node;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verb <c>node</c>: an app node in its host, as an instance of the process fleet.</summary>
internal static class NodeHosting
{
    /// <summary>Runs an app node until it ends itself, or is asked to stop.</summary>
    public static async Task<int> RunAsync(
        SettingsSources sources, InstanceId instance, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(ProgramRole.Node, sources);
        var settings = NodeSettings.Create(config);
        var layout = EmbeddedEnvironment.CreateLayout(EmbeddedSettings.Create(config));

        await using var identity = await ProcessInstanceIdentity.StartAsync(layout, instance, time: null, cancellation);
        await using var terminate = identity.TerminateRequested.Register(Process.GetCurrentProcess().Kill);
        using var classifier = Verbs.CreateClassifier(config);

        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.AddInstanceLog(layout.DataFolder, instance);
        builder.Services
            .AddEmbeddedEnvironment(config, layout)
            .AddSingleton<IImageClassifier>(classifier)
            .AddSingleton<IInstanceIdentity>(identity)
            .AddActorSystem(config, akka => akka.WithAppNode(settings));

        using var host = builder.Build();
        await host.RunAsync(cancellation);
        return ExitCodes.Done;
    }
}
