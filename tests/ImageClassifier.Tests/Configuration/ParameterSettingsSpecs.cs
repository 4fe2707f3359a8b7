using System.Text;
using System.Text.Json;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SimpleSystemsManagement;
using Amazon.SimpleSystemsManagement.Model;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Testing.Emulator;
using ImageClassifier.Tests.Aws.Emulator;
using WireMock.RequestBuilders;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>Settings in a parameter of SSM, on moto.</summary>
public sealed class ParameterSettingsSpecs : IAsyncLifetime
{
    private const string Name = "/pics/web";
    private const string MaxInstances = "image-classifier.scaling.max-instances";

    private static readonly BasicAWSCredentials Anyone = new("no-id", "no-secret");

    private MotoServer? _moto;

    public async Task InitializeAsync()
    {
        try
        {
            _moto = await MotoServer.StartAsync();
        }
        catch (SkipException)
        {
            // Each test reports it itself.
        }
    }

    public async Task DisposeAsync()
    {
        if (_moto is not null) await _moto.DisposeAsync();
    }

    [SkippableFact]
    public async Task A_parameter_wins_over_a_file_and_loses_to_variables_and_assignments()
    {
        using var folder = new TemporaryFolder();
        await PutAsync(
            """{"image-classifier": {"scaling": {"max-instances": 5}, "access": {"keys": {"x": "sha256:0"}}}}""");
        var sources = Sources.Variables(("IMAGE_CLASSIFIER__AWS__SETTINGS_PARAMETER", Name)) with
        {
            ConfigFile = folder.Write("my.conf", $"{MaxInstances} = 3"),
        };

        var fetched = await FetchAsync(sources);
        var assigned = fetched with { Assignments = [$"{MaxInstances}=7"] };

        Assert.Equal(5, ProgramSettings.Load(fetched).GetInt(MaxInstances));
        Assert.Equal(7, ProgramSettings.Load(assigned).GetInt(MaxInstances));
        Assert.DoesNotContain("sha256", fetched.ToString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_missing_parameter_is_a_wrong_setting()
    {
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => FetchAsync(Named(Name)));

        Assert.Equal(SettingsParameter.Key, wrong.Key);
        Assert.Contains("SSM has no such parameter", wrong.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("hunter2")]
    [InlineData("image-classifier.access.keys { x = hunter2 ")]
    [InlineData("image-classifier.access { keys { x = \"hunter2 } }")]
    [InlineData("image-classifier.acess.keys.x = hunter2")]
    [InlineData("include \"hunter2\"")]
    public async Task Errors_in_a_parameter_do_not_show_its_value(string text)
    {
        await PutAsync(text);
        var fetched = await FetchAsync(Named(Name));

        var wrong = Sources.Wrong(fetched);

        Assert.Contains(Name, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.ToString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_parameter_cannot_name_another()
    {
        await PutAsync($"{SettingsParameter.Key} = another");

        Assert.Contains("cannot name another", Sources.Wrong(await FetchAsync(Named(Name))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_permission_is_a_wrong_setting()
    {
        using var stub = new StubbedAws();
        stub.On(Request.Create().UsingPost(), StubbedAws.Json(
            """{"__type":"AccessDeniedException","message":"User is not authorized to perform: ssm:GetParameter"}""")
            .WithStatusCode(400));

        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(
            () => FetchAsync(Named(Name), stub.Endpoint));

        Assert.Contains("no permission to read it", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_it_is_an_outage()
    {
        var failure = await Assert.ThrowsAsync<IOException>(
            () => FetchAsync(Named(Name), new Uri("http://127.0.0.1:1")));

        Assert.Contains($"{SettingsParameter.Key} = {Name}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parameter_that_does_not_arrive_within_30_seconds_is_an_outage()
    {
        using var stub = new StubbedAws();
        stub.On(Request.Create().UsingPost(), StubbedAws.Json("{}").WithDelay(TimeSpan.FromMinutes(1)));
        using var ssm = Client(stub.Endpoint);
        var clock = new HandFiredTimer();

        var reading = SettingsParameter.ReadAsync(ssm, Name, default, clock);
        Assert.Equal(TimeSpan.FromSeconds(30), clock.Due);
        clock.Fire();

        var failure = await Assert.ThrowsAsync<IOException>(() => reading);
        Assert.Contains("no answer in time", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_secret_of_Secrets_Manager_is_read_through_its_reference()
    {
        MotoServer.Require();
        await PutSecretAsync("pics/web", $"{MaxInstances} = 6");

        var fetched = await FetchAsync(Named("/aws/reference/secretsmanager/pics/web"));

        Assert.Equal(6, ProgramSettings.Load(fetched).GetInt(MaxInstances));
    }

    [SkippableFact]
    public async Task A_KMS_key_is_tried()
    {
        MotoServer.Require();
        using var kms = new AmazonKeyManagementServiceClient(Anyone, new AmazonKeyManagementServiceConfig
        {
            ServiceURL = _moto!.Endpoint.ToString(),
            AuthenticationRegion = "us-east-1",
        });
        var key = (await kms.CreateKeyAsync(new CreateKeyRequest())).KeyMetadata.Arn;

        Assert.False((await new KeyCheck(kms, key).RunAsync("us-east-1", default)).IsProblem);
        var gone = await new KeyCheck(kms, $"{key[..^4]}0000").RunAsync("us-east-1", default);
        Assert.Contains("kms:GenerateDataKey", gone.Text, StringComparison.Ordinal);
        Assert.True(gone.IsProblem);
    }

    private static SettingsSources Named(string name) => Sources.Set($"{SettingsParameter.Key}={name}");

    private async Task PutAsync(string value)
    {
        MotoServer.Require();
        using var ssm = Client(_moto!.Endpoint);
        await ssm.PutParameterAsync(
            new PutParameterRequest { Name = Name, Value = value, Type = ParameterType.SecureString });
    }

    private async Task PutSecretAsync(string name, string value)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, _moto!.Endpoint);
        request.Headers.Add("X-Amz-Target", "secretsmanager.CreateSecret");
        request.Headers.TryAddWithoutValidation("Authorization",
            "AWS4-HMAC-SHA256 Credential=no-id/20260101/us-east-1/secretsmanager/aws4_request, "
            + "SignedHeaders=host, Signature=none");
        var secret = new { Name = name, SecretString = value, ClientRequestToken = $"{Guid.NewGuid()}" };
        request.Content = new StringContent(
            JsonSerializer.Serialize(secret), Encoding.UTF8, "application/x-amz-json-1.1");
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    private Task<SettingsSources> FetchAsync(SettingsSources sources, Uri? endpoint = null)
    {
        if (endpoint is null) MotoServer.Require();
        return ParameterSettings.FetchAsync(
            sources,
            async (_, name, cancellation) =>
            {
                using var ssm = Client(endpoint ?? _moto!.Endpoint);
                return await SettingsParameter.ReadAsync(ssm, name, cancellation);
            },
            default);
    }

    private static AmazonSimpleSystemsManagementClient Client(Uri endpoint) => new(
        Anyone, new AmazonSimpleSystemsManagementConfig
        {
            ServiceURL = endpoint.ToString(),
            AuthenticationRegion = "us-east-1",
            MaxErrorRetry = 0,
        });

    /// <summary>A clock with one timer, which fires when the test wants it.</summary>
    private sealed class HandFiredTimer : TimeProvider
    {
        private Action? _fire;

        public TimeSpan? Due { get; private set; }

        public void Fire() => _fire!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime;
            _fire = () => callback(state);
            return new Nothing();
        }

        private sealed class Nothing : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
