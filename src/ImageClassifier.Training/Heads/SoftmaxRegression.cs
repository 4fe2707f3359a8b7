namespace ImageClassifier.Training.Heads;

/// <summary>
/// Multinomial logistic regression: finds the head with the least cross-entropy. The surface is convex, so there is one
/// best head, whatever the start. It is found by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.5) with
/// backtracking.
/// </summary>
public static class SoftmaxRegression
{
    // Features of length 1 are multiplied by this. Then one penalty fits few pictures and many.
    private const float Scale = 20;

    private const int History = 10;
    private const int MostSteps = 120;
    private const int MostHalvings = 20;
    private const double Sufficient = 1e-4;

    // Steps that gain less change no measured accuracy.
    private const double SmallGain = 3e-4;
    private const int SmallGainsToStop = 3;

    /// <summary>Trains a head.</summary>
    /// <param name="rows">The features of each picture, of length 1.</param>
    /// <param name="labels">The class of each picture.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="decay">The penalty on large weights.</param>
    /// <param name="start">A head from which to start; null to start from nothing. A near one saves steps.</param>
    /// <param name="progress">Receives the share of the steps that are done.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static LinearHead Fit(
        IReadOnlyList<float[]> rows,
        IReadOnlyList<int> labels,
        int classes,
        double decay,
        LinearHead? start,
        Action<double> progress,
        CancellationToken cancellation)
    {
        // The features of this backbone are never negative. Around their mean the surface is round, and steps are few.
        var mean = Mean(rows);
        var centred = rows.Select(row => row.Select((value, i) => (value - mean[i]) * Scale).ToArray()).ToArray();
        var surface = new LossSurface(centred, labels, classes, decay);
        var found = Minimise(surface, Parameters(start, mean, classes), progress, cancellation);
        return OnOriginalFeatures(found, mean, classes);
    }

    private static float[] Mean(IReadOnlyList<float[]> rows)
    {
        var sum = new double[rows[0].Length];
        foreach (var row in rows)
        {
            for (var i = 0; i < sum.Length; i++) sum[i] += row[i];
        }

        return [.. sum.Select(total => (float)(total / rows.Count))];
    }

    /// <summary>The parameters of a head on centred and scaled features.</summary>
    private static float[] Parameters(LinearHead? head, float[] mean, int classes)
    {
        var parameters = new float[classes * (mean.Length + 1)];
        if (head is null) return parameters;
        for (var label = 0; label < classes; label++)
        {
            var weights = head.Weights[label];
            for (var i = 0; i < mean.Length; i++) parameters[label * mean.Length + i] = weights[i] / Scale;
            parameters[classes * mean.Length + label] = head.Bias[label] + VectorMath.Dot(weights, mean);
        }

        return parameters;
    }

    /// <summary>The head of parameters: the opposite of <see cref="Parameters"/>.</summary>
    private static LinearHead OnOriginalFeatures(float[] parameters, float[] mean, int classes)
    {
        var weights = new float[classes][];
        var bias = new float[classes];
        for (var label = 0; label < classes; label++)
        {
            weights[label] = [.. parameters.AsSpan(label * mean.Length, mean.Length)];
            for (var i = 0; i < mean.Length; i++) weights[label][i] *= Scale;
            bias[label] = parameters[classes * mean.Length + label] - VectorMath.Dot(weights[label], mean);
        }

        return new LinearHead(weights, bias);
    }

    private static float[] Minimise(
        LossSurface surface, float[] point, Action<double> progress, CancellationToken cancellation)
    {
        var gradient = new float[point.Length];
        var loss = surface.Evaluate(point, gradient, cancellation);
        var history = new LinkedList<Curvature>();
        var smallGains = 0;
        for (var step = 0; step < MostSteps && smallGains < SmallGainsToStop; step++)
        {
            progress((double)step / MostSteps);
            var direction = Direction(gradient, history);
            var slope = VectorMath.Dot(direction, gradient);
            if (slope >= 0) break;

            var length = history.Count == 0 ? 1 / MathF.Sqrt(-slope) : 1;
            var (next, nextGradient) = (new float[point.Length], new float[point.Length]);
            var nextLoss = 0.0;
            var halvings = 0;
            for (; halvings < MostHalvings; halvings++, length /= 2)
            {
                point.CopyTo(next, 0);
                VectorMath.Add(next, length, direction);
                nextLoss = surface.Evaluate(next, nextGradient, cancellation);
                if (nextLoss <= loss + Sufficient * length * slope) break;
            }

            if (halvings == MostHalvings) break;
            Remember(history, point, next, gradient, nextGradient);
            smallGains = loss - nextLoss < SmallGain * loss ? smallGains + 1 : 0;
            (point, gradient, loss) = (next, nextGradient, nextLoss);
        }

        progress(1);
        return point;
    }

    private static float[] Direction(float[] gradient, LinkedList<Curvature> history)
    {
        var direction = Array.ConvertAll(gradient, value => -value);
        var shares = new float[history.Count];
        var index = 0;
        for (var node = history.Last; node is not null; node = node.Previous, index++)
        {
            shares[index] = VectorMath.Dot(node.Value.Move, direction) / node.Value.Product;
            VectorMath.Add(direction, -shares[index], node.Value.Change);
        }

        if (history.Last is { Value: var last })
        {
            var scale = last.Product / VectorMath.Dot(last.Change, last.Change);
            for (var i = 0; i < direction.Length; i++) direction[i] *= scale;
        }

        for (var node = history.First; node is not null; node = node.Next)
        {
            index--;
            var share = VectorMath.Dot(node.Value.Change, direction) / node.Value.Product;
            VectorMath.Add(direction, shares[index] - share, node.Value.Move);
        }

        return direction;
    }

    private static void Remember(
        LinkedList<Curvature> history, float[] point, float[] next, float[] gradient, float[] nextGradient)
    {
        var (move, change) = (Difference(next, point), Difference(nextGradient, gradient));
        var product = VectorMath.Dot(move, change);
        // Rounding can hide the curvature. Such a step teaches nothing.
        if (product <= 1e-8f * VectorMath.Dot(move, move)) return;
        history.AddLast(new Curvature(move, change, product));
        if (history.Count > History) history.RemoveFirst();
    }

    private static float[] Difference(float[] left, float[] right)
    {
        var difference = (float[])left.Clone();
        VectorMath.Add(difference, -1, right);
        return difference;
    }

    /// <summary>A step, how it changed the gradient, and the product of both.</summary>
    private sealed record Curvature(float[] Move, float[] Change, float Product);
}
