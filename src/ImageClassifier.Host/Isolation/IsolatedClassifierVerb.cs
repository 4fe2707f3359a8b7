using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.Isolation;

/// <summary>The verb that a node starts for pictures that may kill it: the child's end of
/// <see cref="IsolatedClassifier"/>. Its input is its settings, then a picture a message. Its output is an empty
/// message once its model is loaded, then an answer a picture. It ends when its input ends, so it never outlives its
/// node.</summary>
/// <param name="createClassifier">Makes the classifier that the settings describe.</param>
internal sealed class IsolatedClassifierVerb(Func<OnnxSettings, IImageClassifier> createClassifier)
{
    /// <summary>The verb's name. It is for nodes only, and no help shows it.</summary>
    public const string Name = "isolated-classifier";

    private const int PoolThreads = 8;

    /// <summary>Answers pictures until the input ends.</summary>
    public async Task<int> RunAsync(Stream input, Stream output)
    {
        // Ctrl-C and service managers signal the whole group; the node still needs this process while it drains.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        OfferToEndFirst();
        if (await Frames.ReadAsync(input) is not { } settings) return ExitCodes.Done;
        // The reader of the input blocks one thread of the pool, and neither loading nor decoding must wait for it.
        ThreadPool.SetMinThreads(PoolThreads, PoolThreads);
        // Not disposed of: a picture may still be decoded when the input ends, and then the process ends.
        var classifier = createClassifier(
            JsonSerializer.Deserialize<OnnxSettings>(settings, WireJson.Options)
            ?? throw new InvalidDataException("The first message holds no settings."));

        await Frames.WriteAsync(output, ReadOnlyMemory<byte>.Empty);
        var answering = Task.CompletedTask;
        while (await Frames.ReadAsync(input) is { } picture)
            answering = AnswerAsync(answering, classifier, picture, output);

        return ExitCodes.Done;
    }

    /// <summary>Makes the system end this process before its node when memory runs out.</summary>
    private static void OfferToEndFirst()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "1000");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Then the system chooses the process.
        }
    }

    private static async Task AnswerAsync(
        Task before, IImageClassifier classifier, byte[] picture, Stream output)
    {
        await before;
        var reply = await Task.Run(() => Classify(classifier, picture));
        await Frames.WriteAsync(output, WireJson.WriteUtf8(reply));
    }

    private static IsolatedReply Classify(IImageClassifier classifier, byte[] picture)
    {
        try
        {
            var started = Stopwatch.GetTimestamp();
            var decoding = classifier.Decode(picture);
            if (decoding is Decoding.Refused refused)
                return new IsolatedReply(classifier.Model, Error: refused.Error);

            using var decoded = ((Decoding.Decoded)decoding).Picture;
            var decodedAt = Stopwatch.GetTimestamp();
            var predictions = classifier.Classify([decoded])[0];
            return new IsolatedReply(
                classifier.Model,
                predictions,
                DecodeMs: Stopwatch.GetElapsedTime(started, decodedAt).TotalMilliseconds,
                RunMs: Stopwatch.GetElapsedTime(decodedAt).TotalMilliseconds);
        }
        catch (Exception failure)
        {
            return new IsolatedReply(
                classifier.Model, Failure: failure.Message, IsMemoryShort: failure is OutOfMemoryException);
        }
    }
}
