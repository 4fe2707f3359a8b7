namespace ImageClassifier.Core;

/// <summary>A setting is missing or wrong, so the program cannot start. The message names the key, the value and what
/// is allowed.</summary>
public sealed class InvalidSettingException : Exception
{
    /// <summary>Stands for a value that may be a secret: messages go to logs and terminals.</summary>
    public const string Hidden = "(hidden)";

    /// <summary>A setting with a value that is not allowed.</summary>
    /// <param name="key">The setting's full name, or the command-line option that gives it.</param>
    /// <param name="value">What it is set to; null when it is not set.</param>
    /// <param name="allowed">What it may be, or what is wrong, as a clause: <c>from 1 to 1000</c>.</param>
    /// <param name="inner">What found it.</param>
    public InvalidSettingException(string key, string? value, string allowed, Exception? inner = null)
        : base($"{key} = {value ?? "(not set)"} is not usable: {allowed}.", inner)
    {
        Key = key;
    }

    /// <summary>The setting's full name.</summary>
    public string Key { get; }
}
