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
    public static async Task<JobWork> RunAsync(
        Delivery delivery,
        ClassificationRequest request,
        Func<Task<JobWork>> step,
        NodeHealth health,
        ILoggingAdapter log)
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
        catch (OperationCanceledException)
        {
            log.Debug("Job {0} was handed back, because the node drains and its model is not loaded", request.Job);
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
