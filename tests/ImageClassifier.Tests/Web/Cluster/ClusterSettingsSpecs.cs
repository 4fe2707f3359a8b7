using System.Net;
using ImageClassifier.Core;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Cluster;
using Xunit;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>The allowed settings of a cluster.</summary>
public sealed class ClusterSettingsSpecs
{
    private const string Section = ClusterSettings.Section;
    private static readonly string[] BySeeds = ["enabled=on", "host=10.0.1.5", "seeds=10.0.1.5:2551,10.0.1.6:2551"];

    [Fact]
    public void The_cluster_is_off_by_default() => Assert.False(Create().IsEnabled);

    [Fact]
    public void Seeds_are_read()
    {
        var settings = Create(BySeeds);

        Assert.True(settings.IsEnabled);
        Assert.Equal(IPAddress.Parse("10.0.1.5"), settings.Host);
        Assert.Equal([IPEndPoint.Parse("10.0.1.5:2551"), IPEndPoint.Parse("10.0.1.6:2551")], settings.Seeds);
    }

    [Fact]
    public void On_EC2_the_address_may_be_left_to_the_machine()
    {
        var settings = Create("enabled=true", "discovery=ec2");

        Assert.True(settings.FindsNodesOnEc2);
        Assert.Null(settings.Host);
        Assert.Equal(IPAddress.Parse("10.0.0.7"), settings.At(IPAddress.Parse("10.0.0.7")).Host);
        Assert.Throws<InvalidSettingException>(() => settings.At(IPAddress.Parse("8.8.8.8")));
    }

    [Theory]
    [InlineData("host", "host=8.8.8.8")]
    [InlineData("host", "host=0.0.0.0")]
    [InlineData("host", "host=::")]
    [InlineData("host", "host=localhost")]
    [InlineData("host", "host=2551")]
    [InlineData("host", "host=")]
    [InlineData("port", "port=0")]
    [InlineData("port", "port=65536")]
    [InlineData("seeds", "seeds=")]
    [InlineData("seeds", "seeds=10.0.1.5")]
    [InlineData("seeds", "seeds=8.8.8.8:2551")]
    [InlineData("seeds", "seeds=10.0.1.5:2551,10.0.1.5:2551")]
    [InlineData("seeds", "discovery=ec2")]
    [InlineData("discovery", "discovery=consul")]
    [InlineData("enabled", "enabled=yes")]
    public void A_wrong_value_is_named(string key, params string[] assignments)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => Create([.. BySeeds, .. assignments]));

        Assert.Equal($"{Section}.{key}", wrong.Key);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.9.10", true)]
    [InlineData("10.255.255.255", true)]
    [InlineData("172.16.0.1", true)]
    [InlineData("172.31.255.255", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.1.1", true)]
    [InlineData("192.169.1.1", false)]
    [InlineData("100.64.0.1", true)]
    [InlineData("100.128.0.1", false)]
    [InlineData("169.254.3.4", true)]
    [InlineData("11.0.0.1", false)]
    [InlineData("1.1.1.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::1", true)]
    [InlineData("::", false)]
    [InlineData("fe80::1", true)]
    [InlineData("fd12:3456::1", true)]
    [InlineData("2001:db8::1", false)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("::ffff:8.8.8.8", false)]
    public void An_address_is_private_by_its_network(string address, bool isPrivate) =>
        Assert.Equal(isPrivate, PrivateAddress.Is(IPAddress.Parse(address)));

    private static ClusterSettings Create(params string[] assignments) => ClusterSettings.Create(
        Sources.With([.. assignments.Select(assignment => $"{Section}.{assignment}")]));
}
