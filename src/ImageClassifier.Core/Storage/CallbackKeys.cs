using System.Globalization;

namespace ImageClassifier.Core.Storage;

/// <summary>The keys of deliveries to the receivers that clients name.</summary>
public static class CallbackKeys
{
    /// <summary>The prefix of all deliveries that wait for a try.</summary>
    public const string Waiting = $"{ObjectKeys.Batches}callbacks/";

    /// <summary>The prefix of all deliveries that were given up.</summary>
    public const string Dead = $"{ObjectKeys.Batches}undelivered/";

    private const string DeadSuffix = ".json";
    private const string PurgedSuffix = ".purged";
    private const int ReceiverDigits = 8;
    private const int DueDigits = 10;

    /// <summary>The prefix of a batch's waiting deliveries.</summary>
    public static string WaitingOf(BatchId batch) => $"{Waiting}{batch.Value}/";

    /// <summary>A waiting delivery. The key says all that is needed to choose the next tries, so that a listing is
    /// enough.</summary>
    public static string WaitingCallback(WaitingCallback callback) => string.Create(CultureInfo.InvariantCulture,
        $"{WaitingOf(callback.Batch)}{callback.Subject}-{callback.Receiver}-{callback.Due.ToUnixTimeSeconds():D10}");

    /// <summary>The prefix of the notes of a batch's settled deliveries.</summary>
    public static string SettledOf(BatchId batch) => $"{ObjectKeys.RecordsOf(batch)}settled/";

    /// <summary>The note that a delivery needs no further try: it was made, or an operator purged it.</summary>
    public static string Settled(BatchId batch, CallbackSubject subject) => $"{SettledOf(batch)}{subject}";

    /// <summary>The note that an operator purged a delivery, beside that it is settled.</summary>
    public static string Purged(BatchId batch, CallbackSubject subject) => Settled(batch, subject) + PurgedSuffix;

    /// <summary>The prefix of a batch's dead deliveries.</summary>
    public static string DeadOf(BatchId batch) => $"{Dead}{batch.Value}/";

    /// <summary>A dead delivery.</summary>
    public static string DeadCallback(BatchId batch, CallbackSubject subject) =>
        $"{DeadOf(batch)}{subject}{DeadSuffix}";

    /// <summary>Reads the key of a waiting delivery.</summary>
    public static bool TryParseWaiting(string key, out WaitingCallback callback)
    {
        callback = default;
        if (!key.StartsWith(Waiting, StringComparison.Ordinal)
            || key[Waiting.Length..].Split('/') is not [var batch, var name]
            || name.Split('-') is not
                [var of, var attempt, { Length: ReceiverDigits } receiver, { Length: DueDigits } due]
            || !BatchId.TryParse(batch, out var id) || !CallbackSubject.TryParse($"{of}-{attempt}", out var subject)
            || !long.TryParse(due, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return false;
        callback = new WaitingCallback(id, subject, receiver, DateTimeOffset.FromUnixTimeSeconds(seconds));
        return true;
    }

    /// <summary>Reads the key of a note that a delivery is settled.</summary>
    public static bool TryParseSettled(BatchId batch, string key, out CallbackSubject subject, out bool isPurged)
    {
        (subject, isPurged) = (default, false);
        var prefix = SettledOf(batch);
        if (!key.StartsWith(prefix, StringComparison.Ordinal)) return false;
        var name = key[prefix.Length..];
        isPurged = name.EndsWith(PurgedSuffix, StringComparison.Ordinal);
        return CallbackSubject.TryParse(isPurged ? name[..^PurgedSuffix.Length] : name, out subject);
    }

    /// <summary>Reads the key of a dead delivery.</summary>
    public static bool TryParseDead(string key, out BatchId batch, out CallbackSubject subject)
    {
        (batch, subject) = (default, default);
        return key.StartsWith(Dead, StringComparison.Ordinal) && key.EndsWith(DeadSuffix, StringComparison.Ordinal)
            && key[Dead.Length..^DeadSuffix.Length].Split('/') is [var id, var name]
            && BatchId.TryParse(id, out batch) && CallbackSubject.TryParse(name, out subject);
    }
}

/// <summary>What a delivery is about: a job that has its result, or a batch of which all jobs have theirs. After a
/// redrive there is another result, and so another subject.</summary>
/// <param name="Job">The job; null for the whole batch.</param>
/// <param name="Attempt">The attempt of the job's result; for a batch the sum over its jobs.</param>
public readonly record struct CallbackSubject(JobId? Job, int Attempt)
{
    private const string WholeBatch = "batch";

    /// <summary>Parses the text of a subject.</summary>
    public static bool TryParse(string text, out CallbackSubject subject)
    {
        subject = default;
        if (text.Split('-') is not [var of, var digits]
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var attempt))
            return false;
        if (of == WholeBatch) subject = new CallbackSubject(null, attempt);
        else if (JobId.TryParse(of, out var job)) subject = new CallbackSubject(job, attempt);
        else return false;
        return true;
    }

    /// <inheritdoc />
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Job?.Value ?? WholeBatch}-{Attempt}");
}

/// <summary>A delivery that waits for a try, as its key says.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Subject">What the delivery is about.</param>
/// <param name="Receiver">Stands for the receiver's host: 8 hexadecimal digits.</param>
/// <param name="Due">The earliest time of the next try, in whole seconds.</param>
public readonly record struct WaitingCallback(
    BatchId Batch, CallbackSubject Subject, string Receiver, DateTimeOffset Due)
{
    /// <summary>The key of its object.</summary>
    public string Key => CallbackKeys.WaitingCallback(this);
}
