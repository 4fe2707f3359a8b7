using BenchmarkDotNet.Attributes;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Benchmarks.Parts;

/// <summary>The JSON of the messages between the tiers, of the event for the socket, and of the manifest of a large
/// batch.</summary>
public class DocumentParts
{
    private const int JobsOfManifest = 1000;

    private readonly EventId _event = new("5f3a9c01", 17);
    private readonly BatchManifest _manifest = NewManifest();
    private ClassificationRequest _request = null!;
    private string _requestText = "";
    private JobResult _result = null!;
    private string _resultText = "";

    [GlobalSetup]
    public void Prepare()
    {
        _request = _manifest.Request(_manifest.Jobs[0], attempt: 1);
        _requestText = WireJson.Write(_request);
        _result = new JobResult(
            _request.Job,
            _request.Batch,
            _request.Attempt,
            JobStatus.Classified,
            [
                new Prediction(281, "tabby", 0.61234567), new Prediction(282, "tiger cat", 0.21345678),
                new Prediction(285, "Egyptian cat", 0.10345678), new Prediction(287, "lynx", 0.01345678),
                new Prediction(478, "carton", 0.00345678),
            ],
            null,
            new ModelIdentity("mobilenet-v2", new string('5', 64), 1000),
            InstanceId.Parse("i-0123456789abcdef0"),
            new JobTimings(1.234, 2.345, 6.789, 14.321));
        _resultText = WireJson.Write(_result);
    }

    [Benchmark]
    public OutgoingMessage WriteRequest() => _request.ToMessage();

    [Benchmark]
    public ClassificationRequest? ReadRequest() => WireJson.TryRead<ClassificationRequest>(_requestText);

    [Benchmark]
    public string WriteResult() => WireJson.Write(_result);

    [Benchmark]
    public JobResult? ReadResult() => WireJson.TryRead<JobResult>(_resultText);

    [Benchmark]
    public byte[] WriteSocketEvent() => EventDocument.Write(_event, JobDocument.Of(_manifest.Jobs[0], _result));

    [Benchmark]
    public byte[] WriteManifestOf1000() => WireJson.WriteUtf8(_manifest);

    private static BatchManifest NewManifest()
    {
        var batch = BatchId.New();
        var jobs = Enumerable.Range(0, JobsOfManifest).Select(i =>
        {
            var job = JobId.New();
            var key = ObjectKeys.Image(batch, job, PictureFormat.Jpeg);
            return ManifestJob.Accept(job, $"holiday {i}.jpg", key) with { Sha256 = new string('a', 64) };
        });
        return new BatchManifest(batch, TimeProvider.System.GetUtcNow(), [.. jobs]);
    }
}
