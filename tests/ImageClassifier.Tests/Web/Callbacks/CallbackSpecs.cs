using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Callbacks;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>Stored deliveries, in virtual time.</summary>
public abstract class CallbackSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    /// <summary>The example of the specification of Standard Webhooks.</summary>
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// <summary>The settings with secrets of callers without a key.</summary>
    /// <param name="secrets">The secrets, separated by commas.</param>
    /// <param name="allowed">Allowed networks.</param>
    internal static CallbackSettings Settings(string secrets = Secret, string allowed = "") =>
        CallbackSettings.Create(ConfigurationFactory.ParseString(
            $$"""
            image-classifier.callbacks {
              secrets.anyone = "{{secrets}}"
              allowed-networks = "{{allowed}}"
            }
            """));

    /// <summary>A delivery to a receiver.</summary>
    internal static CallbackDelivery Delivery(BatchId batch, string url, string body = "{}") =>
        new($"{batch}-1", batch, url, null, DateTimeOffset.UnixEpoch, body);

    /// <summary>Stores a delivery of a new batch.</summary>
    internal async Task<BatchId> StoreDeliveryAsync(string url)
    {
        var batch = StoredBatch(1).Batch;
        await new StoredCallbacks(Store).AddAsync(Delivery(batch, url), new CallbackSubject(null, 1), default);
        return batch;
    }

    /// <summary>The deliveries that wait.</summary>
    internal IReadOnlyList<WaitingCallback> Waiting =>
    [
        .. Store.Keys.Where(key => key.StartsWith(CallbackKeys.Waiting, StringComparison.Ordinal))
            .Select(key => CallbackKeys.TryParseWaiting(key, out var waiting)
                ? waiting
                : throw new InvalidOperationException(key)),
    ];

    internal bool IsSettled(BatchId batch) =>
        Store.Keys.Contains(CallbackKeys.Settled(batch, new CallbackSubject(null, 1)));

    internal bool IsDead(BatchId batch) =>
        Store.Keys.Contains(CallbackKeys.DeadCallback(batch, new CallbackSubject(null, 1)));
}
