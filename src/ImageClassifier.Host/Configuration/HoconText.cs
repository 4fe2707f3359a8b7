using Akka.Configuration;

namespace ImageClassifier.Host.Configuration;

/// <summary>Parses HOCON strictly. Akka's parser accepts a missing brace or quote at the end, and silently drops the
/// text after a surplus brace. Half a settings file must not start the program.</summary>
internal static class HoconText
{
    /// <exception cref="FormatException">The text is not HOCON, or uses a part of HOCON that is not
    /// supported.</exception>
    public static Config Parse(string text)
    {
        CheckShape(text);
        try
        {
            return ConfigurationFactory.ParseString(text);
        }
        catch (NullReferenceException failure)
        {
            // The parser's result for an include without a resolver.
            throw new FormatException("include is not supported", failure);
        }
        catch (Exception failure) when (failure is not FormatException)
        {
            throw new FormatException(failure.Message, failure);
        }
    }

    /// <summary>Checks only braces and quotes. The message names the line and quotes no text, which may be
    /// secret.</summary>
    /// <exception cref="FormatException">A brace or quote does not match.</exception>
    public static void CheckShape(string text)
    {
        var open = new Stack<(char Closing, int Line)>();
        var line = 1;
        for (var at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '\n':
                    line++;
                    break;
                case '#':
                case '/' when Next(text, at) == '/':
                    at = EndOfLine(text, at) - 1;
                    break;
                case '"':
                    var end = EndOfQuote(text, at);
                    if (end < 0) throw new FormatException($"the quote in line {line} does not end");
                    line += text.AsSpan(at, end - at).Count('\n');
                    at = end - 1;
                    break;
                case '$' when text.AsSpan(at).StartsWith("${?"):
                    throw new FormatException($"line {line}: optional substitutions (${{?…}}) are not supported");
                case '{':
                    open.Push(('}', line));
                    break;
                case '[':
                    open.Push((']', line));
                    break;
                case '}' or ']':
                    if (!open.TryPop(out var opened) || opened.Closing != text[at])
                        throw new FormatException($"the {text[at]} in line {line} closes nothing");
                    break;
            }
        }

        if (open.TryPop(out var left))
            throw new FormatException($"a {left.Closing} is missing for what opens in line {left.Line}");
    }

    private static char Next(string text, int at) => at + 1 < text.Length ? text[at + 1] : '\0';

    private static int EndOfLine(string text, int from) =>
        text.IndexOf('\n', from) is var end and >= 0 ? end : text.Length;

    /// <returns>The index after the closing quote; negative if there is none.</returns>
    private static int EndOfQuote(string text, int start)
    {
        const string Triple = "\"\"\"";
        if (text.AsSpan(start).StartsWith(Triple))
            return text.IndexOf(Triple, start + 3, StringComparison.Ordinal) is var end and >= 0 ? end + 3 : -1;
        for (var at = start + 1; at < text.Length && text[at] != '\n'; at++)
        {
            if (text[at] == '"') return at + 1;
            if (text[at] == '\\') at++;
        }

        return -1;
    }
}
