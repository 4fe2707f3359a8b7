using ImageClassifier.Training.Pictures;

namespace ImageClassifier.Training.Reports;

/// <summary>What a training gave: the document of <c>--json</c>, and <c>report.json</c> in the model's folder.</summary>
/// <param name="Model">The name of the model.</param>
/// <param name="Pictures">The number of pictures that the head was trained with.</param>
/// <param name="HeldOut">The figures on held-out pictures.</param>
/// <param name="Decay">The penalty on large weights. Of those that were tried it has the least cross-entropy.</param>
/// <param name="Temperature">The calibration: logits are divided by it. The head's weights already are.</param>
/// <param name="Classes">Each class, worst first.</param>
/// <param name="Confusions">The classes that are taken for another most often.</param>
/// <param name="Suspects">Pictures that look as if they were in the wrong folder, the most certain first.</param>
/// <param name="LeftOut">The files that were not used.</param>
public sealed record TrainingReport(
    string Model,
    int Pictures,
    HeldOutFigures HeldOut,
    double Decay,
    double Temperature,
    IReadOnlyList<ClassFigures> Classes,
    IReadOnlyList<Confusion> Confusions,
    IReadOnlyList<Suspect> Suspects,
    IReadOnlyList<LeftOutFile> LeftOut);

/// <summary>The figures on pictures that the measured head was not trained with.</summary>
/// <param name="Method">How the pictures were held out.</param>
/// <param name="Pictures">The number of pictures.</param>
/// <param name="Top1">The share whose first label is right, from 0 to 1.</param>
/// <param name="Top5">The share with the right label among the first five; null with fewer than ten classes.</param>
/// <param name="MeanConfidence">The mean probability of the first label. It is near <paramref name="Top1"/> if the
/// calibration is good.</param>
public sealed record HeldOutFigures(string Method, int Pictures, double Top1, double? Top5, double MeanConfidence);

/// <summary>The figures of a class.</summary>
/// <param name="Label">The class.</param>
/// <param name="Pictures">Its pictures.</param>
/// <param name="HeldOut">Those of them that were held out.</param>
/// <param name="Right">Those of the held-out ones whose first label is right.</param>
public sealed record ClassFigures(string Label, int Pictures, int HeldOut, int Right)
{
    /// <summary>The share of held-out pictures that are right, from 0 to 1.</summary>
    public double Share => HeldOut == 0 ? 1 : (double)Right / HeldOut;
}

/// <summary>A class that is taken for another.</summary>
/// <param name="Label">The class of the folder.</param>
/// <param name="TakenFor">The predicted class.</param>
/// <param name="Pictures">The number of held-out pictures.</param>
public sealed record Confusion(string Label, string TakenFor, int Pictures);

/// <summary>A picture that looks as if it were in the wrong folder.</summary>
/// <param name="File">The path within the training folder.</param>
/// <param name="Label">The class of its folder.</param>
/// <param name="LooksLike">The class that it looks like.</param>
/// <param name="Probability">The probability of that class.</param>
public sealed record Suspect(string File, string Label, string LooksLike, double Probability);
