using BenchmarkDotNet.Attributes;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Benchmarks.Speed;
using ImageClassifier.Core;
using ImageClassifier.Core.Intake;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Benchmarks.Parts;

/// <summary>The intake of a form with one photo: its part is read, hashed and stored in a file. The
/// file is deleted at once, because thousands of them would fill the disk.</summary>
public class UploadParts
{
    private const long MaxFileSize = 25L << 20;

    private readonly BatchId _batch = BatchId.New();
    private byte[] _body = [];
    private string _boundary = "";
    private string _folder = "";
    private FileObjectStore _store = null!;
    private UploadedFileIntake _intake = null!;

    [GlobalSetup]
    public async Task PrepareAsync()
    {
        using var form = ServiceClient.Form([("photo.jpg", Photos.Make())]);
        _body = await form.ReadAsByteArrayAsync();
        _boundary = MultipartBoundary.Find(form.Headers.ContentType!.ToString())!;
        _folder = Directory.CreateTempSubdirectory("image-classifier-parts-upload-").FullName;
        _store = new FileObjectStore(new EmbeddedLayout(_folder));
        _intake = new UploadedFileIntake(_store, MaxFileSize, AllowedFormats.Default);
    }

    [GlobalCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [Benchmark]
    public async Task TakeUploadAsync()
    {
        using var body = new MemoryStream(_body);
        using var file = await new UploadForm(_boundary, body).NextFileAsync(CancellationToken.None);
        var job = await (await _intake.TakeAsync(_batch, file!, CancellationToken.None)).Job;
        await _store.DeleteAsync(job.ImageKey!, CancellationToken.None);
    }
}
