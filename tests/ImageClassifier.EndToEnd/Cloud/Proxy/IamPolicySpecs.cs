using Xunit;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The proxy judges as IAM would.</summary>
public sealed class IamPolicySpecs
{
    private static readonly Dictionary<string, string> Words = new() { ["DEPLOYMENT"] = "loop", ["REGION"] = "eu" };

    [Theory]
    [InlineData("sqs:SendMessage", "arn:aws:sqs:eu:1:loop-requests.fifo", true)]
    [InlineData("sqs:SendMessage", "arn:aws:sqs:eu:1:loop-responses.fifo", false)]
    [InlineData("sqs:SendMessage", "arn:aws:sqs:us:1:loop-requests.fifo", false)]
    [InlineData("sqs:DeleteQueue", "arn:aws:sqs:eu:1:loop-requests.fifo", false)]
    public void An_action_is_allowed_on_the_resources_of_its_statement_only(string action, string resource, bool allowed)
    {
        var policy = Policy(
            """{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:REGION:1:DEPLOYMENT-requests.fifo"}""");

        Assert.Equal(allowed, policy.Allows(new NeededPermission(action, resource)));
    }

    [Theory]
    [InlineData("ec2:DescribeInstances", "*", true)]
    [InlineData("ec2:RunInstances", "*", false)]
    [InlineData("s3:GetObject", "arn:aws:s3:::b/images/1/2.jpg", true)]
    [InlineData("s3:GetObject", "arn:aws:s3:::b/results/1/2.json", false)]
    [InlineData("s3:GetObject", "arn:aws:s3:::b", false)]
    public void Stars_stand_for_any_text(string action, string resource, bool allowed)
    {
        var policy = Policy(
            """{"Effect":"Allow","Action":["ec2:Describe*"],"Resource":"*"}""",
            """{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/images/*"]}""");

        Assert.Equal(allowed, policy.Allows(new NeededPermission(action, resource)));
    }

    [Fact]
    public void A_statement_with_resources_allows_no_call_without_a_resource() => Assert.False(
        Policy("""{"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"arn:aws:ec2:eu:1:instance/*"}""")
            .Allows(new NeededPermission("ec2:DescribeInstances", "*")));

    [Theory]
    [InlineData("StringEquals", "c7i.large", "c7i.large", true)]
    [InlineData("StringEquals", "c7i.*", "c7i.large", false)]
    [InlineData("StringLike", "c7i.*", "c7i.large", true)]
    [InlineData("StringLike", "c7i.*", "m7i.large", false)]
    [InlineData("ArnEquals", "arn:aws:ec2:*:1:launch-template/lt-1", "arn:aws:ec2:eu:1:launch-template/lt-1", true)]
    [InlineData("ArnLike", "arn:aws:ec2:*:1:launch-template/lt-1", "arn:aws:ec2:eu:1:launch-template/lt-2", false)]
    [InlineData("Bool", "true", "True", true)]
    [InlineData("StringEquals", "c7i.large", null, false)]
    [InlineData("StringEqualsIfExists", "c7i.large", null, true)]
    [InlineData("StringEqualsIfExists", "c7i.large", "m7i.large", false)]
    [InlineData("Null", "true", null, true)]
    [InlineData("Null", "true", "c7i.large", false)]
    [InlineData("Null", "false", null, false)]
    [InlineData("Null", "false", "c7i.large", true)]
    public void A_condition_is_evaluated_by_its_operator(string name, string pattern, string? value, bool allowed)
    {
        var policy = Policy(
            $$$"""
            {"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*",
             "Condition":{"{{{name}}}":{"ec2:InstanceType":["none","{{{pattern}}}"]} } }
            """);
        var context = new Dictionary<string, string>();
        if (value is not null) context["ec2:InstanceType"] = value;

        Assert.Equal(allowed, policy.Allows(new NeededPermission("ec2:RunInstances", "*", context)));
    }

    [Fact]
    public void All_conditions_of_a_statement_must_hold()
    {
        var policy = Policy(
            """
            {"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*","Condition":{"StringEquals":
              {"aws:RequestTag/image-classifier:role":"node","aws:RequestTag/image-classifier:deployment":"DEPLOYMENT"}}}
            """);
        Dictionary<string, string> both = new()
        {
            ["aws:RequestTag/image-classifier:role"] = "node",
            ["aws:RequestTag/image-classifier:deployment"] = "loop",
        };
        var one = both.Take(1).ToDictionary();

        Assert.True(policy.Allows(new NeededPermission("ec2:RunInstances", "*", both)));
        Assert.False(policy.Allows(new NeededPermission("ec2:RunInstances", "*", one)));
    }

    [Theory]
    [InlineData("""{"Effect":"Perhaps","Action":"*","Resource":"*"}""", "Perhaps")]
    [InlineData("""{"Effect":"Allow","NotAction":"*","Resource":"*"}""", "NotAction")]
    [InlineData("""{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::PAIL"}""", "PAIL")]
    [InlineData("""{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:SourceAccount}"}""", "variable")]
    [InlineData(
        """{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"ec2:InstanceType":"1"}}}""",
        "DateLessThan")]
    [InlineData(
        """{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"1"}}}""",
        "aws:SourceIp")]
    public void An_unknown_condition_is_reported_and_not_guessed(string statement, string name)
    {
        var failure = Assert.Throws<NotModelledException>(() => Policy(statement));

        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_denying_statement_wins()
    {
        var policy = Policy(
            """{"Effect":"Allow","Action":"s3:*","Resource":"*"}""",
            """{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}""");

        Assert.True(policy.Allows(new NeededPermission("s3:GetObject", "arn:aws:s3:::pail/a")));
        Assert.False(policy.Allows(new NeededPermission("s3:DeleteObject", "arn:aws:s3:::pail/a")));
    }

    private static IamPolicy Policy(params string[] statements) =>
        IamPolicy.Parse($$"""{"Version":"2012-10-17","Statement":[{{string.Join(',', statements)}}]}""", Words);
}
