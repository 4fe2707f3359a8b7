using ImageClassifier.Core.Ports;

namespace ImageClassifier.Host.Hosting;

/// <summary>What another program that is built from this one's parts puts around some of them. This program puts
/// nothing. </summary>
/// <param name="Classifier">Around the classifier of a node and of its child process.</param>
/// <param name="NodeClock">Around the clock of a node.</param>
internal sealed record Decorators(
    Func<IImageClassifier, IImageClassifier> Classifier, Func<TimeProvider, TimeProvider> NodeClock)
{
    public static Decorators None { get; } = new(classifier => classifier, clock => clock);
}
