using ImageClassifier.Benchmarks;
using ImageClassifier.Benchmarks.Parts;
using ImageClassifier.Benchmarks.Speed;
using ImageClassifier.EndToEnd.Programs;

// Clients of the SDK in this process find them here.
foreach (var (name, value) in EmulatedAws.Variables) Environment.SetEnvironmentVariable(name, value);

// Each benchmark compares its programs within one run, because the machine is shared and noisy.
switch (args)
{
    case ["web-nodes"]:
        await WebNodesBenchmark.RunAsync();
        return 0;
    case ["start", _, ..]:
        await StartBenchmark.RunAsync(args[1..]);
        return 0;
    case ["speed", "--short"]:
        return await SpeedCheck.RunAsync();
    case ["speed", ..]:
        await SpeedBenchmark.RunAsync(args[1..]);
        return 0;
    case ["first-result", ..]:
        await FirstResultBenchmark.RunAsync(args[1..]);
        return 0;
    case ["parts"]:
        return PartsBenchmark.Run();
    case ["web", ..]:
        await WebBenchmark.RunAsync(args[1..]);
        return 0;
    case ["memory", ..]:
        await MemoryBenchmark.RunAsync(args[1..]);
        return 0;
    case ["uploads", ..]:
        await UploadBenchmark.RunAsync(args[1..]);
        return 0;
    case ["fan-out"]:
        await FanOutBenchmark.RunAsync();
        return 0;
    // Processes of the benchmarks above.
    case ["fan-out", var database]:
        await BareFanOut.RunAsync(database);
        return 0;
    case ["kestrel"]:
        await UploadBenchmark.ServeAsync();
        return 0;
    case ["bare", var model, var folder]:
        BareLimit.Run(model, folder);
        return 0;
    case ["naive", var model, var endpoint, var bucket, var requests, var responses]:
        await NaiveWorker.RunAsync(model, new Uri(endpoint), bucket, requests, responses);
        return 0;
    case ["idle"]:
        await IdleBenchmark.RunAsync();
        return 0;
    default:
        Console.Error.WriteLine(
            """
            speed [VARIANT...]         what a picture costs an app node, beside the bare limit and a naive worker
            speed --short              fails if a ratio is far from its goal, as CI runs it
            parts                      the parts of a picture's trip alone: decoding, the model, JSON, queue, intake
            first-result [VARIANT...]  the time from an app node's launch to its first result
            web [VARIANT...]           what a picture with its result costs the web tier
            memory [VARIANT...]        the memory of a web tier with 1,000 sockets and of its app node over 20,000 pictures
            uploads [VARIANT...]       the bytes a second that the web tier accepts, beside a bare web server
            fan-out                    the way of a result to one of 1,000 sockets, beside a bare web server
            idle                       CPU time and requests to AWS of an idle web tier and an idle app node
            web-nodes                  the way of a result from the response queue to sockets: one web node, and three
            start PROGRAM...           start time and memory of a web node; each PROGRAM is a build of image-classifier

            A VARIANT has settings (node.polling.decoders=1), variables (DOTNET_TieredPGO=1) or the path of a build,
            separated by commas.
            """);
        return 2;
}
