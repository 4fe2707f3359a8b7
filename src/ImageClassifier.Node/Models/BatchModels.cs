using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Node.Models;

/// <summary>Finds the model of a batch that has no model of the registry. The first node that takes a job of the batch
/// stores its own model as the batch's, and all others follow. So the batch keeps its model when the setting of the nodes
/// changes. Safe from any thread.</summary>
/// <param name="own">The own model of this node.</param>
/// <param name="store">The store.</param>
/// <param name="log">Receives a line for each damaged object.</param>
/// <param name="stopped">Cancels the calls.</param>
internal sealed class BatchModels(
    ModelIdentity own, IObjectStore store, ILoggingAdapter log, CancellationToken stopped)
{
    // A batch that is forgotten is looked up again.
    private const int MostBatches = 1_000;
    private const int MostModels = 100;

    private readonly RememberedCalls<BatchId, ModelIdentity> _batches = new(MostBatches);
    private readonly RememberedCalls<string, ModelReference?> _pushed = new(MostModels);

    /// <summary>The model of the job's batch. It takes one or two calls of the store for each batch, and none for a batch of
    /// one job.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public Task<ModelIdentity> FindAsync(ClassificationRequest request) => request.SharesBatch
        ? _batches.GetAsync(request.Batch, () => AgreeAsync(request.Batch))
        : Task.FromResult(own);

    /// <summary>The name of a model in the registry; null if it was not pushed.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public Task<ModelReference?> FindPushedAsync(ModelIdentity model) =>
        _pushed.GetAsync(model.Sha256, () => SearchAsync(model.Sha256));

    private async Task<ModelIdentity> AgreeAsync(BatchId batch)
    {
        var key = ObjectKeys.BatchModel(batch);
        try
        {
            if (await store.PutIfAbsentAsync(key, WireJson.WriteUtf8(new BatchModel(batch, own)), stopped)) return own;
            var read = await store.ReadDocumentAsync<BatchModel>(key, stopped);
            if (read is DocumentRead<BatchModel>.Damaged damaged) LogUnreadable(key, damaged.Why);
            return read.OrNull?.Model ?? own;
        }
        catch (StoreRefusedException refused)
        {
            // The node can do its work without this object. If the whole store refuses it, the picture says so.
            LogUnreadable(key, refused.Message);
            return own;
        }
    }

    private void LogUnreadable(string key, string why) =>
        log.Error("{0} cannot be read, so the batch goes on with the model of the setting: {1}", key, why);

    private async Task<ModelReference?> SearchAsync(string sha256)
    {
        try
        {
            await foreach (var found in store.ListAsync(ObjectKeys.Models, stopped))
                if (RegistryKeys.TryParseFiles(found.Key, out var model) && model.Sha256 == sha256) return model;
        }
        catch (StoreRefusedException)
        {
            // The policy of an earlier version may allow nodes no listing. They can do their work all the same.
        }

        return null;
    }
}
