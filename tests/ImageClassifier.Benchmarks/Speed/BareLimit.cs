using System.Globalization;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The least that the work takes: a thread for each core reads a photo, decodes it and runs the model, one photo
/// after the other. There is no queue, no store, and no result leaves the process.</summary>
internal static class BareLimit
{
    /// <summary>Starts the process.</summary>
    /// <param name="model">The model directory.</param>
    /// <param name="photos">The folder of the photos.</param>
    /// <param name="folder">A folder for what the process says of itself.</param>
    public static async Task<MeteredProcess> StartAsync(string model, string photos, string folder)
    {
        var process = MeteredProcess.Start(
            Environment.ProcessPath!, folder, Variant.Default.Variables, ["bare", model, photos]);
        await process.ReadLineAsync();
        return process;
    }

    /// <summary>Has the process classify photos.</summary>
    public static async Task ClassifyAsync(MeteredProcess process, int count)
    {
        await process.WriteLineAsync(count.ToString(CultureInfo.InvariantCulture));
        await process.ReadLineAsync();
    }

    /// <summary>The process: classifies photos. For each number of photos on standard input it writes a line when they are
    /// done.</summary>
    public static void Run(string model, string folder)
    {
        using var classifier = OnnxImageClassifier.Load(new OnnxClassifierSettings(
            model, MaxBatch: 1, Threads: 1, new DecodingLimits(100_000_000, 1L << 30, TimeSpan.FromSeconds(30))));
        var photos = Directory.GetFiles(folder, "*.jpg");
        Console.WriteLine("started");
        while (Console.ReadLine() is { } line)
        {
            var left = int.Parse(line, CultureInfo.InvariantCulture);
            var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work)).ToArray();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
            Console.WriteLine("done");

            void Work()
            {
                while (Interlocked.Decrement(ref left) is var next and >= 0)
                {
                    var bytes = File.ReadAllBytes(photos[next % photos.Length]);
                    var decoded = (Decoding.Decoded)classifier.Decode(bytes);
                    using (decoded.Picture) classifier.Classify([decoded.Picture]);
                }
            }
        }
    }
}
