using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;
using ImageClassifier.Tests.Aws.Emulator;
using Xunit;

namespace ImageClassifier.Tests.Aws.Provisioning;

/// <summary>Queues on the emulator, and a stub of the bucket's settings.</summary>
[Collection(EmulatedAws.Name)]
public sealed class AwsProvisioningSpecs : IDisposable
{
    private readonly EmulatedAws _aws;
    private readonly StubbedAws _stub = new();
    private readonly AwsSettings _settings;
    private readonly StubbedBucketSettings _bucket;

    public AwsProvisioningSpecs(EmulatedAws aws)
    {
        _aws = aws;
        _settings = EmulatedAws.Settings(_stub.Endpoint);
        _bucket = new StubbedBucketSettings(_stub, _settings.Bucket.Name);
    }

    public void Dispose() => _stub.Dispose();

    [SkippableFact]
    public async Task Missing_resources_are_created_and_then_left_alone()
    {
        var created = await RunAsync();
        var again = await RunAsync();

        var requests = _settings.Queues.Requests;
        Assert.Equal(
            [
                $"created queue {requests.DeadLetterName}", $"created queue {requests.Name}",
                $"created queue {_settings.Queues.Responses.DeadLetterName}",
                $"created queue {_settings.Queues.Responses.Name}",
                $"created bucket {_settings.Bucket.Name}",
            ],
            created.Take(5).Select(action => action.ToString()));
        Assert.All(again, action => Assert.EndsWith("is as it should be", action.ToString(), StringComparison.Ordinal));

        var attributes = await AttributesAsync(requests.Name);
        Assert.Equal("messageGroup", attributes["DeduplicationScope"]);
        Assert.Equal("perMessageGroupId", attributes["FifoThroughputLimit"]);
        Assert.Equal("30", attributes["VisibilityTimeout"]);
        Assert.Contains($"{requests.DeadLetterName}\",\"maxReceiveCount\":20", attributes["RedrivePolicy"],
            StringComparison.Ordinal);
        Assert.Contains(
            "<RestrictPublicBuckets>true<", _bucket.Documents["publicAccessBlock"], StringComparison.Ordinal);
        Assert.Contains("AES256", _bucket.Documents["encryption"], StringComparison.Ordinal);
        Assert.Contains("<Days>30</Days>", _bucket.Documents["lifecycle"], StringComparison.Ordinal);
        Assert.Contains("<DaysAfterInitiation>1<", _bucket.Documents["lifecycle"], StringComparison.Ordinal);
        Assert.DoesNotContain("models", _bucket.Documents["lifecycle"], StringComparison.Ordinal);
        Assert.DoesNotContain("versioning", _bucket.Documents.Keys);
    }

    [SkippableFact]
    public async Task A_dry_run_reports_the_same_and_changes_nothing()
    {
        var planned = await RunAsync(dryRun: true);
        Assert.False(_bucket.IsThere);
        Assert.Empty(_bucket.Documents);
        await Assert.ThrowsAsync<QueueDoesNotExistException>(
            () => _aws.Sqs.GetQueueUrlAsync(_settings.Queues.Requests.Name));

        var done = await RunAsync();

        Assert.Equal(planned, done);
    }

    [SkippableFact]
    public async Task Other_settings_are_adjusted_and_reported_with_old_and_new_values()
    {
        await RunAsync();
        var queue = _settings.Queues.Requests.Name;
        await _aws.Sqs.SetQueueAttributesAsync(
            (await _aws.Sqs.GetQueueUrlAsync(queue)).QueueUrl, new() { ["VisibilityTimeout"] = "60" });
        _bucket.Documents["versioning"] = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        _bucket.Documents["lifecycle"] =
            """
            <LifecycleConfiguration><Rule><ID>someone-else</ID><Filter><Prefix>logs/</Prefix></Filter>
              <Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>
            """;

        var changed = (await RunAsync()).Where(action => action.Kind != ProvisioningActionKind.Unchanged).ToArray();

        Assert.Equal(
            [
                $"changed queue {queue}: VisibilityTimeout from 60 to 30",
                $"changed bucket {_settings.Bucket.Name}: versioning: from on to off",
                $"changed bucket {_settings.Bucket.Name}: lifecycle: from not set to "
                    + "objects other than models go after 30 days, broken uploads after 1",
            ],
            changed.Select(action => action.ToString()));
        Assert.Equal("30", (await AttributesAsync(queue))["VisibilityTimeout"]);
        Assert.Contains("Suspended", _bucket.Documents["versioning"], StringComparison.Ordinal);
        Assert.Contains("someone-else", _bucket.Documents["lifecycle"], StringComparison.Ordinal);
        Assert.All(await RunAsync(), action => Assert.Equal(ProvisioningActionKind.Unchanged, action.Kind));
    }

