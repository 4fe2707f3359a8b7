using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Faults in the environment <c>aws</c>. The emulator keeps everything in memory, so it is paused and never
/// killed. It has no disk that could be full.</summary>
public sealed class AwsFaultSpecs(ITestOutputHelper output) : FaultSpecs(output)
{
    private protected override async Task<FaultEnvironment> OpenAsync() => await EmulatedAwsFaults.StartAsync();
}
