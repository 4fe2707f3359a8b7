using ImageClassifier.Benchmarks;
using ImageClassifier.Benchmarks.Speed;

// Each benchmark compares its programs within one run, because the machine is shared and noisy.
switch (args)
{
    case ["web-nodes"]:
        await WebNodesBenchmark.RunAsync();
        return 0;
    case ["start", _, ..]:
        await StartBenchmark.RunAsync(args[1..]);
        return 0;
    case ["speed", ..]:
        await SpeedBenchmark.RunAsync(args[1..]);
        return 0;
    // Processes of the benchmark above.
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
            web-nodes          the way of a result from the response queue to sockets: one web node, and three in a cluster
            speed [VARIANT...] what a picture costs an app node, beside the bare limit and a naive worker
            idle               CPU time and requests to AWS of an idle web tier and an idle app node
            start PROGRAM...   start time and memory of a web node; each PROGRAM is a build of image-classifier
            """);
        return 2;
}
