using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.Isolation;

/// <summary>The hidden verb of a node's child process, which tries pictures and models that may crash it: the child's side
/// of <see cref="IsolatedClassifier"/> and <see cref="IsolatedTrial"/>. The input is its settings, and then one message for
/// each picture. The output is an empty message once its model is loaded, and then one answer for each picture. It ends
/// with its input, so it never outlives its node.</summary>
/// <param name="createClassifier">Creates the classifier of the settings.</param>
internal sealed class IsolatedClassifierVerb(Func<OnnxSettings, IImageClassifier> createClassifier)
{
    /// <summary>The name of the verb. Only nodes use it, so no help shows it.</summary>
    public const string Name = "isolated-classifier";

    private const int PoolThreads = 8;

    /// <summary>Answers pictures until the input ends.</summary>
    public async Task<int> RunAsync(Stream input, Stream output)
    {
        // Ctrl-C and service managers signal the whole process group, but a draining node still needs this process.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        OfferToEndFirst();
        if (await Frames.ReadAsync(input) is not { } settings) return ExitCodes.Done;
        // Reading the input blocks a thread of the pool. Loading and decoding must not wait for that thread.
        ThreadPool.SetMinThreads(PoolThreads, PoolThreads);
        // Not disposed of, because a picture may still be decoded when the input ends. The process then ends.
        var classifier = createClassifier(
            JsonSerializer.Deserialize<OnnxSettings>(settings, WireJson.Options)
            ?? throw new InvalidDataException("The first message holds no settings."));

        await Frames.WriteAsync(output, ReadOnlyMemory<byte>.Empty);
        var answering = Task.CompletedTask;
        while (await Frames.ReadAsync(input) is { } picture)
            answering = AnswerAsync(answering, classifier, picture, output);

        return ExitCodes.Done;
    }

    /// <summary>Makes the system kill this process before its node if memory runs out.</summary>
    private static void OfferToEndFirst()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "1000");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The system then chooses which process to kill.
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
