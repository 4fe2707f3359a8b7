using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Jobs;

namespace ImageClassifier.Node.Polling;

/// <summary>The jobs whose results share a message of the response queue.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="Message">The message with their results, in the same order.</param>
internal sealed record ResultPack(IReadOnlyList<JobWork.Ended> Jobs, OutgoingMessage Message)
{
    /// <summary>Packs the results of at most <see cref="ResultMessage.MaxResults"/> jobs into messages.</summary>
    public static IReadOnlyList<ResultPack> Pack(IEnumerable<JobWork.Ended> jobs)
    {
        var packs = new List<ResultPack>();
        var together = new List<(JobWork.Ended Job, OutgoingMessage Message)>();
        var bytes = 0;
        foreach (var job in jobs)
        {
            var message = ResultMessage.Of(job.Result, job.Request.Attempt);
            if (job.Delivery.Message.ReceiveCount > 1)
            {
                // The result may have been published before. Alone, a repeat has the same deduplication id each time,
                // so the queue drops it.
                packs.Add(new ResultPack([job], message));
                continue;
            }

            // Beside its text, each result has a comma or a bracket, and the last has both.
            var size = Encoding.UTF8.GetByteCount(message.Body) + 1;
            if (bytes + size + 1 > OutgoingMessage.MaxBodyBytes) Close();
            together.Add((job, message));
            bytes += size;
        }

        Close();
        return packs;

        void Close()
        {
            if (together.Count > 0)
            {
                packs.Add(new ResultPack(
                    [.. together.Select(one => one.Job)], ResultMessage.Join([.. together.Select(one => one.Message)])));
            }

            together.Clear();
            bytes = 0;
        }
    }
}
