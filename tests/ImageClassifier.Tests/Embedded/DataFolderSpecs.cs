using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Startup;
using ImageClassifier.Core;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class DataFolderSpecs : IDisposable
{
    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everyone = (UnixFileMode)0b110_110_110;

    private readonly TemporaryFolder _folder = new();

    private EmbeddedLayout Layout => _folder.Layout;

    private string Marker => _folder.File(FolderMarker.Name);

    public void Dispose() => _folder.Remove();

    [Fact]
    public void An_empty_or_missing_folder_is_marked_and_known_from_then_on()
    {
        Assert.Equal(FolderOrigin.New, Layout.Create());
        Assert.Equal(FolderOrigin.Known, Layout.Create());
        Assert.Equal(FolderOrigin.New, new EmbeddedLayout(_folder.File("missing")).Create());
        Assert.True(File.Exists(Marker));
    }

    [Fact]
    public void Several_processes_can_mark_one_folder_at_once()
    {
        Parallel.For(0, 8, _ => Layout.Create());

        Assert.Equal(FolderOrigin.Known, Layout.Create());
        Assert.Equal([Marker], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_folder_with_other_files_is_refused_and_not_changed()
    {
        // Folders with the program's names prove nothing.
        foreach (var name in new[] { "tmp", "logs", "instances", "objects", "queues" })
        {
            Directory.CreateDirectory(_folder.File(name));
            File.WriteAllText(Path.Combine(_folder.File(name), "old.log"), "");
        }

        var refusal = Assert.Throws<InvalidSettingException>(() => Layout.Create());

        Assert.Equal(EmbeddedLayout.DataFolderKey, refusal.Key);
        Assert.Contains("not a data folder of this program", refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Marker));
        Assert.Equal(5, Directory.GetFileSystemEntries(_folder.Path).Length);
    }

    [Fact]
    public void A_database_of_another_program_does_not_make_a_data_folder()
    {
        Directory.CreateDirectory(Layout.Queues);
        Execute(Layout.RequestQueue, "CREATE TABLE messages (text)");

        Assert.Throws<InvalidSettingException>(() => Layout.Create());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_folder_from_before_markers_is_recognised_by_its_databases(bool byQueue)
    {
        if (byQueue)
        {
            SqliteMessageQueue.OpenFile(new SqliteQueueSettings(Layout.RequestQueue, "requests", maxReceives: 9));
        }
        else
        {
            new FleetSession(Layout.FleetTable).Dispose();
            Execute(Layout.FleetTable, "PRAGMA application_id = 0; PRAGMA user_version = 0;");
        }

        Assert.Equal(FolderOrigin.Adopted, Layout.Create());
        Assert.Equal(FolderOrigin.Known, Layout.Create());
    }

    [Fact]
    public void A_folder_of_a_newer_version_is_refused()
    {
        File.WriteAllText(Marker, """{ "Format": 2 }""");

        var refusal = Assert.Throws<InvalidSettingException>(() => Layout.Create());

        Assert.Contains("newer version", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("no JSON")]
    public void A_damaged_marker_proves_nothing_and_is_replaced_in_a_recognised_folder(string damage)
    {
        Layout.Create();
        File.WriteAllText(Marker, damage);
        Assert.Throws<InvalidSettingException>(() => Layout.Create());

        SqliteMessageQueue.OpenFile(new SqliteQueueSettings(Layout.RequestQueue, "requests", maxReceives: 9));

        Assert.Equal(FolderOrigin.Adopted, Layout.Create());
        Assert.Equal(FolderOrigin.Known, Layout.Create());
    }

    [SkippableFact]
    public void The_data_folder_may_be_a_link_but_no_folder_in_it()
    {
        Skip.If(OperatingSystem.IsWindows(), "making links needs a privilege on Windows");
        var real = Directory.CreateDirectory(_folder.File("real")).FullName;
        var link = new EmbeddedLayout(Directory.CreateSymbolicLink(_folder.File("link"), real).FullName);
        Assert.Equal(FolderOrigin.New, link.Create());
        Assert.Equal(FolderOrigin.Known, new EmbeddedLayout(real).Create());

        Directory.Delete(link.Logs);
        Directory.CreateSymbolicLink(link.Logs, Directory.CreateDirectory(_folder.File("var-log")).FullName);

        var refusal = Assert.Throws<InvalidSettingException>(() => link.Create());
        Assert.Contains("logs in it is a link", refusal.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Opening_removes_the_access_of_other_users()
    {
        if (OperatingSystem.IsWindows()) throw new SkipException("Windows has no such modes");
        Layout.Create();
        SqliteMessageQueue.OpenFile(new SqliteQueueSettings(Layout.RequestQueue, "requests", maxReceives: 9));
        var log = Path.Combine(Layout.Logs, "node-0123456789ab.log");
        var foreign = Path.Combine(Layout.Logs, "notes.txt");
        foreach (var file in new[] { log, foreign }) File.WriteAllText(file, "");
        foreach (var file in new[] { log, foreign, Layout.RequestQueue }) File.SetUnixFileMode(file, Everyone);
        string[] folders =
            [_folder.Path, Layout.Queues, Layout.Objects, Layout.Temporary, Layout.Logs, Layout.Instances];
        foreach (var folder in folders) File.SetUnixFileMode(folder, OwnerFolder | Everyone);

        Layout.Create();

        foreach (var folder in folders) Assert.Equal(OwnerFolder, File.GetUnixFileMode(folder));
        Assert.Equal(OwnerFile, File.GetUnixFileMode(Layout.RequestQueue));
        Assert.Equal(OwnerFile, File.GetUnixFileMode(log));
        Assert.Equal(Everyone, File.GetUnixFileMode(foreign));
    }

    [SkippableFact]
    public void Adopting_a_folder_removes_the_access_to_all_its_objects()
    {
        if (OperatingSystem.IsWindows()) throw new SkipException("Windows has no such modes");
        SqliteMessageQueue.OpenFile(new SqliteQueueSettings(Layout.RequestQueue, "requests", maxReceives: 9));
        var picture = Path.Combine(Layout.Objects, "images", BatchId.New().Value, $"{JobId.New()}.jpg");
        var folder = Directory.CreateDirectory(Path.GetDirectoryName(picture)!).FullName;
        File.WriteAllText(picture, "");
        File.SetUnixFileMode(picture, Everyone);
        File.SetUnixFileMode(folder, OwnerFolder | Everyone);

        Assert.Equal(FolderOrigin.Adopted, Layout.Create());

        Assert.Equal(OwnerFile, File.GetUnixFileMode(picture));
        Assert.Equal(OwnerFolder, File.GetUnixFileMode(folder));
    }

    private static void Execute(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
