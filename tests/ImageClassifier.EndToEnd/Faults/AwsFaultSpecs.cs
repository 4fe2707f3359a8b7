using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Faults in the environment <c>aws</c>. The emulator keeps everything in memory, so it is stopped and never
/// killed, and it has no disk that could be full.</summary>
public sealed class AwsFaultSpecs(ITestOutputHelper output) : FaultSpecs(output)
{
    private protected override async Task<FaultEnvironment> OpenAsync() => await EmulatedAwsFaults.StartAsync();
}
