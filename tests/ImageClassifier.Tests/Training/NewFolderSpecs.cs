using ImageClassifier.Core;
using ImageClassifier.Host.CommandLine.Train;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Training;

/// <summary>A new model is whole or not there. Only what this program left behind is deleted.</summary>
public sealed class NewFolderSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Target => Path.Combine(_folder.Path, "out");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_completed_folder_has_its_name_and_nothing_else_is_left()
    {
        using (var created = NewFolder.Create("--out", Target))
        {
            File.WriteAllText(Path.Combine(created.Path, "file"), "content");
            Assert.False(Directory.Exists(Target));
            created.Complete();
            Assert.Equal(Target, created.Path);
        }

        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Equal([Path.Combine(Target, "file")], Directory.GetFileSystemEntries(Target));
    }

    [Fact]
    public void What_a_killed_process_left_is_deleted_by_the_next_for_the_same_target()
    {
        var left = Leave(Target);
        var ofAnother = Leave(Path.Combine(_folder.Path, "other"));

        using (NewFolder.Create("--out", Target)) Assert.False(Directory.Exists(left));

        Assert.Equal([ofAnother], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void What_a_living_process_holds_stays()
    {
        using var living = NewFolder.Create("--out", Target);
        using (NewFolder.Create("--out", Target)) Assert.True(Directory.Exists(living.Path));
        Assert.True(Directory.Exists(living.Path));
    }

    [Theory]
    [InlineData("out.partial-notes", true)]
    [InlineData("out.partial-0123456789abcdef0123456789abcdef", false)]
    [InlineData("xout.partial-0123456789abcdef0123456789abcdef", true)]
    public void A_folder_of_the_user_stays(string name, bool hasLockFile)
    {
        var own = Directory.CreateDirectory(Path.Combine(_folder.Path, name)).FullName;
        if (hasLockFile) File.WriteAllText(Path.Combine(own, "image-classifier-train.lock"), "");
        File.WriteAllText(Path.Combine(own, "notes"), "mine");

        NewFolder.Create("--out", Target).Dispose();

        Assert.True(File.Exists(Path.Combine(own, "notes")));
    }

    [Fact]
    public void A_folder_that_cannot_be_created_is_told_with_the_remedy()
    {
        var file = _folder.Write("file", "");
        var wrong = Assert.Throws<InvalidSettingException>(() => NewFolder.Create("--out", Path.Combine(file, "out")));
        Assert.Equal("--out", wrong.Key);
        Assert.Contains("give a folder in which this user may write", wrong.Message, StringComparison.Ordinal);
    }

    /// <summary>Leaves what a process leaves that is killed.</summary>
    private static string Leave(string target)
    {
        var work = Directory.CreateDirectory($"{target}.partial-{Guid.NewGuid():N}").FullName;
        File.WriteAllText(Path.Combine(work, "image-classifier-train.lock"), "");
        Directory.CreateDirectory(Path.Combine(work, "content", "samples"));
        File.WriteAllText(Path.Combine(work, "content", "samples", "a.png"), "");
        return work;
    }
}
