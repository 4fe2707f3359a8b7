using System.Collections.Concurrent;
using ImageClassifier.Tests.Aws.Emulator;
using WireMock;
using WireMock.ResponseBuilders;
using WireMock.Types;
using WireMock.Util;

namespace ImageClassifier.Tests.Aws.Provisioning;

/// <summary>The settings of a bucket, which no emulator here has. A read returns the stored document, or S3's error for
/// a missing setting.</summary>
internal sealed class StubbedBucketSettings
{
    private static readonly Dictionary<string, string> MissingCodes = new()
    {
        ["publicAccessBlock"] = "NoSuchPublicAccessBlockConfiguration",
        ["encryption"] = "ServerSideEncryptionConfigurationNotFoundError",
        ["lifecycle"] = "NoSuchLifecycleConfiguration",
    };

    private int _isThere;

    public StubbedBucketSettings(StubbedAws aws, string bucket)
    {
        foreach (var path in new[] { $"/{bucket}", $"/{bucket}/" })
        {
            aws.On(StubbedAws.S3Call("HEAD", path), Response.Create().WithCallback(_ => Answer(IsThere ? 200 : 404)));
            aws.On(StubbedAws.S3Call("GET", path), Response.Create().WithCallback(Get));
            aws.On(StubbedAws.S3Call("PUT", path), Response.Create().WithCallback(Put));
        }
    }

    public bool IsThere
    {
        get => Volatile.Read(ref _isThere) == 1;
        set => Volatile.Write(ref _isThere, value ? 1 : 0);
    }

    /// <summary>The documents, by the name of their setting. The bucket itself has the name "".</summary>
    public ConcurrentDictionary<string, string> Documents { get; } = new();

    private static string NameOf(IRequestMessage request) =>
        request.Query?.Keys.FirstOrDefault(key => !key.StartsWith("x-id", StringComparison.Ordinal)) ?? "";

    private ResponseMessage Get(IRequestMessage request)
    {
        var name = NameOf(request);
        if (Documents.TryGetValue(name, out var document)) return Answer(200, document);
        return name == "versioning"
            ? Answer(200, """<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>""")
            : Answer(404, $"<Error><Code>{MissingCodes.GetValueOrDefault(name, "NoSuchKey")}</Code></Error>");
    }

    private ResponseMessage Put(IRequestMessage request)
    {
        var name = NameOf(request);
        if (name.Length == 0) IsThere = true;
        Documents[name] = request.Body ?? "";
        return Answer(200);
    }

    private static ResponseMessage Answer(int status, string body = "") => new()
    {
        StatusCode = status,
        Headers = new Dictionary<string, WireMockList<string>> { ["Content-Type"] = new("application/xml") },
        BodyData = new BodyData { DetectedBodyType = BodyType.String, BodyAsString = body },
    };
}
