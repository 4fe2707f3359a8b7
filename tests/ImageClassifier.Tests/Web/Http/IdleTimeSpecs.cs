using System.Globalization;
using System.Text.RegularExpressions;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Results;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The idle time-outs of service, load balancer and proxy: the service outlasts the load balancer, and
/// heartbeats come before a proxy gives up.</summary>
public sealed partial class IdleTimeSpecs
{
    // nginx's default; other proxies wait longer.
    private static readonly TimeSpan ShortestProxy = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_service_keeps_idle_connections_longer_than_the_templates_load_balancer()
    {
        await using var tier = await RunningWebTier.StartAsync();
        Assert.True(tier.Server.Limits.KeepAliveTimeout > IdleTimeOfBalancer() + TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void A_heartbeat_comes_before_a_proxy_or_the_load_balancer_times_out()
    {
        var heartbeat = ResultSettings.Create(Sources.With()).Heartbeat;
        Assert.True(2 * heartbeat < ShortestProxy);
        Assert.True(2 * heartbeat < IdleTimeOfBalancer());
    }

    private static TimeSpan IdleTimeOfBalancer()
    {
        var template = File.ReadAllText(Path.Combine(
            Repository.Root, "deploy", "cloudformation", "image-classifier.yaml"));
        return TimeSpan.FromSeconds(
            int.Parse(IdleTime().Match(template).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("idle_timeout\\.timeout_seconds\\s+Value: \"([0-9]+)\"")]
    private static partial Regex IdleTime();
}
