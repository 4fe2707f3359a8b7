using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Web.Access;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Reads the API key. It is never printed.</summary>
internal static class SendKey
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>The key of the file or of the variable; null if there is none.</summary>
    /// <param name="options">The arguments.</param>
    /// <param name="note">Receives a warning for the user.</param>
    /// <exception cref="InvalidSettingException">The key cannot be read or used.</exception>
    public static string? Of(SendOptions options, Action<string> note)
    {
        if (options.KeyFile is { } file) return InFile(file, note);
        return options.Variables.GetValueOrDefault(SendOptions.KeyVariable) is { Length: > 0 } key
            ? Checked(key.Trim(), SendOptions.KeyVariable, InvalidSettingException.Hidden)
            : null;
    }

    /// <summary>What the journal stores of a key: a hash, as the settings of a service do.</summary>
    public static string HashOf(string? key) => key is null ? "" : ApiKey.SettingOf(key);

    private static string InFile(string file, Action<string> note)
    {
        string? key = null;
        var error = UserFile.Read(file, takesPipes: true, (stream, head) =>
        {
            key = Encoding.UTF8.GetString(head).Trim();
            if (!OperatingSystem.IsWindows() && PathKinds.Of(file) == PathKind.Regular
                && (File.GetUnixFileMode(stream.SafeFileHandle) & Others) != 0)
                note($"Other users can read the key in {file}. Run chmod 600 on it.");
            return null;
        });
        return error is null
            ? Checked(key!, "--key-file", file)
            : throw new InvalidSettingException("--key-file", file, error.Message);
    }

    private static string Checked(string key, string name, string shown) =>
        key.Length > 0 && key.All(c => c is > ' ' and <= '~')
            ? key
            : throw new InvalidSettingException(name, shown, "a key is one line of visible ASCII characters");
}
