using ImageClassifier.Core;
using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Loads the network of a model directory.</summary>
internal static class NetworkFile
{
    // ONNX Runtime quotes names of the network.
    private const int LongestMessage = 500;

    /// <summary>Loads a network of one or more files. An ONNX file is a protocol buffer, and buffers that follow each
    /// other are one: lists, such as nodes and weights, are joined
    /// (https://protobuf.dev/programming-guides/encoding/#last-one-wins).</summary>
    /// <exception cref="ModelDefectException">The network cannot be loaded.</exception>
    public static InferenceSession Load(string folder, IReadOnlyList<string> parts, int threads)
    {
        using var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            InterOpNumThreads = 1,
            IntraOpNumThreads = threads,
            // Warnings say how a graph could be better. They would appear on standard error at every start.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        // Threads that spin while they wait cost more than the wake-up that spinning saves.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        try
        {
            if (parts.Count == 1) return new InferenceSession(Path.Combine(folder, parts[0]), options);
            // A network in memory has no folder in which its files of weights could be looked up.
            options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder);
            return new InferenceSession(Join(folder, parts), options);
        }
        catch (OnnxRuntimeException failure)
        {
            var remedy = parts.Count == 1 ? "fetch or export it again" : "fetch the parts again, and check their order";
            throw new ModelDefectException(
                $"{string.Join(" + ", parts)} cannot be loaded: {FirstLine(failure)}; {remedy}", failure);
        }
    }

    /// <summary>The message of ONNX Runtime, without its stack trace.</summary>
    public static string FirstLine(Exception failure) =>
        UntrustedText.ForMessage(failure.Message.Split('\n', 2)[0].Trim().TrimEnd('.'), LongestMessage);

    private static byte[] Join(string folder, IReadOnlyList<string> parts)
    {
        var files = new List<FileStream>();
        try
        {
            foreach (var part in parts) files.Add(File.OpenRead(Path.Combine(folder, part)));
            return Join(files);
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }
    }

    private static byte[] Join(List<FileStream> parts)
    {
        var length = parts.Sum(part => part.Length);
        if (length > Array.MaxLength)
        {
            throw new ModelDefectException($"the parts of the network have {length} bytes together, more than the "
                + $"{Array.MaxLength} of a network in memory; keep the weights in an external file");
        }

        var network = new byte[length];
        var at = 0;
        foreach (var part in parts)
        {
            var end = at + (int)part.Length;
            part.ReadExactly(network.AsSpan(at..end));
            at = end;
        }

        return network;
    }
}
