using ImageClassifier.Core;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Training.Pictures;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class TrainingFolderSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folders_are_classes_and_files_anywhere_in_them_are_their_pictures()
    {
        Write("dogs/a.jpg", "dogs/train/b.jpg", "Cats/c.jpg", "Cats/d.jpg", "Cats/.hidden.jpg", ".git/x", "stray.jpg");
        var folder = TrainingFolder.Read(_folder.Path, default);
        Assert.Equal(["Cats", "dogs"], folder.Classes);
        Assert.Equal(
            [("Cats/c.jpg", 0), ("Cats/d.jpg", 0), ("dogs/a.jpg", 1), ("dogs/train/b.jpg", 1)],
            folder.Files.Select(file => (file.Name, file.Class)));
        Assert.Equal("stray.jpg", Assert.Single(folder.Stray).File);
    }

    [Theory]
    [InlineData("it has no folder", "a.jpg")]
    [InlineData("it has one folder", "cats/a.jpg", "cats/b.jpg")]
    [InlineData("the class dogs has one usable picture", "cats/a.jpg", "cats/b.jpg", "dogs/c.jpg")]
    [InlineData("the class dogs has no usable picture", "cats/a.jpg", "cats/b.jpg", "dogs/.c.jpg")]
    [InlineData("invisible character", "cats/a.jpg", "cats/b.jpg", "do\ngs/c.jpg", "do\ngs/d.jpg")]
    public void A_folder_that_cannot_be_learnt_from_is_refused(string reason, params string[] files)
    {
        Write(files);
        var wrong = Assert.Throws<InvalidSettingException>(() => TrainingFolder.Read(_folder.Path, default));
        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
        Assert.StartsWith("FOLDER = ", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_folder_is_refused() => Assert.Contains(
        "there is no such folder",
        Assert.Throws<InvalidSettingException>(() => TrainingFolder.Read(Path.Combine(_folder.Path, "none"), default)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_link_that_leads_back_is_not_followed()
    {
        Write("cats/a.jpg", "cats/b.jpg", "dogs/c.jpg", "dogs/d.jpg");
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "cats", "loop"), _folder.Path);
        var folder = TrainingFolder.Read(_folder.Path, default);
        Assert.Equal(4, folder.Files.Count);
        var left = Assert.Single(folder.Stray);
        Assert.Equal(Path.Combine("cats", "loop"), left.File);
        Assert.StartsWith("It is a link to a folder, and links to folders are not followed.", left.Reason, StringComparison.Ordinal);
        Assert.True(left.IsFault);
    }

    [Fact]
    public void A_class_that_is_a_link_is_refused_by_name()
    {
        Write("cats/a.jpg", "cats/b.jpg", "dogs/c.jpg", "dogs/d.jpg");
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "birds"), "..");
        AssertRefused("the folder birds is a link to .., and links to folders are not followed");
    }

    [Fact]
    public void All_bad_folders_are_told_at_once()
    {
        Write("do\ngs/a.jpg", "ca\u202Ets/a.jpg", "birds/a.jpg");
        AssertRefused("the folder \"do\uFFFDgs\" is blank", "the folder \"ca\uFFFDts\" is blank");
    }

    [Fact]
    public void Of_many_classes_with_too_few_pictures_the_first_and_a_count_are_told()
    {
        Write("a/1.jpg", "b/1.jpg", "b/2.jpg", "c/.hidden", "d/1.jpg", "e/1.jpg", "f/1.jpg", "g/1.jpg", "h/1.jpg");
        AssertRefused(
            "the class a has one usable picture; the class c has no usable picture", "and 2 more folders like these");
    }

    [Fact]
    public void A_folder_that_cannot_be_read_is_named_with_what_to_do()
    {
        if (OperatingSystem.IsWindows()) return;
        Write("cats/a.jpg", "cats/b.jpg", "dogs/c.jpg", "dogs/d.jpg");
        var dogs = Path.Combine(_folder.Path, "dogs");
        OrdinaryUser.LetRead(_folder.Path);
        File.SetUnixFileMode(dogs, UnixFileMode.None);
        try
        {
            OrdinaryUser.Run(
                () => AssertRefused("a folder in it cannot be read", dogs, "allow this user to read it"));
        }
        finally
        {
            foreach (var folder in Directory.GetDirectories(_folder.Path).Append(_folder.Path))
                File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void An_empty_path_is_refused()
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => TrainingFolder.Read("", default));
        Assert.Contains("give a folder", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_ends_the_listing()
    {
        Write("cats/a.jpg", "cats/b.jpg", "dogs/c.jpg", "dogs/d.jpg");
        Assert.Throws<OperationCanceledException>(
            () => TrainingFolder.Read(_folder.Path, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Copies_teach_nothing_new()
    {
        Write("cats/a.jpg", "cats/b.jpg", "cats/copy.jpg", "dogs/c.jpg", "dogs/cat.jpg", "dogs/d.jpg");
        var table = Compute(path => new Extraction.Extracted(
            [3, 4], Path.GetFileName(path) is "copy.jpg" or "cat.jpg" ? "a.jpg" : Path.GetFileName(path)));

        Assert.Equal([("cats/copy.jpg", false), ("dogs/cat.jpg", true)], table.LeftOut.Select(file => (file.File, file.IsFault)));
        Assert.Equal([0, 0, 1, 1], table.Labels);
        Assert.All(table.Rows, row => Assert.Equal([0.6f, 0.8f], row));
    }

    [Fact]
    public void Pictures_that_cannot_be_used_are_left_out_with_the_reason()
    {
        Write("cats/a.jpg", "cats/b.jpg", "dogs/c.jpg", "dogs/d.jpg", "dogs/e.jpg");
        var table = Compute(path => Path.GetFileName(path) == "d.jpg"
            ? new Extraction.Refused("It is damaged.")
            : new Extraction.Extracted([0, 0], path));
        Assert.Equal([new LeftOutFile("dogs/d.jpg", "It is damaged.", IsFault: true)], table.LeftOut);
        Assert.All(table.Rows, row => Assert.Equal([0f, 0f], row));
    }

    [Fact]
    public void A_class_with_too_few_usable_pictures_is_an_error()
    {
        Write("cats/a.jpg", "cats/b.jpg", "dogs/c.jpg", "dogs/d.jpg");
        var wrong = Assert.Throws<InvalidSettingException>(() => Compute(path => Path.GetFileName(path) == "d.jpg"
            ? new Extraction.Refused("It is damaged.")
            : new Extraction.Extracted([1], path)));
        Assert.Contains("the class dogs has one usable picture", wrong.Message, StringComparison.Ordinal);
    }

    private FeatureTable Compute(Func<string, Extraction> extract) => FeatureTable.Compute(
        TrainingFolder.Read(_folder.Path, default), (path, _) => extract(path), _ => { }, CancellationToken.None);

    private void AssertRefused(params string[] clauses)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => TrainingFolder.Read(_folder.Path, default)).Message;
        Assert.All(clauses, clause => Assert.Contains(clause, wrong, StringComparison.Ordinal));
    }

    private void Write(params string[] files)
    {
        foreach (var file in files)
        {
            var path = Path.Combine(_folder.Path, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
    }
}
