using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Web.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>Remoting over TLS, in which both sides show a certificate.</summary>
[Collection(ClusterCollection.Name)]
public sealed class TlsSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    // A node that may not join gives up instead of retrying for ever, so that the test can wait for it.
    private const string GivesUp = "akka.cluster.shutdown-after-unsuccessful-join-seed-nodes = 4s";

    private readonly TestCertificates _certificates = new();

    [Fact]
    public async Task Nodes_with_certificates_of_one_authority_join_and_others_cannot()
    {
        var settings = ClusterNode.Settings(4);
        var nodes = await Started(settings[..2].Select((one, index) =>
            ClusterNode.StartAsync(one, Load(_certificates.Issue($"node-{index}")))));
        using var foreign = new TestCertificates();

        var without = await Started(ClusterNode.StartAsync(settings[2], hocon: GivesUp));
        var stranger = await Started(ClusterNode.StartAsync(
            settings[3], Load(foreign.Issue("stranger")), hocon: GivesUp));

        await without.System.WhenTerminated.WaitAsync(Patience);
        Assert.IsType<CoordinatedShutdown.ClusterJoinUnsuccessfulReason>(without.ShutdownReason);
        // Akka ends a node if its TLS handshake with another node fails.
        await stranger.System.WhenTerminated.WaitAsync(Patience);
        Assert.IsNotType<CoordinatedShutdown.ClrExitReason>(stranger.ShutdownReason);

        Assert.All(nodes, node => Assert.Equal(2, node.Up.Count));
        Assert.All(nodes, node => Assert.Null(node.ShutdownReason));
    }

    [Fact]
    public async Task One_self_signed_certificate_is_enough_for_all_nodes()
    {
        var shared = Load(_certificates.SelfSigned("web"));
        await Started(ClusterNode.Settings(2).Select(one => ClusterNode.StartAsync(one, shared)));
    }

    [Fact]
    public void Wrong_certificate_files_are_refused_by_name()
    {
        var now = TimeProvider.System.GetUtcNow();
        var good = _certificates.Issue("good");
        var expired = _certificates.Issue("expired", now.AddDays(-1), now.AddHours(-1));
        var future = _certificates.Issue("future", now.AddHours(1), now.AddDays(1));
        var alone = _certificates.Issue("alone", withAuthority: false);
        var empty = _certificates.Write("empty.pem", "");
        var foreign = _certificates.Write("foreign.pem", string.Join('\n',
            File.ReadAllText(alone.Certificate), File.ReadAllText(_certificates.SelfSigned("other").Certificate)));

        AssertRefused("certificate", "has expired", expired);
        AssertRefused("certificate", "not valid before", future);
        AssertRefused("certificate", "authority", alone);
        AssertRefused("certificate", "is not the authority", (foreign, alone.Key));
        AssertRefused("certificate", "has no certificate", (empty, good.Key));
        AssertRefused("certificate", "cannot be read", ("no-such.pem", good.Key));
        AssertRefused("certificate", "because certificate-key is set", (null, good.Key));
        AssertRefused("certificate-key", "because certificate is set", (good.Certificate, null));
        AssertRefused("certificate-key", "cannot be read", (good.Certificate, "no-such.key"));
        AssertRefused("certificate-key", "not hold the key", (good.Certificate, expired.Key));
        AssertRefused("certificate-key", "not hold the key", (good.Certificate, empty));
        Assert.NotNull(Load(good));
    }

    [Fact]
    public void The_settings_may_hold_the_texts_themselves_and_no_message_shows_them()
    {
        var files = _certificates.SelfSigned("web");
        var (certificate, key) = (File.ReadAllText(files.Certificate), File.ReadAllText(files.Key));
        var parameter = $""""
            {ClusterSettings.Section}.certificate = """{certificate}"""
            {ClusterSettings.Section}.certificate-key = """{key}"""
            """";
        var settings = ClusterSettings.Create(ProgramSettings.Load(
            new SettingsSources { Parameter = new ParameterText("/image-classifier/web", parameter) }));

        Assert.NotNull(ClusterCertificate.Load(settings, TimeProvider.System));
        var swapped = settings with { CertificateKey = File.ReadAllText(_certificates.SelfSigned("other").Key) };
        var wrong = Assert.Throws<InvalidSettingException>(
            () => ClusterCertificate.Load(swapped, TimeProvider.System));
        Assert.Contains(InvalidSettingException.Hidden, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("-----", wrong.Message, StringComparison.Ordinal);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _certificates.Dispose();
    }

    private static void AssertRefused(string key, string why, (string? Certificate, string? Key) files)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => Load(files));
        Assert.Equal($"{ClusterSettings.Section}.{key}", wrong.Key);
        Assert.Contains(why, wrong.Message, StringComparison.Ordinal);
        Assert.False(wrong.Message.EndsWith("..", StringComparison.Ordinal), wrong.Message);
    }

    private static ClusterCertificate? Load((string? Certificate, string? Key) files) => ClusterCertificate.Load(
        ClusterNode.Settings(1)[0] with { Certificate = files.Certificate, CertificateKey = files.Key },
        TimeProvider.System);
}
