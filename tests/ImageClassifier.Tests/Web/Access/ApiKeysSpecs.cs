using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Access;
using Xunit;

namespace ImageClassifier.Tests.Web.Access;

public sealed class ApiKeysSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_key_is_256_random_bits_and_fits_in_a_header()
    {
        var keys = Enumerable.Range(0, 100).Select(_ => ApiKey.New()).ToList();
        Assert.Equal(100, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Matches(@"\Aick_[A-Za-z0-9_-]{43}\z", key));
    }

    [Fact]
    public void The_setting_of_a_key_is_its_SHA_256()
    {
        var digits = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes("a key")));
        Assert.Equal($"sha256:{digits.ToLowerInvariant()}", ApiKey.SettingOf("a key"));
        Assert.Equal("me", Load(Sources.Set($"image-classifier.access.keys.me=sha256:{digits}")).NameOf("a key"));
    }

    [Fact]
    public void Keys_from_a_file_a_variable_and_an_assignment_are_all_accepted()
    {
        var (file, variable, assigned) = (NewKey.For("of-a-file"), NewKey.For("of-a-variable"), NewKey.For("assigned"));
        var keys = Load(new SettingsSources
        {
            ConfigFile = _folder.Write("my.conf", $"{file.Setting} = \"{file.Hash}\""),
            EnvironmentVariables = new Dictionary<string, string> { [variable.Variable] = variable.Hash },
            Assignments = [$"{assigned.Setting}={assigned.Hash}"],
        });
        Assert.All((NewKey[])[file, variable, assigned], key => Assert.Equal(key.Name, keys.NameOf(key.Key)));
        Assert.Null(keys.NameOf(ApiKey.New()));
        Assert.Null(keys.NameOf(file.Hash));
        Assert.Null(keys.NameOf(""));
        Assert.False(keys.IsEmpty);
    }

    [Fact]
    public void A_stronger_layer_replaces_a_key_of_the_same_name()
    {
        var (old, current) = (NewKey.For("me"), NewKey.For("me"));
        var keys = Load(new SettingsSources
        {
            ConfigFile = _folder.Write("my.conf", $"{old.Setting} = \"{old.Hash}\""),
            Assignments = [$"{current.Setting}={current.Hash}"],
        });
        Assert.Null(keys.NameOf(old.Key));
        Assert.Equal("me", keys.NameOf(current.Key));
    }

    [Fact]
    public void Without_settings_there_is_no_key() => Assert.True(Load(new SettingsSources()).IsEmpty);

    [Theory]
    [InlineData("me", "")]
    [InlineData("me", "ick_this-is-the-key-itself")]
    [InlineData("me", "sha256:abc")]
    [InlineData("me", "sha256:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("Me", "")]
    [InlineData("-me", "")]
    [InlineData("me-", "")]
    [InlineData("me_too", "")]
    public void An_invalid_name_or_value_is_reported_without_showing_a_possible_key(string name, string value)
    {
        var wrong = Assert.Throws<InvalidSettingException>(
            () => Load(Sources.Set($"image-classifier.access.keys.{name}={value}")));
        Assert.Equal($"image-classifier.access.keys.{name}", wrong.Key);
        if (value.Length > 0) Assert.DoesNotContain(value, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_key_has_one_name()
    {
        var key = NewKey.For("one");
        var wrong = Assert.Throws<InvalidSettingException>(() => Load(
            Sources.Set($"{key.Setting}={key.Hash}", $"image-classifier.access.keys.two={key.Hash}")));
        Assert.Contains("one", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image-classifier.access.keys=sha256:0")]
    [InlineData("image-classifier.access.keys.me.too=sha256:0")]
    [InlineData("image-classifier.access.key.me=sha256:0")]
    public void Only_the_names_of_keys_are_free_to_choose(string assignment) => Sources.Wrong(Sources.Set(assignment));

    private static ApiKeys Load(SettingsSources sources) => AccessSettings.Create(
        ProgramSettings.Load(sources)).Keys;
}
