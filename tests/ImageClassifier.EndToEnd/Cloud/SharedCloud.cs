using Xunit;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>One deployment for all tests of a class. The first test creates it. If that fails, all tests are
/// skipped.</summary>
public sealed class SharedCloud : IAsyncLifetime
{
    private readonly Lazy<Task<CloudDeployment>> _cloud = new(CloudDeployment.CreateAsync);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_cloud is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await (await _cloud.Value).DisposeAsync();
    }

    internal Task<CloudDeployment> OpenAsync() => _cloud.Value;
}
