using System.Net;
using ImageClassifier.Core.Outbound;
using Xunit;

namespace ImageClassifier.Tests.Outbound;

/// <summary>Which addresses clients may name.</summary>
public sealed class PublicAddressesSpecs
{
    /// <summary>The first and the last address of each special network, and the embedded forms.</summary>
    [Theory]
    [InlineData("0.0.0.0", "0.255.255.255")]
    [InlineData("10.0.0.0", "10.255.255.255")]
    [InlineData("100.64.0.0", "100.127.255.255")]
    [InlineData("127.0.0.1", "127.255.255.255")]
    [InlineData("169.254.0.0", "169.254.169.254")]
    [InlineData("172.16.0.0", "172.31.255.255")]
    [InlineData("192.0.0.0", "192.0.0.255")]
    [InlineData("192.0.2.0", "192.0.2.255")]
    [InlineData("192.31.196.0", "192.31.196.255")]
    [InlineData("192.52.193.0", "192.52.193.255")]
    [InlineData("192.88.99.0", "192.88.99.255")]
    [InlineData("192.168.0.0", "192.168.255.255")]
    [InlineData("192.175.48.0", "192.175.48.255")]
    [InlineData("198.18.0.0", "198.19.255.255")]
    [InlineData("198.51.100.0", "198.51.100.255")]
    [InlineData("203.0.113.0", "203.0.113.255")]
    [InlineData("224.0.0.0", "239.255.255.255")]
    [InlineData("240.0.0.0", "255.255.255.255")]
    [InlineData("168.63.129.16", "168.63.129.16")]
    [InlineData("::", "::1")]
    [InlineData("::8.8.8.8", "::ffff:10.0.0.1")]
    [InlineData("::ffff:127.0.0.1", "::ffff:169.254.169.254")]
    [InlineData("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254")]
    [InlineData("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:808:808")]
    [InlineData("100::", "100:0:0:1::1")]
    [InlineData("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("2001:db8::", "2001:db8:ffff::1")]
    [InlineData("2002::", "2002:808:808::1")]
    [InlineData("2620:4f:8000::", "2620:4f:8000:ffff::1")]
    [InlineData("3fff::", "3fff:fff:ffff::1")]
    [InlineData("4000::", "5f00::1")]
    [InlineData("fc00::", "fd00:ec2::254")]
    [InlineData("fe80::1", "febf::1")]
    [InlineData("fec0::", "feff::1")]
    [InlineData("ff00::", "ff02::1")]
    public void Special_addresses_are_not_public(string first, string last)
    {
        Assert.False(PublicAddresses.Contains(IPAddress.Parse(first)), first);
        Assert.False(PublicAddresses.Contains(IPAddress.Parse(last)), last);
    }

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.0.1.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2001:200::1")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2606:4700::1111")]
    public void Other_addresses_are_public(string address) =>
        Assert.True(PublicAddresses.Contains(IPAddress.Parse(address)));

    [Fact]
    public void An_allowed_network_may_be_reached_without_tls_and_a_public_address_may_not()
    {
        var rules = new AddressRules([IPNetwork.Parse("10.1.0.0/16")]);
        Assert.True(rules.Allow(IPAddress.Parse("10.1.2.3"), isEncrypted: false));
        Assert.True(rules.Allow(IPAddress.Parse("::ffff:10.1.2.3"), isEncrypted: true));
        Assert.False(rules.Allow(IPAddress.Parse("10.2.0.0"), isEncrypted: true));
        Assert.True(rules.Allow(IPAddress.Parse("8.8.8.8"), isEncrypted: true));
        Assert.False(rules.Allow(IPAddress.Parse("8.8.8.8"), isEncrypted: false));
    }
}
