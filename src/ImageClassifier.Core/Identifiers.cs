using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ImageClassifier.Core;

/// <summary>Identifies a batch, which is the jobs of one upload request. 128 random bits as 32 lower-case hexadecimal
/// digits. Everyone who knows the id may read the batch.</summary>
[JsonConverter(typeof(BatchIdJsonConverter))]
public readonly record struct BatchId
{
    private readonly string? _value;

    private BatchId(string value) => _value = value;

    /// <summary>The 32 digits.</summary>
    public string Value => _value ?? throw new InvalidOperationException("This batch id was never set.");

    /// <summary>Stands for the batch in logs: 8 digits of the id's SHA-256. All log lines of a batch have it, and
    /// nobody can read the batch with it.</summary>
    public string LogReference => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Value)))[..8];

    /// <summary>Draws a new id from the cryptographic random source.</summary>
    public static BatchId New() => new(RandomId.New());

    /// <summary>Parses an id from outside. False unless it is exactly 32 lower-case hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out BatchId id)
    {
        id = RandomId.IsWellFormed(text) ? new BatchId(text) : default;
        return id._value is not null;
    }

    /// <summary>Parses an id.</summary>
    /// <exception cref="FormatException">The text is not a batch id.</exception>
    public static BatchId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException("A batch id is 32 lower-case hexadecimal digits.");

    /// <inheritdoc />
    public override string ToString() => _value ?? "";
}

/// <summary>Identifies a job, which is one picture to classify. A UUID of version 7 as 32 lower-case hexadecimal digits:
/// the time in milliseconds, then 74 random bits. Unique over all batches, because the queues use it as the group and for
/// deduplication. It is no secret.</summary>
[JsonConverter(typeof(JobIdJsonConverter))]
public readonly record struct JobId
{
    private readonly string? _value;

    private JobId(string value) => _value = value;

    /// <summary>The 32 digits.</summary>
    public string Value => _value ?? throw new InvalidOperationException("This job id was never set.");

    /// <summary>Draws a new id. Ids begin with the time, so that a database with many of them adds each one at the end of
    /// its indexes. Random ones would each change another page.</summary>
    public static JobId New() => new(Guid.CreateVersion7().ToString("n"));

    /// <summary>Parses an id from outside. False unless it is exactly 32 lower-case hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out JobId id)
    {
        id = RandomId.IsWellFormed(text) ? new JobId(text) : default;
        return id._value is not null;
    }

    /// <summary>Parses an id.</summary>
    /// <exception cref="FormatException">The text is not a job id.</exception>
    public static JobId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException("A job id is 32 lower-case hexadecimal digits.");

    /// <inheritdoc />
    public override string ToString() => _value ?? "";
}

/// <summary>Identifies an instance, which is the machine or process of one app node. The fleet assigns it: an EC2
/// instance id, or the name of a child process. 1 to 64 letters, digits and hyphens, so it is safe in a path and on a
/// command line.</summary>
[JsonConverter(typeof(InstanceIdJsonConverter))]
public readonly record struct InstanceId
{
    private readonly string? _value;

    private InstanceId(string value) => _value = value;

    /// <summary>The name.</summary>
    public string Value => _value ?? throw new InvalidOperationException("This instance id was never set.");

    /// <summary>Parses a name from outside. False unless it is well-formed.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InstanceId id)
    {
        var wellFormed = text is { Length: > 0 and <= 64 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
            && text[0] != '-';
        id = wellFormed ? new InstanceId(text!) : default;
        return wellFormed;
    }

    /// <summary>Parses a name.</summary>
    /// <exception cref="FormatException">The text is not an instance id.</exception>
    public static InstanceId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException("An instance id is 1 to 64 letters, digits and hyphens, and starts with no hyphen.");

    /// <inheritdoc />
    public override string ToString() => _value ?? "";
}

internal static class RandomId
{
    private const int Digits = 32;

    public static string New() => RandomNumberGenerator.GetHexString(Digits, lowercase: true);

    public static bool IsWellFormed([NotNullWhen(true)] string? text) =>
        text is { Length: Digits } && text.All(char.IsAsciiHexDigitLower);
}

internal abstract class IdJsonConverter<T>(Func<string, T> parse, Func<T, string> format) : JsonConverter<T>
{
    public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return parse(reader.GetString() ?? "");
        }
        catch (FormatException failure)
        {
            throw new JsonException(failure.Message, failure);
        }
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(format(value));
}

internal sealed class BatchIdJsonConverter() : IdJsonConverter<BatchId>(BatchId.Parse, id => id.Value);

internal sealed class JobIdJsonConverter() : IdJsonConverter<JobId>(JobId.Parse, id => id.Value);

internal sealed class InstanceIdJsonConverter() : IdJsonConverter<InstanceId>(InstanceId.Parse, id => id.Value);
