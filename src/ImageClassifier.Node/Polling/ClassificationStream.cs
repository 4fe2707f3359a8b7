using System.Collections.Immutable;
using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>The node's work as a stream: receive, fetch and decode, micro-batch, classify, store, publish, acknowledge.
/// Suspects take a separate branch, so they delay no other job. Each step returns its failures as values. So the stream
/// ends only when its source is drained.</summary>
internal static class ClassificationStream
{
    // Writes are small, and the store may be far away. A message of the response queue takes ten results.
    private const int StoresAtOnce = ResultMessage.MaxResults;
    private const int PublishesAtOnce = 4;

    // A micro-batch is full when the shares of its pictures add up to this. It divides by any preferred batch size with
    // hardly a remainder.
    private const long FullBatch = 1L << 40;

    /// <summary>Connects the steps. The materialised value is the control of the source, and a task that completes when
    /// the last message is acknowledged. The callbacks run within the stream: they must not block or throw.</summary>
    public static IRunnableGraph<(IQueueSourceControl Control, Task<Done> Finished)> Create(
        IMessageQueue requests,
        NodeSettings settings,
        PictureLoader loader,
        SuspectProcessor suspects,
        ReferenceLoaders references,
        MicroBatches microBatches,
        ResultPublisher publisher,
        TimeProvider time,
        Action<PollReport> onPoll,
        Action<string> onRenewalsRefused,
        Action<Acknowledged> onAcknowledged)
    {
        return QueueSource.Create(requests, settings.Polling.Source, time, onPoll, onRenewalsRefused)
            .Select(JobArrival.Read)
            .Via(SideBySide(
                Fresh(settings, loader, references.Fresh, microBatches),
                Suspects(settings, suspects, references.Suspects),
                suspects.TryAdmit))
            .SelectAsyncUnordered(StoresAtOnce, publisher.StoreAsync)
            .Via(new LingeringGroups<JobWork>(ResultMessage.MaxResults, settings.Polling.Linger, time))
            .SelectAsyncUnordered(PublishesAtOnce, publisher.PublishAsync)
            .SelectMany(acknowledgements => acknowledgements)
            .Via(QueueAcknowledgement.Create(
                requests, new AcknowledgementSettings(settings.Polling.AcknowledgeLinger), time))
            .ToMaterialized(Sink.ForEach(onAcknowledged), (control, finished) => (control, finished));
    }

    private static Flow<JobArrival, JobWork, NotUsed> Fresh(
        NodeSettings settings, PictureLoader loader, ReferenceLoader references, MicroBatches microBatches) =>
        Flow.Create<JobArrival>()
            .Select(arrival => (JobWork)new JobWork.Fresh(arrival.Delivery, arrival.Request))
            // The first two steps have room for all jobs in hand, so no job waits for the host or the model of another. A job
            // that waits for a host holds no model.
            .SelectAsyncUnordered(MostInHand(settings), references.FetchAsync)
            .SelectAsyncUnordered(MostInHand(settings), loader.LeaseModelAsync)
            .SelectAsyncUnordered(settings.Polling.Fetchers, loader.LoadAsync)
            // Batches only under back-pressure, so an idle node adds no delay.
            .BatchWeighted(
                FullBatch,
                ShareOfBatch,
                ImmutableList.Create,
                (batch, work) => batch.Add(work))
            .SelectAsyncUnordered(settings.Classification.Arrangement.Classifiers, microBatches.ClassifyAsync)
            .SelectMany(batch => batch);

    /// <summary>A picture fills as much of a batch as of a run of its model. A job without a picture to classify fills
    /// nothing.</summary>
    private static long ShareOfBatch(JobWork work) =>
        work is JobWork.ToClassify decoded ? FullBatch / decoded.Model.Classifier.PreferredBatchSize : 0;

    // The last three steps have room for all suspects in hand, so no suspect blocks a fresh job. Of the waiting suspects only
    // a few with a reference hold their picture in memory.
    private static Flow<JobArrival, JobWork, NotUsed> Suspects(
        NodeSettings settings, SuspectProcessor suspects, ReferenceLoader references) =>
        Flow.Create<JobArrival>()
            .SelectAsyncUnordered(settings.Polling.Fetchers, suspects.LookUpAsync)
            .SelectAsyncUnordered(MostInHand(settings), references.FetchAsync)
            .SelectAsyncUnordered(MostInHand(settings), suspects.LeaseModelAsync)
            .SelectAsyncUnordered(MostInHand(settings), suspects.TryAsync);

    private static int MostInHand(NodeSettings settings) =>
        settings.Polling.Source.MaxInFlight + QueueSource.MostAside;

    private static Flow<JobArrival, JobWork, NotUsed> SideBySide(
        Flow<JobArrival, JobWork, NotUsed> fresh,
        Flow<JobArrival, JobWork, NotUsed> suspects,
        Func<JobArrival, bool> isSuspect) =>
        Flow.FromGraph(GraphDsl.Create(builder =>
        {
            var apart = builder.Add(new Partition<JobArrival>(2, arrival => isSuspect(arrival) ? 1 : 0));
            var together = builder.Add(new Merge<JobWork>(2));
            builder.From(apart.Out(0)).Via(fresh).To(together.In(0));
            builder.From(apart.Out(1)).Via(suspects).To(together.In(1));
            return new FlowShape<JobArrival, JobWork>(apart.In, together.Out);
        }));
}
