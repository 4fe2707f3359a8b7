using System.Diagnostics;
using System.Reflection;
using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>Only one class reads each key, so that all users have the same limits.</summary>
public sealed class SettingsReadersSpecs
{
    // Read before all others, because it is a layer.
    private static readonly string[] ReadAsLayer = [SettingsParameter.Key];

    [Fact]
    public void Each_setting_is_read_by_exactly_one_class()
    {
        var recorded = new RecordingConfig(Sources.With(
            "image-classifier.environment=aws", "image-classifier.aws.s3.bucket=my-bucket"));

        foreach (var create in Readers()) Assert.NotNull(create.Invoke(null, [recorded]));

        Assert.All(ProgramSettings.AllKeys().Except(ReadAsLayer), key =>
        {
            Assert.True(recorded.Readers.TryGetValue(key, out var readers), $"No one reads {key}.");
            Assert.True(readers.Count == 1, $"{key} is read by {string.Join(" and ", readers)}.");
        });
    }

    [Fact]
    public void Only_settings_classes_read_settings()
    {
        var others = Directory
            .EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file).Contains("new SettingsSection(", StringComparison.Ordinal))
            .Select(file => Path.GetFileName(file))
            .Where(name => !name.EndsWith("Settings.cs", StringComparison.Ordinal))
            .Except(["AwsConfiguration.cs"]);

        Assert.Empty(others);
    }

    private static IEnumerable<MethodInfo> Readers() =>
    [
        .. EffectiveSettingsSpecs.SettingsReaders(),
        typeof(AwsConfiguration).GetMethod(nameof(AwsConfiguration.CreateAws))!,
        typeof(AwsConfiguration).GetMethod(nameof(AwsConfiguration.CreateEc2Fleet))!,
    ];

    /// <summary>Records which class reads which key.</summary>
    private sealed class RecordingConfig(Config inner) : Config
    {
        public Dictionary<string, HashSet<string>> Readers { get; } = [];

        public override bool HasPath(string path)
        {
            Record(path);
            return inner.HasPath(path);
        }

        public override string GetString(string path, string @default)
        {
            Record(path);
            return inner.GetString(path, @default);
        }

        public override TimeSpan GetTimeSpan(string path, TimeSpan? @default, bool allowInfinite) =>
            inner.GetTimeSpan(path, @default, allowInfinite);

        public override long? GetByteSize(string path) => inner.GetByteSize(path);

        public override Config GetConfig(string path) => inner.GetConfig(path);

        private void Record(string key)
        {
            var reader = new StackTrace().GetFrames()
                .Select(frame => Outermost(frame.GetMethod()?.DeclaringType))
                .First(type => type is not null && type != typeof(SettingsReadersSpecs) && type != typeof(SettingsSection))!;
            if (!Readers.TryGetValue(key, out var readers)) Readers[key] = readers = [];
            readers.Add(reader.Name);
        }

        private static Type? Outermost(Type? type)
        {
            while (type?.DeclaringType is { } outer) type = outer;
            return type;
        }
    }
}
