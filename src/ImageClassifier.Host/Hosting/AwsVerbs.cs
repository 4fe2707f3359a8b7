using System.Text.Json;
using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verbs <c>aws provision</c> and <c>aws check</c>.</summary>
internal static class AwsVerbs
{
    private static readonly TimeSpan NoPoll = TimeSpan.Zero;

    // The time to fetch, decode and classify a large picture on a small machine. A shorter lease could not be renewed
    // in time if a call is slow.
    private static readonly TimeSpan LongestJob = TimeSpan.FromSeconds(15);

    private static readonly JsonSerializerOptions Json = new(WireJson.Options) { WriteIndented = true };

    /// <summary>Creates or adjusts the queues and the bucket, and prints the changes. A dry run only prints
    /// them.</summary>
    public static async Task<int> ProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation)
    {
        using var aws = Open(Load(options.Settings));
        var provisioning = new AwsProvisioning(aws.Clients.Sqs(NoPoll), aws.Clients.S3(), aws.Settings);
        var actions = await provisioning.RunAsync(options.DryRun, cancellation);
        if (options.Json) Print(actions);
        else foreach (var action in actions) Console.Out.WriteLine(options.DryRun ? $"would have {action}" : $"{action}");
        return ExitCodes.Done;
    }

    /// <summary>Checks whether a role can work with these settings. Each line reports what is right, wrong or not
    /// checked.</summary>
    public static async Task<int> CheckAsync(AwsCheckOptions options, CancellationToken cancellation)
    {
        // Settings that a tier would refuse at its start are refused here too.
        var service = ServiceSettings.Load(ProgramRole.Web, OnAws(options.Settings));
        using var aws = Open(Load(options.Settings));
        var check = new AwsCheck(options.Role, aws.Clients.Sqs(NoPoll), aws.Clients.S3(), aws.Settings, LongestJob)
        {
            Launches = service.HasEc2Fleet
                ? new LaunchCheck(aws.Clients.Ec2(), AwsConfiguration.CreateEc2Fleet(service.Config))
                : null,
            Key = aws.Settings.KmsKey is { } key ? new KeyCheck(aws.Clients.Kms(), key) : null,
        };
        var findings = await check.RunAsync(cancellation);
        if (options.Json) Print(findings);
        else foreach (var finding in findings) Console.Out.WriteLine(finding);
        return findings.Any(finding => finding.IsProblem) ? ExitCodes.SomeFailed : ExitCodes.Done;
    }

    /// <summary>These verbs use AWS, even if the settings name another environment.</summary>
    private static SettingsSources OnAws(SettingsSources sources) => sources with
    {
        Options = [.. sources.Options, new OptionValue("aws", EnvironmentSettings.Key, EnvironmentSettings.Aws)],
    };

    private static Config Load(SettingsSources sources) => ProgramSettings.Load(OnAws(sources));

    private static OpenAws Open(Config config)
    {
        var settings = AwsConfiguration.CreateAws(config);
        return new OpenAws(settings, new AwsClients(settings));
    }

    private static void Print<T>(IReadOnlyList<T> entries) => Console.Out.WriteLine(JsonSerializer.Serialize(entries, Json));

    private sealed record OpenAws(AwsSettings Settings, AwsClients Clients) : IDisposable
    {
        public void Dispose() => Clients.Dispose();
    }
}
