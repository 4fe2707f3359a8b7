using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>The registry of models by the operator, with exactly the operator's policy.</summary>
public sealed class RegistrySpecs(SharedCloud shared) : IClassFixture<SharedCloud>
{
    [SkippableFact]
    public async Task The_operator_pushes_a_model_changes_the_rollout_and_lists_it()
    {
        var cloud = await shared.OpenAsync();
        await cloud.ProvisionAsync();
        using var model = new CopiedModel();

        await RunAsync("push", model.Path, "--name", "first");
        model.Rename("another");
        await RunAsync("push", model.Path, "--name", "second");
        await RunAsync("activate", "first");
        await RunAsync("canary", "second", "--share", "10%");
        await RunAsync("rollback");
        var registry = await RunAsync("registry");

        Assert.Equal("first", registry.GetProperty("active").GetProperty("name").GetString());
        Assert.False(registry.TryGetProperty("canary", out _));
        Assert.Equal(
            ["first", "second"],
            registry.GetProperty("models").EnumerateArray().Select(pushed => pushed.GetProperty("name").GetString()));
        Assert.Empty(cloud.Proxy.Refused);
        cloud.Proxy.AssertAllUnderstood();

        async Task<JsonElement> RunAsync(params string[] arguments)
        {
            var (exitCode, output, error) = await cloud.RunAsync(
                CloudRole.Operator, ["models", .. arguments, "--json"]);
            Assert.True(exitCode == 0, $"{output}\n{error}\n{string.Join('\n', cloud.Proxy.Refused)}");
            return JsonElement.Parse(output);
        }
    }
}
