using System.Globalization;
using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class FileNamesSpecs
{
    private const int Longest = 255;

    [Theory]
    [InlineData("cat.jpg", "cat.jpg")]
    [InlineData("../../etc/cat.jpg", "cat.jpg")]
    [InlineData("""C:\photos\cat.jpg""", "cat.jpg")]
    [InlineData(" c\u0001at.jpg\r\n", "cat.jpg")]
    [InlineData("cat\u202Egpj.png", "cat\u202Egpj.png")]
    [InlineData("", "(no name)")]
    [InlineData("photos/", "(no name)")]
    public void A_name_is_shown_without_folders_and_control_characters(string sent, string shown) =>
        Assert.Equal(shown, FileNames.ForShowing(sent));

    [Theory]
    [InlineData("a", ".jpg")]
    [InlineData("a", ".pjpeg")]
    [InlineData("é", ".png")]
    [InlineData("e\u0301\u0302", ".png")]
    [InlineData("猫", ".png")]
    [InlineData("👩‍👩‍👧", ".jpg")]
    [InlineData("🇩🇪", "")]
    public void A_name_that_is_too_long_is_cut_between_letters_and_keeps_its_extension(string letter, string ending)
    {
        var shown = FileNames.ForShowing(string.Concat(Enumerable.Repeat(letter, 300)) + ending);

        Assert.InRange(shown.Length, Longest - letter.Length + 1, Longest);
        Assert.EndsWith(ending, shown, StringComparison.Ordinal);
        var stem = shown[..^ending.Length];
        Assert.All(Letters(stem), element => Assert.Equal(letter, element));
    }

    [Fact]
    public void A_name_of_the_maximum_length_is_unchanged()
    {
        var name = new string('a', Longest - 4) + ".jpg";
        Assert.Equal(name, FileNames.ForShowing(name));
    }

    [Fact]
    public void A_long_text_after_the_last_dot_is_no_extension()
    {
        var shown = FileNames.ForShowing("a." + new string('b', 9000));
        Assert.Equal("a." + new string('b', Longest - 2), shown);
    }

    [Fact]
    public void A_single_letter_with_too_many_accents_is_cut()
    {
        var shown = FileNames.ForShowing("a" + new string('\u0301', 9000) + ".jpg");
        Assert.Equal(Longest, shown.Length);
        Assert.EndsWith(".jpg", shown, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Letters(string text)
    {
        for (var letters = StringInfo.GetTextElementEnumerator(text); letters.MoveNext();)
            yield return letters.GetTextElement();
    }
}
