using ImageClassifier.Core;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

public sealed class UntrustedTextSpecs
{
    [Theory]
    [InlineData("cat\u202Egpj.png", "cat\uFFFDgpj.png")]
    [InlineData("\u202A\u202B\u202C\u202D\u202E", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD")]
    [InlineData("\u2066\u2067\u2068\u2069", "\uFFFD\uFFFD\uFFFD\uFFFD")]
    [InlineData("\u200E\u200F\u061C", "\uFFFD\uFFFD\uFFFD")]
    [InlineData("a\u200B\u2060\uFEFF\u00ADb", "a\uFFFD\uFFFD\uFFFD\uFFFDb")]
    [InlineData("a\u001B[2J\u0007\u009B", "a\uFFFD[2J\uFFFD\uFFFD")]
    [InlineData("a\r\n\u2028\u2029", "a\uFFFD\uFFFD\uFFFD\uFFFD")]
    [InlineData("tag \U000E0041", "tag \uFFFD")]
    [InlineData("käse 猫 שלום 👩‍👩‍👧 می‌خواهم.jpg", "käse 猫 שלום 👩‍👩‍👧 می‌خواهم.jpg")]
    public void Invisible_characters_are_replaced_and_all_others_stay(string text, string shown)
    {
        Assert.Equal(shown, UntrustedText.ForDisplay(text));
        Assert.Equal(shown.Replace("\uFFFD", "", StringComparison.Ordinal), UntrustedText.WithoutInvisible(text));
    }

    [Theory]
    [InlineData("short", "short")]
    [InlineData("1234567890", "1234567890")]
    [InlineData("12345678901", "123456789\u2026")]
    [InlineData("12345678\U0001F408!", "12345678\uFFFD\u2026")]
    [InlineData("a\r\nb\u001B", "a b\uFFFD")]
    public void A_text_in_a_message_is_one_short_line(string text, string shown) =>
        Assert.Equal(shown, UntrustedText.ForMessage(text, 10));

    [Fact]
    public void A_lone_surrogate_is_replaced() =>
        Assert.Equal("a\uFFFD", UntrustedText.ForDisplay(new string(['a', '\uD83D'])));
}
