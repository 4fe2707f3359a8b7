using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Runs steps so that none fails the stream: a failure that is not the job's fault hands its message
/// back.</summary>
internal static class HandBackOnFailure
{
    /// <summary>Runs one step of a job. Never fails.</summary>
    /// <param name="delivery">The message of the job.</param>
    /// <param name="request">The request.</param>
    /// <param name="step">The step.</param>
    /// <param name="health">Records failures that are the node's fault.</param>
    /// <param name="log">Receives a line for each failure.</param>
    /// <param name="draining">Cancelled when the node drains. A step that it cancels has not failed.</param>
    public static async Task<JobWork> RunAsync(
        Delivery delivery,
        ClassificationRequest request,
        Func<Task<JobWork>> step,
        NodeHealth health,
        ILoggingAdapter log,
        CancellationToken draining)
    {
        try
        {
            return await step();
        }
        catch (StoreRefusedException refusal)
        {
            health.RecordRefusal(refusal.Message);
            log.Warning("Job {0} was handed back: the store refuses the node: {1}", request.Job, refusal.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (ModelNotLoadedException failure)
        {
            health.RecordRefusal(failure.Message);
            log.Warning("Job {0} was handed back: {1}", request.Job, failure.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (OperationCanceledException) when (draining.IsCancellationRequested)
        {
            log.Debug("Job {0} was handed back, because the node drains and has no model or picture of it yet", request.Job);
            return new JobWork.NotDone(delivery);
        }
        catch (OperationCanceledException failure)
        {
            log.Warning("Job {0} was handed back: a call gave up: {1}", request.Job, failure.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (IOException failure)
        {
            log.Warning("Job {0} was handed back: the store cannot be reached: {1}", request.Job, failure.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (Exception failure)
        {
            log.Error(failure, "Job {0} failed unexpectedly and was handed back", request.Job);
            return new JobWork.NotDone(delivery);
        }
    }
}
