using ImageClassifier.Adapters.Embedded.Fleet;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

/// <summary>Web nodes on one data folder.</summary>
public sealed class WebNodeLockSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public WebNodeLockSpecs() => Directory.CreateDirectory(_folder.Layout.Instances);

    public void Dispose() => _folder.Remove();

    [Fact]
    public void A_folder_is_shared_while_another_web_node_runs()
    {
        Assert.False(WebNodeLock.IsAnyHeld(_folder.Layout));
        using var first = WebNodeLock.Take(_folder.Layout);
        Assert.False(first.IsShared());
        using (var second = WebNodeLock.Take(_folder.Layout))
        {
            Assert.True(first.IsShared());
            Assert.True(second.IsShared());
        }

        Assert.False(first.IsShared());
        Assert.True(WebNodeLock.IsAnyHeld(_folder.Layout));
    }

    [Fact]
    public void The_file_of_a_killed_web_node_does_not_count_and_is_removed_and_others_stay()
    {
        var folder = _folder.Layout.Instances;
        var left = Path.Combine(folder, $"web-{Guid.NewGuid():n}.lock");
        string[] others = [Path.Combine(folder, "web-1.lock"), Path.Combine(folder, "notes.txt")];
        foreach (var file in (string[])[left, .. others]) File.WriteAllText(file, "");

        using var node = WebNodeLock.Take(_folder.Layout);

        Assert.False(node.IsShared());
        Assert.False(File.Exists(left));
        Assert.All(others, file => Assert.True(File.Exists(file)));
    }
}
