using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Host.Isolation;

namespace ImageClassifier.Tests.CommandLine;

/// <summary>Verbs that only record their arguments.</summary>
internal sealed class RecordedVerbs : IVerbs
{
    public object? Called { get; private set; }

    /// <summary>The action of a verb when it is called.</summary>
    public Func<int> Behaviour { get; set; } = () => ExitCodes.Done;

    public Task<int> WebAsync(WebOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> NodeAsync(NodeOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> IsolatedClassifierAsync() => Record(IsolatedClassifierVerb.Name);

    public Task<int> ClassifyAsync(ClassifyOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> SendAsync(SendOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> AwsProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> AwsCheckAsync(AwsCheckOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> QueueAsync(QueueOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> ModelsCheckAsync(ModelsCheckOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> ModelsAsync(ModelsOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> KeyAsync(KeyOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> TrainAsync(TrainOptions options, CancellationToken cancellation) => Record(options);

    public Task<int> SimulateAsync(SimulateOptions options, CancellationToken cancellation) => Record(options);

    private Task<int> Record(object options)
    {
        Called = options;
        return Task.FromResult(Behaviour());
    }
}
