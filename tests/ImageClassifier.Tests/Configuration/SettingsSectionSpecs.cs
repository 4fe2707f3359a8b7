using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class SettingsSectionSpecs
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Theory]
    [InlineData("5s", 5_000)]
    [InlineData("5 s", 5_000)]
    [InlineData("\"5 s\"", 5_000)]
    [InlineData("5 seconds", 5_000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5s", 1_500)]
    [InlineData("15m", 900_000)]
    [InlineData("0s", 0)]
    [InlineData("1d", 86_400_000)]
    public void Reads_a_time_with_its_unit(string text, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Section(text).Duration("key", TimeSpan.Zero, Day));

    [Theory]
    [InlineData("5")]
    [InlineData("-5s")]
    [InlineData("5x")]
    [InlineData("s")]
    [InlineData("infinite")]
    [InlineData("2d")]
    [InlineData("99999999999999999999d")]
    [InlineData("\"\"")]
    [InlineData("five seconds")]
    public void Refuses_an_invalid_time(string text) =>
        AssertRefused(text, section => section.Duration("key", TimeSpan.Zero, Day), "from 0ms to 1d");

    [Theory]
    [InlineData("25MiB", 26_214_400)]
    [InlineData("25 MiB", 26_214_400)]
    [InlineData("25MB", 25_000_000)]
    [InlineData("1GiB", 1_073_741_824)]
    [InlineData("512", 512)]
    [InlineData("1.5MiB", 1_572_864)]
    [InlineData("0.5 KiB", 512)]
    [InlineData("1.25GB", 1_250_000_000)]
    [InlineData("0.1MiB", 104_857)]
    public void Reads_a_size(string text, long bytes) =>
        Assert.Equal(bytes, Section(text).Bytes("key", 1, 2_000_000_000));

    [Theory]
    [InlineData("-25MiB")]
    [InlineData("25x")]
    [InlineData("0")]
    [InlineData("2GiB")]
    [InlineData("99999999999999999999GiB")]
    [InlineData("MiB")]
    [InlineData("1.5")]
    [InlineData("1.5x")]
    [InlineData("-1.5MiB")]
    [InlineData("1.5.5MiB")]
    [InlineData("1.9GiB")]
    [InlineData("1.MiB")]
    [InlineData("99999999999999999999999999999.5MiB")]
    [InlineData("\"\"")]
    public void Refuses_an_invalid_size(string text) =>
        AssertRefused(text, section => section.Bytes("key", 1, 2_000_000_000), "from 1 to 2000000000 bytes");

    [Theory]
    [InlineData("1")]
    [InlineData("19")]
    [InlineData("\"19\"")]
    public void Reads_a_whole_number(string text) =>
        Assert.Equal(int.Parse(text.Trim('"'), null), Section(text).WholeNumber("key", 1, 19));

    [Theory]
    [InlineData("0")]
    [InlineData("20")]
    [InlineData("1.5")]
    [InlineData("1e1")]
    [InlineData("0x1")]
    [InlineData("ten")]
    [InlineData("99999999999")]
    [InlineData("cores")]
    public void Refuses_an_invalid_whole_number(string text) =>
        AssertRefused(text, section => section.WholeNumber("key", 1, 19), "from 1 to 19");

    [Fact]
    public void Cores_stands_for_the_machine_s_cores_within_the_limits()
    {
        Assert.Equal(Environment.ProcessorCount, Section("cores").WholeNumberOrCores("key", 1, 10_000));
        Assert.Equal(10_001, Section("cores").WholeNumberOrCores("key", 10_001, 10_002));
        Assert.Equal(7, Section("7").WholeNumberOrCores("key", 1, 10));
        AssertRefused("core", section => section.WholeNumberOrCores("key", 1, 10), "or cores");
    }

    [Fact]
    public void Auto_leaves_the_choice_to_the_program()
    {
        Assert.Null(Section("auto").WholeNumberOrAuto("key", 1, 10));
        Assert.Equal(7, Section("7").WholeNumberOrAuto("key", 1, 10));
        AssertRefused("cores", section => section.WholeNumberOrAuto("key", 1, 10), "or auto");
        Assert.Null(Section("auto").WholeNumberCoresOrAuto("key", 1, 10, cores: 4));
        Assert.Equal(4, Section("cores").WholeNumberCoresOrAuto("key", 1, 10, cores: 4));
        AssertRefused("11", section => section.WholeNumberCoresOrAuto("key", 1, 10, cores: 4), "cores, or auto");
    }

    [Fact]
    public void Reads_a_large_number() =>
        Assert.Equal(10_000_000_000, Section("10000000000").LargeNumber("key", 1, long.MaxValue));

    [Fact]
    public void Reads_one_of_the_allowed_words()
    {
        Assert.Equal("b", Section("b").OneOf("key", "a", "b"));
        AssertRefused("c", section => section.OneOf("key", "a", "b"), "one of a, b");
    }

    [Fact]
    public void Reads_text_that_may_be_empty()
    {
        Assert.Equal("", Section("\"\"").Text("key"));
        Assert.Equal("a b", Section("a b").Text("key"));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{ inner = 1 }")]
    [InlineData("[1, 2]")]
    public void Refuses_a_value_of_another_kind(string text)
    {
        Assert.Throws<InvalidSettingException>(() => Section(text).Text("key"));
        Assert.Throws<InvalidSettingException>(() => Section(text).WholeNumber("key", 1, 2));
        Assert.Throws<InvalidSettingException>(() => Section(text).Duration("key", TimeSpan.Zero, Day));
        Assert.Throws<InvalidSettingException>(() => Section(text).Bytes("key", 1, 2));
    }

    [Fact]
    public void A_missing_key_is_named()
    {
        var missing = Assert.Throws<InvalidSettingException>(() => Section("1").Section("inner").Text("none"));
        Assert.Equal("part.inner.none", missing.Key);
        Assert.Contains("(not set)", missing.Message, StringComparison.Ordinal);
    }

    private static SettingsSection Section(string value) =>
        new(ConfigurationFactory.ParseString($"part {{ key = {value}\n }}"), "part");

    private static void AssertRefused<T>(string value, Func<SettingsSection, T> read, string allowed)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => { read(Section(value)); });
        Assert.Equal("part.key", wrong.Key);
        Assert.Contains($"part.key = {value.Trim('"')} ", wrong.Message, StringComparison.Ordinal);
        Assert.Contains(allowed, wrong.Message, StringComparison.Ordinal);
    }
}
