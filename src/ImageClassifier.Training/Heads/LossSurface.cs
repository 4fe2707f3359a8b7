namespace ImageClassifier.Training.Heads;

/// <summary>
/// The mean cross-entropy of a linear head on pictures, plus a penalty on the squares of its weights. Parameters are the
/// weights class by class, then the biases. Every number is computed by one task in a fixed order, so the result does not
/// depend on the number of cores.
/// </summary>
/// <param name="rows">The features of each picture.</param>
/// <param name="labels">The class of each picture.</param>
/// <param name="classes">The number of classes.</param>
/// <param name="decay">Half of it times the sum of the squared weights is the penalty.</param>
internal sealed class LossSurface(
    IReadOnlyList<float[]> rows, IReadOnlyList<int> labels, int classes, double decay)
{
    // Rows of one block and the weights of one group stay in the processor's second cache.
    private const int BlockRows = 64;
    private const int GroupClasses = 8;

    private readonly float[][] _rows = [.. rows];
    private readonly int _features = rows[0].Length;
    private readonly float[][] _errors = [.. rows.Select(_ => new float[classes])];
    private readonly double[] _losses = new double[rows.Count];

    /// <summary>The loss, and its gradient.</summary>
    public double Evaluate(float[] parameters, float[] gradient, CancellationToken cancellation)
    {
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Environment.ProcessorCount,
            CancellationToken = cancellation,
        };
        Parallel.For(0, Blocks, options, block => ComputeErrors(block, parameters));
        var groups = (classes + GroupClasses - 1) / GroupClasses;
        Parallel.For(0, groups, options, group => ComputeGradient(group * GroupClasses, parameters, gradient));
        var weights = parameters.AsSpan(0, classes * _features);
        return _losses.Sum() / _rows.Length + decay / 2 * VectorMath.Dot(weights, weights);
    }

    private int Blocks => (_rows.Length + BlockRows - 1) / BlockRows;

    /// <summary>The difference between each probability and the wanted one: the gradient by the logits.</summary>
    private void ComputeErrors(int block, float[] parameters)
    {
        var (first, end) = (block * BlockRows, Math.Min(_rows.Length, (block + 1) * BlockRows));
        for (var label = 0; label < classes; label++)
        {
            var weights = parameters.AsSpan(label * _features, _features);
            var bias = parameters[classes * _features + label];
            for (var row = first; row < end; row++)
                _errors[row][label] = VectorMath.Dot(weights, _rows[row]) + bias;
        }

        for (var row = first; row < end; row++)
        {
            var own = labels[row];
            var logit = _errors[row][own];
            var logTotal = Softmax.Apply(_errors[row]);
            _losses[row] = logTotal - logit;
            _errors[row][own] -= 1;
        }
    }

    private void ComputeGradient(int first, float[] parameters, float[] gradient)
    {
        var end = Math.Min(classes, first + GroupClasses);
        var sums = gradient.AsSpan(first * _features, (end - first) * _features);
        sums.Clear();
        for (var block = 0; block < Blocks; block++)
        {
            for (var label = first; label < end; label++)
                AddBlock(block, label, gradient.AsSpan(label * _features, _features));
        }

        var scale = 1f / _rows.Length;
        for (var label = first; label < end; label++)
        {
            for (var i = label * _features; i < (label + 1) * _features; i++)
                gradient[i] = gradient[i] * scale + (float)decay * parameters[i];
            var error = 0.0;
            for (var row = 0; row < _rows.Length; row++) error += _errors[row][label];
            gradient[classes * _features + label] = (float)(error / _rows.Length);
        }
    }

    private void AddBlock(int block, int label, Span<float> sum)
    {
        var (row, end) = (block * BlockRows, Math.Min(_rows.Length, (block + 1) * BlockRows));
        for (; row + 3 < end; row += 4)
        {
            VectorMath.AddFour(
                sum,
                (_errors[row][label], _errors[row + 1][label], _errors[row + 2][label], _errors[row + 3][label]),
                _rows[row], _rows[row + 1], _rows[row + 2], _rows[row + 3]);
        }

        for (; row < end; row++) VectorMath.Add(sum, _errors[row][label], _rows[row]);
    }
}
