using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Runs steps so that none fails the stream: a failure that is not the job's fault hands its message
/// back.</summary>
internal static class HandingBack
{
    /// <summary>Runs one step of a job. Never fails.</summary>
    public static async Task<JobWork> OnFailureAsync(
        Delivery delivery, ClassificationRequest request, Func<Task<JobWork>> step, Fitness fitness, ILoggingAdapter log)
    {
        try
        {
            return await step();
        }
        catch (StoreRefusedException refusal)
        {
            fitness.Refused(refusal.Message);
            log.Warning("Job {0} was handed back, the store refuses the node: {1}", request.Job, refusal.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (IOException failure)
        {
            log.Warning("Job {0} was handed back because the store is away: {1}", request.Job, failure.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (Exception failure)
        {
            log.Error(failure, "Job {0} could not be taken in and was handed back", request.Job);
            return new JobWork.NotDone(delivery);
        }
    }
}
