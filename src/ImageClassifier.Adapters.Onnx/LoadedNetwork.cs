using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A network with the memory of its runs. Safe to use from several threads.</summary>
internal sealed class LoadedNetwork : IDisposable
{
    private readonly NetworkSession _session;
    private readonly ModelOutput _output;
    private readonly TensorPool _batches;
    private readonly TensorPool _scores;

    /// <summary>Takes over a session.</summary>
    public LoadedNetwork(NetworkSession session, ModelContract contract)
    {
        _session = session;
        _output = contract.Output;
        _batches = new(session.CreateInput);
        _scores = new(session.CreateOutput);
    }

    /// <summary>The most pictures of a run.</summary>
    public int MaxBatch => _session.MaxBatch;

    /// <summary>The labels of the classes that can be answers.</summary>
    public IReadOnlyList<string> Labels => _session.Labels;

    /// <summary>The most probable classes of each picture.</summary>
    /// <param name="pictures">From 1 to <see cref="MaxBatch"/> tensors, each of one row.</param>
    /// <exception cref="InvalidOperationException">The network returned numbers that are not finite, or are not
    /// probabilities.</exception>
    /// <exception cref="ObjectDisposedException">The network was disposed of.</exception>
    public IReadOnlyList<Prediction>[] Classify(IReadOnlyList<PinnedTensor> pictures)
    {
        var scores = _scores.Rent();
        try
        {
            Run(pictures, scores);
            var predictions = new IReadOnlyList<Prediction>[pictures.Count];
            for (var i = 0; i < predictions.Length; i++)
            {
                predictions[i] =
                    TopPredictions.Of(scores.Row(i), _output.Kind, _session.Labels, _output.FirstClass);
            }

            return predictions;
        }
        finally
        {
            _scores.Return(scores);
        }
    }

    public void Dispose()
    {
        _batches.Dispose();
        _scores.Dispose();
        _session.Dispose();
    }

    private void Run(IReadOnlyList<PinnedTensor> pictures, PinnedTensor scores)
    {
        if (pictures.Count == 1 && _session.TakesPicturesAsTheyAre)
        {
            _session.Run(pictures[0], scores, 1);
            return;
        }

        var batch = _batches.Rent();
        try
        {
            for (var i = 0; i < pictures.Count; i++) pictures[i].Row(0).CopyTo(batch.Row(i));
            _session.Run(batch, scores, pictures.Count);
        }
        finally
        {
            _batches.Return(batch);
        }
    }
}
