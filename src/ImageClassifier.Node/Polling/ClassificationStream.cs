using System.Collections.Immutable;
using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>The node's work as a stream: receive, fetch and decode, micro-batch, classify, store, publish,
/// acknowledge. Suspects go another way to their results, and hold nothing up. Each step answers what went
/// wrong as a value, so the stream ends only when its source is drained.</summary>
internal static class ClassificationStream
{
    // Small writes to a store that may be far away; a call of the queue has ten.
    private const int StoresAtOnce = IMessageQueue.MaxBatch;
    private const int PublishesAtOnce = 4;

    /// <summary>Puts the steps together. Materialised it gives the source's control, and a task that completes when
    /// the last message is acknowledged. What it is told to call is called within the stream: it must not block or
    /// throw.</summary>
    public static IRunnableGraph<(IQueueSourceControl Control, Task<Done> Finished)> Create(
        IMessageQueue requests,
        NodeSettings settings,
        int preferredBatchSize,
        PictureIntake intake,
        SuspectIntake suspects,
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
                Fresh(settings, preferredBatchSize, intake, microBatches),
                Suspects(settings, suspects),
                suspects.Takes))
            .SelectAsyncUnordered(StoresAtOnce, publisher.StoreAsync)
            .GroupedWithin(IMessageQueue.MaxBatch, settings.Polling.Linger)
            .SelectAsyncUnordered(PublishesAtOnce, batch => publisher.PublishAsync([.. batch]))
            .SelectMany(acknowledgements => acknowledgements)
            .Via(QueueAcknowledgement.Create(
                requests, new AcknowledgementSettings(settings.Polling.AcknowledgeLinger), time))
            .ToMaterialized(Sink.ForEach(onAcknowledged), (control, finished) => (control, finished));
    }

    private static Flow<JobArrival, JobWork, NotUsed> Fresh(
        NodeSettings settings, int preferredBatchSize, PictureIntake intake, MicroBatches microBatches) =>
        Flow.Create<JobArrival>()
            .SelectAsyncUnordered(settings.Polling.Fetchers, intake.TakeAsync)
            // Batches only under back-pressure: an idle node adds no delay. What needs no run weighs nothing.
            .BatchWeighted(
                preferredBatchSize,
                work => work is JobWork.ToClassify ? 1 : 0,
                ImmutableList.Create,
                (batch, work) => batch.Add(work))
            .SelectAsyncUnordered(settings.Classification.Classifiers, microBatches.ClassifyAsync)
            .SelectMany(batch => batch);

    // All suspects in hand find room here, so that none stands before a fresh job. They hold no picture while they
    // wait.
    private static Flow<JobArrival, JobWork, NotUsed> Suspects(NodeSettings settings, SuspectIntake suspects) =>
        Flow.Create<JobArrival>()
            .SelectAsyncUnordered(settings.Polling.Fetchers, suspects.LookUpAsync)
            .SelectAsyncUnordered(settings.Polling.Source.MaxInFlight, suspects.TryAsync);

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
