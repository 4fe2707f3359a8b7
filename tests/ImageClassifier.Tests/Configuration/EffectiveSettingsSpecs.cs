using System.Reflection;
using Akka.Actor;
using Akka.Configuration;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Node;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>The settings of a program without any user settings.</summary>
public sealed class EffectiveSettingsSpecs
{
    [Fact]
    public void Every_settings_class_can_be_read_from_the_defaults()
    {
        var config = ProgramSettings.Load(new SettingsSources());
        var readers = SettingsReaders().ToList();
        Assert.Contains(readers, reader => reader.DeclaringType == typeof(EmbeddedSettings));
        Assert.All(readers, reader => Assert.NotNull(reader.Invoke(null, [config])));
    }

    [Theory]
    [InlineData("environment", "embedded")]
    [InlineData("web.urls", "http://127.0.0.1:5000")]
    [InlineData("fleet.kind", "processes")]
    [InlineData("scaling.policy", "latency")]
    [InlineData("scaling.max-instances", "cores")]
    [InlineData("node.polling.wait-time", "5s")]
    [InlineData("node.polling.max-in-flight", "20")]
    [InlineData("node.termination.max-empty-polls", "3")]
    [InlineData("node.classification.model", "models/tiny-imagenet-200")]
    [InlineData("node.classification.max-pixels", "100000000")]
    [InlineData("queues.requests.lease", "30s")]
    [InlineData("queues.requests.max-receives", "5")]
    [InlineData("uploads.max-files", "1000")]
    [InlineData("uploads.max-request-size", "1GiB")]
    [InlineData("uploads.max-file-size", "25MiB")]
    [InlineData("results.max-waiting-requests", "200")]
    [InlineData("results.wait-limit", "50s")]
    [InlineData("embedded.retention", "30d")]
    public void Each_documented_key_has_its_documented_default(string key, string value) =>
        Assert.Equal(value, ProgramSettings.Load(new SettingsSources()).GetString($"image-classifier.{key}"));

    [Fact]
    public void The_cap_of_a_cloud_fleet_is_19() =>
        Assert.Equal(19, Reference().GetInt("image-classifier.scaling.max-instances"));

    [Fact]
    public async Task An_actor_system_starts_from_the_settings()
    {
        var config = ProgramSettings.Load(new SettingsSources());
        var system = ActorSystem.Create("settings", config);
        Assert.True(system.Dispatchers.HasDispatcher("classifier-dispatcher"));
        Assert.Equal("embedded", system.Settings.Config.GetString(EnvironmentSettings.Key));
        Assert.IsType<SleepingScheduler>(system.Scheduler);
        await system.Terminate();
    }

    [Fact]
    public void The_stop_budgets_nest()
    {
        var config = ProgramSettings.Load(new SettingsSources());
        var phase = config.GetTimeSpan("akka.coordinated-shutdown.phases.service-requests-done.timeout");
        var fleet = new ProcessFleetSettings(new NodeCommand("node", [], []));
        Assert.True(NodeSettings.LongestDrain < fleet.DrainTimeout);
        Assert.True(fleet.DrainTimeout < phase);
        Assert.True(phase < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Every_setting_is_documented_where_it_is_defined()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var undocumented = lines.Select((line, at) => (line: line.Trim(), at))
            .Where(entry => IsValue(entry.line) && !HasComment(lines, entry.at))
            .Select(entry => $"line {entry.at + 1}: {entry.line}");
        Assert.Contains(lines, line => IsValue(line.Trim()));
        Assert.Empty(undocumented);
    }

    private static Config Reference() =>
        ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(ProgramSettings.BundledFolder, "reference.conf")));

    /// <summary>The <c>Create(Config)</c> of every settings class in the program.</summary>
    internal static IEnumerable<MethodInfo> SettingsReaders() =>
        from file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
        let name = Path.GetFileNameWithoutExtension(file)
        where name == "image-classifier" || name.StartsWith("ImageClassifier.", StringComparison.Ordinal)
        where !name.Contains("Test", StringComparison.Ordinal)
        from type in Assembly.Load(name).GetTypes()
        where type.Name.EndsWith("Settings", StringComparison.Ordinal)
        let create = type.GetMethod("Create", BindingFlags.Public | BindingFlags.Static, [typeof(Config)])
        where create is not null
        select create;

    private static bool IsValue(string line) => !line.StartsWith('#') && line.Contains('=', StringComparison.Ordinal);

    // A comment covers the lines below it, up to an empty line or the next group.
    private static bool HasComment(string[] lines, int at)
    {
        for (var above = at - 1; above >= 0; above--)
        {
            var line = lines[above].Trim();
            if (line.StartsWith('#')) return true;
            if (!IsValue(line)) return false;
        }

        return false;
    }
}
