using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class HostSettingsSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_embedded_data_is_kept_in_the_user_s_application_data()
    {
        var settings = EmbeddedSettings.Create(Sources.With());
        Assert.Equal("image-classifier", Path.GetFileName(settings.DataFolder));
        Assert.True(Path.IsPathFullyQualified(settings.DataFolder));
        Assert.Equal(TimeSpan.FromDays(30), settings.Retention);
    }

    [Fact]
    public void A_relative_data_folder_starts_at_the_working_directory() =>
        Assert.Equal(
            Path.Combine(Directory.GetCurrentDirectory(), "some", "where"),
            EmbeddedSettings.Create(Sources.With($"{EmbeddedLayout.DataFolderKey}=some/where")).DataFolder);

    [Fact]
    public void A_file_is_no_data_folder() =>
        AssertRefused(EmbeddedLayout.DataFolderKey, _folder.Write("file", ""), EmbeddedSettings.Create);

    [Theory]
    [InlineData("retention", "59m")]
    public void Embedded_settings_have_limits(string key, string value) =>
        AssertRefused($"image-classifier.embedded.{key}", value, EmbeddedSettings.Create);

    [Fact]
    public void The_default_model_is_beside_the_program()
    {
        var settings = OnnxSettings.Create(Sources.With());
        Assert.Equal(Path.Combine(AppContext.BaseDirectory, "models", "tiny-imagenet-200"), settings.ModelFolder);
        Assert.True(File.Exists(Path.Combine(settings.ModelFolder, "head.onnx")));
        Assert.Equal(4, settings.MaxBatch);
        Assert.Equal(1, settings.Threads);
        Assert.Equal(new DecodingLimits(100_000_000, 1 << 30, TimeSpan.FromSeconds(30)), settings.Decoding);
    }

    [Fact]
    public void A_model_is_found_by_its_full_path_and_from_the_working_directory()
    {
        const string Key = "image-classifier.node.classification.model";
        Assert.Equal(_folder.Path, OnnxSettings.Create(Sources.With($"{Key}={_folder.Path}")).ModelFolder);
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), _folder.Path);
        Assert.Equal(_folder.Path, OnnxSettings.Create(Sources.With($"{Key}={relative}")).ModelFolder);
    }

    [Fact]
    public void A_name_of_a_model_in_the_data_folder_wins_over_a_directory()
    {
        var model = Directory.CreateDirectory(Path.Combine(_folder.Path, "models", "hocon")).FullName;
        string[] settings = [$"{EmbeddedLayout.DataFolderKey}={_folder.Path}", $"{ModelDirectory.SettingKey}=hocon"];

        Assert.Equal(model, OnnxSettings.Create(Sources.With(settings)).ModelFolder);

        // Beside the program is a folder of this name.
        Directory.Delete(model);
        Assert.Equal(
            Path.Combine(AppContext.BaseDirectory, "hocon"), OnnxSettings.Create(Sources.With(settings)).ModelFolder);
    }

    [Theory]
    [InlineData("resnet-50", "run image-classifier models add resnet-50 --data")]
    [InlineData("resnet50", "the models first, second; image-classifier models add NAME adds one of the catalogue: efficientnet")]
    [InlineData("models/first", "no such model directory")]
    public void An_unknown_model_says_which_ones_there_are_and_how_to_add_one(string model, string advice)
    {
        foreach (var name in (string[])["second", "first"])
            Directory.CreateDirectory(Path.Combine(_folder.Path, "models", name));

        var wrong = Assert.Throws<InvalidSettingException>(() => OnnxSettings.Create(Sources.With(
            $"{EmbeddedLayout.DataFolderKey}={_folder.Path}", $"{ModelDirectory.SettingKey}={model}")));

        Assert.Equal(ModelDirectory.SettingKey, wrong.Key);
        Assert.Contains(advice, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void On_AWS_a_model_is_a_directory_of_the_image()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "models", "resnet-50"));

        var wrong = Assert.Throws<InvalidSettingException>(() => OnnxSettings.Create(Sources.With(
            $"{EmbeddedLayout.DataFolderKey}={_folder.Path}", $"{ModelDirectory.SettingKey}=resnet-50",
            $"{EnvironmentSettings.Key}={EnvironmentSettings.Aws}")));

        Assert.Contains("make-ami.sh", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model", "models/none")]
    [InlineData("model", "/none")]
    [InlineData("model", "")]
    [InlineData("max-batch", "0")]
    [InlineData("threads", "257")]
    [InlineData("classifiers", "0")]
    [InlineData("max-pixels", "0")]
    [InlineData("decode-memory", "1KiB")]
    [InlineData("decode-timeout", "0s")]
    public void Onnx_settings_have_limits(string key, string value) =>
        AssertRefused($"image-classifier.node.classification.{key}", value, OnnxSettings.Create);

    [Fact]
    public void Classifiers_and_their_threads_together_fit_the_machine()
    {
        const string Part = "image-classifier.node.classification";
        var config = Sources.With($"{Part}.classifiers={Environment.ProcessorCount}", $"{Part}.threads=2");
        Assert.Equal($"{Part}.classifiers", Assert.Throws<InvalidSettingException>(() => OnnxSettings.Create(config)).Key);
    }

    [Fact]
    public void Queues_have_their_leases()
    {
        var settings = QueueSettings.Create(Sources.With());
        Assert.Equal(
            new QueueLeaseSettings(TimeSpan.FromSeconds(30), 5, TimeSpan.FromMinutes(10)), settings.Requests);
        Assert.Equal(
            new QueueLeaseSettings(TimeSpan.FromSeconds(30), 20, TimeSpan.FromMinutes(10)), settings.Responses);
    }

    [Theory]
    [InlineData("5s", 600, 5)]
    [InlineData("10m", 20 * 600, 30)]
    [InlineData("12h", 12 * 3600, 30)]
    public void The_other_times_of_the_queues_follow_from_the_lease_of_jobs(
        string lease, int maxLeaseSeconds, int responseLeaseSeconds)
    {
        var settings = QueueSettings.Create(Sources.With($"image-classifier.queues.requests.lease={lease}"));
        Assert.Equal(TimeSpan.FromSeconds(maxLeaseSeconds), settings.Requests.MaxLease);
        Assert.Equal(TimeSpan.FromSeconds(responseLeaseSeconds), settings.Responses.Lease);
    }

    [Theory]
    [InlineData("requests.lease", "0s")]
    [InlineData("requests.max-receives", "251")]
    public void Queue_settings_have_limits(string key, string value) =>
        AssertRefused($"image-classifier.queues.{key}", value, QueueSettings.Create);

    [Fact]
    public void The_default_fleet_has_child_processes() =>
        Assert.False(EnvironmentSettings.Create(Sources.With()).HasEc2Fleet);

    [Theory]
    [InlineData("horses")]
    [InlineData("ec2")]
    public void A_fleet_that_this_machine_cannot_have_is_refused(string kind) =>
        AssertRefused("image-classifier.fleet.kind", kind, EnvironmentSettings.Create);

    [Fact]
    public void The_web_tier_listens_on_loopback()
    {
        var settings = ListenSettings.Create(Sources.With());
        Assert.Equal(["http://127.0.0.1:5000"], settings.Urls);
        Assert.Equal(TimeSpan.FromSeconds(10), settings.ShutdownTimeout);
    }

    [Theory]
    [InlineData("http://127.0.0.1:0", 1, true)]
    [InlineData("http://*:5000", 1, false)]
    [InlineData("http://0.0.0.0:5000", 1, false)]
    [InlineData("http://localhost:5000; http://[::1]:5001", 2, true)]
    [InlineData("HTTP://LOCALHOST:5000", 1, true)]
    [InlineData("http://unix:/tmp/image-classifier.sock", 1, true)]
    [InlineData("http://+:5000", 1, false)]
    [InlineData("http://[::]:5000", 1, false)]
    [InlineData("http://localhost:5000; http://192.0.2.1:5001", 2, false)]
    public void The_web_tier_listens_on_the_given_addresses(string urls, int count, bool isLoopbackOnly)
    {
        var settings = ListenSettings.Create(Sources.With($"{ListenSettings.UrlsKey}={urls}"));
        Assert.Equal(count, settings.Urls.Count);
        Assert.Equal(isLoopbackOnly, settings.IsLoopbackOnly);
    }

    [Theory]
    [InlineData("urls", "")]
    [InlineData("urls", ";")]
    [InlineData("urls", "127.0.0.1:5000")]
    [InlineData("urls", "ftp://127.0.0.1:5000")]
    [InlineData("urls", "http://127.0.0.1:99999")]
    [InlineData("urls", "http://127.0.0.1:x")]
    [InlineData("urls", "http://127.0.0.1:-1")]
    [InlineData("urls", "http://127.0.0.1:5000/base")]
    [InlineData("urls", "http://127.0.0.1:5000; http://pictures.example:5000")]
    [InlineData("urls", "http://::1:5000")]
    public void Listen_settings_have_limits(string key, string value) =>
        AssertRefused($"image-classifier.web.{key}", value, ListenSettings.Create);

    [Fact]
    public void A_password_in_an_address_is_refused_and_not_shown()
    {
        var refused = Assert.Throws<InvalidSettingException>(
            () => ListenSettings.Create(Sources.With($"{ListenSettings.UrlsKey}=http://user:hunter2@127.0.0.1:1")));

        Assert.Contains("a user or a password", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://loclahost:7107", "did you mean localhost?")]
    [InlineData("http://localhost.:7107", "did you mean localhost?")]
    [InlineData("http://127.0.0.l:7107", "did you mean 127.0.0.1?")]
    [InlineData("http://pictures:7107", "http://*:5000 for every interface")]
    [InlineData("http://5000", "which means 0.0.19.136")]
    [InlineData("http://0:7107", "which means 0.0.0.0")]
    [InlineData("http://127.0.0.1:7107x", "no port from 0 to 65535")]
    [InlineData("http://::1:7107", "write [::1]")]
    [InlineData("https://127.0.0.1:7107", "a proxy before it can speak https")]
    public void A_host_that_would_open_the_service_to_everyone_by_mistake_is_refused(string url, string clause)
    {
        var wrong = Assert.Throws<InvalidSettingException>(
            () => ListenSettings.Create(Sources.With($"{ListenSettings.UrlsKey}={url}")));
        Assert.Contains(clause, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_folder_whose_name_is_not_UTF_8_is_refused() =>
        AssertRefused(
            EmbeddedLayout.DataFolderKey, Path.Combine(_folder.Path, "bl\uFFFDtter"), EmbeddedSettings.Create);

    private static void AssertRefused<T>(string key, string value, Func<Akka.Configuration.Config, T> create)
    {
        var config = Sources.With($"{key}={value}");
        var wrong = Assert.Throws<InvalidSettingException>(() => { create(config); });
        Assert.Equal(key, wrong.Key);
        Assert.Contains($"{key} = {value} ", wrong.Message, StringComparison.Ordinal);
    }
}
