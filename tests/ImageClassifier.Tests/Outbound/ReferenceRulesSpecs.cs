using System.Net;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;
using Xunit;

namespace ImageClassifier.Tests.Outbound;

/// <summary>Which references the service follows, as far as that is known without a look-up.</summary>
public sealed class ReferenceRulesSpecs
{
    private static readonly ReferenceRules Rules = new(new AddressRules([]), ["photos", "my.pictures-2"]);

    [Theory]
    [InlineData("https://example.com/cat.jpg")]
    [InlineData("https://example.com:8443/a/b?size=large&token=%20x#part")]
    [InlineData("https://bücher.example/cat.jpg")]
    [InlineData("https://93.184.215.14/cat.jpg")]
    [InlineData("https://[2606:4700::1111]/cat.jpg")]
    public void Public_addresses_with_tls_are_allowed(string url) =>
        Assert.IsType<CheckedReference.Address>(Rules.Check(new PictureReference { Url = url }));

    [Theory]
    [InlineData("http://example.com/cat.jpg")]
    [InlineData("ftp://example.com/cat.jpg")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("example.com/cat.jpg")]
    [InlineData("https://")]
    [InlineData("https:///cat.jpg")]
    [InlineData("https://example.com:0/cat.jpg")]
    [InlineData("https://alice@example.com/cat.jpg")]
    [InlineData("https://alice:secret@example.com/cat.jpg")]
    [InlineData("s3://photos/cat.jpg")]
    [InlineData("")]
    public void Addresses_of_another_form_are_malformed(string url) =>
        Assert.Equal(JobErrorCodes.ReferenceMalformed, CodeOf(new PictureReference { Url = url }));

    [Theory]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://10.0.0.1:8080/cat.jpg")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://100.64.0.1/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[fe80::1%25eth0]/")]
    [InlineData("https://[::ffff:10.0.0.1]/")]
    [InlineData("https://[fd00:ec2::254]/")]
    [InlineData("https://[64:ff9b::10.0.0.1]/")]
    public void Addresses_that_are_not_public_are_refused_at_once(string url) =>
        Assert.Equal(JobErrorCodes.ReferenceNotAllowed, CodeOf(new PictureReference { Url = url }));

    [Fact]
    public void An_allowed_network_may_be_read_without_tls()
    {
        var rules = new ReferenceRules(new AddressRules([IPNetwork.Parse("10.0.0.0/8")]), []);
        Assert.IsType<CheckedReference.Address>(rules.Check(new PictureReference { Url = "http://10.0.0.1/cat.jpg" }));
        Assert.IsType<CheckedReference.Address>(rules.Check(new PictureReference { Url = "http://intranet/cat.jpg" }));
        Assert.IsType<CheckedReference.Refused>(rules.Check(new PictureReference { Url = "http://192.168.0.1/cat.jpg" }));
    }

    [Theory]
    [InlineData("s3://photos/cat.jpg", "photos", "cat.jpg")]
    [InlineData("s3://my.pictures-2/2026/a b+ü?.jpg", "my.pictures-2", "2026/a b+ü?.jpg")]
    [InlineData("s3://photos//x", "photos", "/x")]
    public void Objects_of_allowed_buckets_are_allowed(string address, string bucket, string key) =>
        Assert.Equal(
            new CheckedReference.InBucket(bucket, key), Rules.Check(new PictureReference { S3 = address }));

    [Theory]
    [InlineData("s3://others/cat.jpg", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("s3://Photos/cat.jpg", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("s3://photos", JobErrorCodes.ReferenceMalformed)]
    [InlineData("s3://photos/", JobErrorCodes.ReferenceMalformed)]
    [InlineData("s3:///cat.jpg", JobErrorCodes.ReferenceMalformed)]
    [InlineData("s3://photos/../others/cat.jpg", JobErrorCodes.ReferenceMalformed)]
    [InlineData("s3://photos/a/./b", JobErrorCodes.ReferenceMalformed)]
    [InlineData("s3://photos/a\nb", JobErrorCodes.ReferenceMalformed)]
    [InlineData("https://photos.s3.amazonaws.com/cat.jpg", JobErrorCodes.ReferenceMalformed)]
    public void Other_buckets_and_keys_are_refused(string address, string code) =>
        Assert.Equal(code, CodeOf(new PictureReference { S3 = address }));

    [Fact]
    public void Long_addresses_and_keys_are_refused()
    {
        var longest = "https://example.com/".PadRight(PictureReference.LongestAddress, 'a');
        Assert.IsType<CheckedReference.Address>(Rules.Check(new PictureReference { Url = longest }));
        Assert.Equal(JobErrorCodes.ReferenceMalformed, CodeOf(new PictureReference { Url = longest + "a" }));
        Assert.IsType<CheckedReference.InBucket>(Rules.Check(new PictureReference { S3 = $"s3://photos/{new string('a', 1024)}" }));
        Assert.Equal(
            JobErrorCodes.ReferenceMalformed, CodeOf(new PictureReference { S3 = $"s3://photos/{new string('ü', 513)}" }));
    }

    [Fact]
    public void A_reference_has_exactly_one_address()
    {
        Assert.Equal(JobErrorCodes.ReferenceMalformed, CodeOf(new PictureReference()));
        Assert.Equal(
            JobErrorCodes.ReferenceMalformed,
            CodeOf(new PictureReference { Url = "https://example.com/", S3 = "s3://photos/cat.jpg" }));
    }

    private static string CodeOf(PictureReference reference) =>
        Assert.IsType<CheckedReference.Refused>(Rules.Check(reference)).Error.Code;
}