    [SkippableFact]
    public async Task The_rule_of_earlier_versions_which_deletes_models_is_replaced()
    {
        await RunAsync();
        var sound = _bucket.Documents["lifecycle"];
        _bucket.Documents["lifecycle"] =
            """
            <LifecycleConfiguration><Rule><ID>image-classifier-retention</ID><Filter><Prefix></Prefix></Filter>
              <Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>
            """;

        var changed = Assert.Single(await RunAsync(), action => action.Kind == ProvisioningActionKind.Changed);

        Assert.Equal(
            $"changed bucket {_settings.Bucket.Name}: lifecycle: from a rule for all objects, models among them to "
            + "objects other than models go after 30 days, broken uploads after 1",
            changed.ToString());
        Assert.Equal(sound, _bucket.Documents["lifecycle"]);
    }

    [SkippableFact]
    public async Task A_too_low_receive_limit_is_raised()
    {
        await RunAsync();
        var requests = _settings.Queues.Requests;
        var arn = (await AttributesAsync(requests.DeadLetterName))["QueueArn"];
        await _aws.Sqs.SetQueueAttributesAsync((await _aws.Sqs.GetQueueUrlAsync(requests.Name)).QueueUrl, new()
        {
            ["RedrivePolicy"] = $$"""{"deadLetterTargetArn":"{{arn}}","maxReceiveCount":"6"}""",
        });

        var changed = Assert.Single(await RunAsync(), action => action.Kind == ProvisioningActionKind.Changed);

        Assert.Equal($"queue {requests.Name}", changed.Resource);
        Assert.Contains("\"maxReceiveCount\":20", (await AttributesAsync(requests.Name))["RedrivePolicy"],
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_KMS_key_encrypts_queues_and_bucket()
    {
        const string key = "arn:aws:kms:us-east-1:123456789012:key/4763b5d8-d944-4529-8d52-78c27138323e";
        var settings = new AwsSettings(
            _settings.Region, _settings.Endpoints, _settings.Queues, _settings.Bucket, key);

        await RunAsync(settings);
        var again = await RunAsync(settings);

        foreach (var queue in _settings.Queues.All.SelectMany(queue => new[] { queue.Name, queue.DeadLetterName }))
        {
            var attributes = await AttributesAsync(queue);
            Assert.Equal(key, attributes["KmsMasterKeyId"]);
            Assert.Equal("3600", attributes["KmsDataKeyReusePeriodSeconds"]);
        }

        Assert.Contains(key, _bucket.Documents["encryption"], StringComparison.Ordinal);
        Assert.Contains("<BucketKeyEnabled>true<", _bucket.Documents["encryption"], StringComparison.Ordinal);
        Assert.All(again, action => Assert.Equal(ProvisioningActionKind.Unchanged, action.Kind));
    }

    [SkippableFact]
    public async Task A_refusal_of_AWS_is_an_IOException_with_the_reason()
    {
        using var stub = new StubbedAws();
        stub.On(StubbedAws.SqsCall("GetQueueUrl"), StubbedAws.SqsForbidden("sqs:getqueueurl"));

        var failure = await Assert.ThrowsAsync<IOException>(
            () => new AwsProvisioning(stub.Sqs, stub.S3, _settings).RunAsync(dryRun: false, default));

        Assert.Contains("AccessDenied", failure.Message, StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<ProvisioningAction>> RunAsync(AwsSettings settings) =>
        new AwsProvisioning(_aws.Sqs, _stub.S3, settings).RunAsync(dryRun: false, default);

    private Task<IReadOnlyList<ProvisioningAction>> RunAsync(bool dryRun = false) =>
        new AwsProvisioning(_aws.Sqs, _stub.S3, _settings).RunAsync(dryRun, default);

    private async Task<Dictionary<string, string>> AttributesAsync(string queue)
    {
        var url = (await _aws.Sqs.GetQueueUrlAsync(queue)).QueueUrl;
        return (await _aws.Sqs.GetQueueAttributesAsync(url, ["All"])).Attributes;
    }
}
