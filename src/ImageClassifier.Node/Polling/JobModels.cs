using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Models;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Leases the models of jobs. Calls are retried during an outage of the store.</summary>
/// <param name="models">The models of the node.</param>
/// <param name="outages">The retries.</param>
/// <param name="draining">Cancelled when the node drains. A job whose model is not loaded then is not started any
/// more.</param>
internal sealed class JobModels(NodeModels models, OutageRetries outages, CancellationToken draining)
{
    /// <summary>Leases the model of a job, and loads it if necessary. The caller returns the lease.</summary>
    /// <param name="request">The job.</param>
    /// <param name="delivery">Its message.</param>
    /// <exception cref="IOException">The outage lasts longer than the retries.</exception>
    /// <exception cref="ModelNotLoadedException">This node cannot load the model, although others can. Or memory stayed
    /// short on each try.</exception>
    /// <exception cref="OperationCanceledException">The node drains, and the model is not loaded.</exception>
    public async Task<ModelLease> LeaseAsync(ClassificationRequest request, Delivery delivery)
    {
        try
        {
            return await outages.RunAsync(() => models.LeaseAsync(
                request, delivery.Message.ReceiveCount, draining));
        }
        catch (OutOfMemoryException shortage)
        {
            throw new ModelNotLoadedException(
                $"The model {request.Model} cannot be loaded, because memory stays short: {shortage.Message}", shortage);
        }
    }
}
