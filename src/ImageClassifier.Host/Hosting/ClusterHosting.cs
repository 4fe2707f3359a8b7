using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Adapters.Aws.Identity;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Web.Cluster;

namespace ImageClassifier.Host.Hosting;

/// <summary>The part of a web node in its cluster.</summary>
/// <param name="Settings">The settings of the cluster, with the address of this node.</param>
/// <param name="Certificate">The certificates for TLS; null for no TLS.</param>
/// <param name="Finder">Finds the web nodes on EC2; null if seeds are set.</param>
internal sealed record ClusterHosting(
    ClusterSettings Settings, ClusterCertificate? Certificate, WebNodeFinder? Finder)
{
    private const string Section = ClusterSettings.Section;

    /// <summary>Checks what only this machine knows: the certificate files, the address and its ports.</summary>
    /// <exception cref="InvalidSettingException">One of them is wrong.</exception>
    public static async Task<ClusterHosting> OpenAsync(
        ServiceSettings service, TierEnvironment environment, CancellationToken cancellation)
    {
        var settings = service.Web.Cluster;
        if (!settings.IsEnabled) return new ClusterHosting(settings, null, null);
        if (settings.FindsNodesOnEc2 && environment.Aws is null)
        {
            throw new InvalidSettingException($"{Section}.discovery", "ec2",
                "it goes with the environment aws; set image-classifier.web.cluster.seeds instead");
        }

        if (settings.Host is null) settings = settings.At(await OwnAddressAsync(cancellation));
        var certificate = ClusterCertificate.Load(settings, TimeProvider.System);
        CheckFree("port", settings.Host!, settings.Port);
        return new ClusterHosting(settings, certificate, settings.FindsNodesOnEc2 ? Find(service, environment) : null);
    }

    public void AddTo(AkkaConfigurationBuilder akka) => akka.WithWebCluster(Settings, Certificate, Finder);

    /// <summary>The exit code of a node that the cluster removed, or whose actor system ended by itself. systemd or the
    /// Auto Scaling group must start such a node again.</summary>
    public static int ExitCodeAfter(CoordinatedShutdown shutdown) =>
        shutdown.ShutdownReason is CoordinatedShutdown.ClrExitReason ? ExitCodes.Done : ExitCodes.SomeFailed;

    private static WebNodeFinder Find(ServiceSettings service, TierEnvironment environment)
    {
        var deployment = AwsConfiguration.CreateEc2Fleet(service.Config).Deployment;
        return new WebNodeFinder(new Ec2WebNodes(environment.Aws!.Clients.Ec2(), deployment).FindAsync);
    }

    private static async Task<IPAddress> OwnAddressAsync(CancellationToken cancellation)
    {
        try
        {
            return await Ec2PrivateAddress.ReadAsync(endpoint: null, cancellation);
        }
        catch (IOException failure)
        {
            throw new InvalidSettingException($"{Section}.host", null,
                $"set the private address of this machine: {failure.Message}", failure);
        }
    }

    // Akka would only report that it could not create an actor.
    private static void CheckFree(string key, IPAddress host, int port)
    {
        using var listener = new TcpListener(host, port);
        try
        {
            listener.Start();
        }
        catch (SocketException failure)
        {
            throw failure.SocketErrorCode == SocketError.AddressNotAvailable
                ? new InvalidSettingException($"{Section}.host", $"{host}", "this machine does not have it", failure)
                : new InvalidSettingException(
                    $"{Section}.{key}", $"{port}", $"this node cannot listen on {host}:{port}: {failure.Message}",
                    failure);
        }
    }
}
