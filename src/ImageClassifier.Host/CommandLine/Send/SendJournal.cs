using System.Globalization;
using System.Security.Cryptography;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core.Messages;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>A file of the arguments, or in a folder of them.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Shown">Its path for people.</param>
/// <param name="InFolder">True if a folder was named and not this file.</param>
internal sealed record ListedFile(string Path, string Shown, bool InFolder)
{
    /// <summary>Why it cannot be searched; null for a file.</summary>
    public JobError? Error { get; init; }
}

/// <summary>A file of a chunk.</summary>
/// <param name="Id">Its number in the journal.</param>
/// <param name="Path">Its full path.</param>
/// <param name="Shown">Its path for people.</param>
/// <param name="Size">Its bytes when the chunk was formed.</param>
/// <param name="Changed">When it was last changed then, in ticks.</param>
internal sealed record ChunkFile(long Id, string Path, string Shown, long Size, long Changed);

/// <summary>The files of one request, and the key by which the service recognises a repeat.</summary>
/// <param name="Id">Its number in the journal.</param>
/// <param name="Key">The key.</param>
/// <param name="Files">The files.</param>
/// <param name="IsNew">False if an earlier run may have sent it.</param>
internal sealed record Chunk(long Id, string Key, IReadOnlyList<ChunkFile> Files, bool IsNew);

/// <summary>A chunk that the service has accepted.</summary>
/// <param name="Id">Its number in the journal.</param>
/// <param name="Batch">Its batch.</param>
/// <param name="After">The last event that was read; null for none.</param>
internal sealed record AcceptedChunk(long Id, string Batch, string? After);

/// <summary>The numbers of files.</summary>
/// <param name="Total">All files.</param>
/// <param name="Answered">Those that need not be sent any more.</param>
/// <param name="Done">Those with an outcome.</param>
/// <param name="Classified">Those that were classified.</param>
internal sealed record FileCounts(long Total, long Answered, long Done, long Classified);

/// <summary>
/// What was sent and what came back, in a file that survives a kill at any moment. A request is stored before it is
/// sent, so that a later run repeats it with the same key. Safe from any thread.
/// </summary>
internal sealed class SendJournal : SqliteSession
{
    private const int PageSize = 500;

    private readonly Lock _lock = new();
    private readonly ExclusiveFileLock _owner;
    private readonly string _lockFile;
    private readonly TimeProvider _time;
    private readonly SqliteStatement _durable;
    private readonly SqliteStatement _quick;
    private readonly SqliteStatement _selectSend;
    private readonly SqliteStatement _insertSend;
    private readonly SqliteStatement _setServer;
    private readonly SqliteStatement _setKey;
    private readonly SqliteStatement _setListed;
    private readonly SqliteStatement _insertFile;
    private readonly SqliteStatement _deleteUnsent;
    private readonly SqliteStatement _deleteFile;
    private readonly SqliteStatement _selectToSend;
    private readonly SqliteStatement _insertChunk;
    private readonly SqliteStatement _deleteChunk;
    private readonly SqliteStatement _selectIsSent;
    private readonly SqliteStatement _assign;
    private readonly SqliteStatement _unassign;
    private readonly SqliteStatement _selectUnanswered;
    private readonly SqliteStatement _selectUnfinished;
    private readonly SqliteStatement _selectChunk;
    private readonly SqliteStatement _selectFiles;
    private readonly SqliteStatement _accept;
    private readonly SqliteStatement _setJob;
    private readonly SqliteStatement _setOutcome;
    private readonly SqliteStatement _setAfter;
    private readonly SqliteStatement _selectJob;
    private readonly SqliteStatement _selectOpen;
    private readonly SqliteStatement _selectOutcomes;
    private readonly SqliteStatement _selectCounts;

    private SendJournal(string path, string lockFile, ExclusiveFileLock owner, TimeProvider time)
        : base(path, SendSchema.Schema)
    {
        (_owner, _lockFile, _time) = (owner, lockFile, time);
        _durable = Statement("PRAGMA synchronous = FULL");
        _quick = Statement("PRAGMA synchronous = NORMAL");
        _selectSend = Statement("SELECT server, key_hash, listed FROM send");
        _insertSend = Statement("INSERT INTO send VALUES ($server, $key, 0)", "$server", "$key");
        _setServer = Statement("UPDATE send SET server = $server", "$server");
        _setKey = Statement("UPDATE send SET key_hash = $key", "$key");
        _setListed = Statement("UPDATE send SET listed = 1");
        _insertFile = Statement(
            "INSERT OR IGNORE INTO files (path, shown, in_folder, status, outcome) VALUES ($path, $shown, $in, $status, "
            + "$outcome)", "$path", "$shown", "$in", "$status", "$outcome");
        _deleteUnsent = Statement("DELETE FROM files WHERE chunk IS NULL AND status IS NOT NULL");
        _deleteFile = Statement("DELETE FROM files WHERE id = $id", "$id");
        _selectToSend = Statement(
            "SELECT id, path, shown, in_folder FROM files WHERE chunk IS NULL AND status IS NULL ORDER BY id LIMIT $most",
            "$most");
        _insertChunk = Statement(
            "INSERT INTO chunks (key, formed_at) VALUES ($key, $now) RETURNING id", "$key", "$now");
        _deleteChunk = Statement("DELETE FROM chunks WHERE id = $id", "$id");
        _selectIsSent = Statement("SELECT EXISTS (SELECT 1 FROM chunks)");
        _assign = Statement(
            "UPDATE files SET chunk = $chunk, size = $size, changed = $changed WHERE id = $id",
            "$chunk", "$size", "$changed", "$id");
        _unassign = Statement("UPDATE files SET chunk = NULL WHERE chunk = $chunk AND status IS NULL", "$chunk");
        _selectUnanswered = Statement(
            "SELECT id, formed_at FROM chunks WHERE batch IS NULL AND EXISTS (SELECT 1 FROM files WHERE "
            + "chunk = chunks.id AND status IS NULL) ORDER BY id");
        _selectUnfinished = Statement(
            "SELECT id, batch, after_event FROM chunks WHERE batch IS NOT NULL AND EXISTS (SELECT 1 FROM files WHERE "
            + "chunk = chunks.id AND status IS NULL) ORDER BY id");
        _selectChunk = Statement("SELECT key FROM chunks WHERE id = $id", "$id");
        _selectFiles = Statement(
            "SELECT id, path, shown, size, changed FROM files WHERE chunk = $chunk ORDER BY id", "$chunk");
        _accept = Statement("UPDATE chunks SET batch = $batch WHERE id = $id", "$batch", "$id");
        _setJob = Statement("UPDATE files SET job = $job WHERE id = $id", "$job", "$id");
        _setOutcome = Statement(
            "UPDATE files SET status = $status, outcome = $outcome WHERE id = $id AND status IS NULL",
            "$status", "$outcome", "$id");
        _setAfter = Statement("UPDATE chunks SET after_event = $after WHERE id = $id", "$after", "$id");
        _selectJob = Statement(
            "SELECT id, shown FROM files WHERE chunk = $chunk AND job = $job AND status IS NULL", "$chunk", "$job");
        _selectOpen = Statement("SELECT id, shown FROM files WHERE chunk = $chunk AND status IS NULL", "$chunk");
        _selectOutcomes = Statement(
            "SELECT path, outcome FROM files WHERE path > $after AND status IS NOT NULL ORDER BY path LIMIT "
            + PageSize.ToString(CultureInfo.InvariantCulture), "$after");
        _selectCounts = Statement(
            "SELECT count(*), count(*) FILTER (WHERE status IS NOT NULL OR batch IS NOT NULL), count(status), "
            + "count(*) FILTER (WHERE status = 'Classified') FROM files LEFT JOIN chunks ON chunks.id = files.chunk");
    }

    /// <summary>Opens a state file, and creates it if it is missing.</summary>
    /// <returns>Null if another process has it open.</returns>
    /// <exception cref="ForeignDatabaseException">The file belongs to something else.</exception>
    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static SendJournal? TryOpen(string path, TimeProvider time)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var lockFile = path + ".lock";
        var owner = ExclusiveFileLock.TryTake(lockFile);
        if (owner is null)
        {
            // If the lock could not be created, this says why.
            if (!File.Exists(lockFile)) File.OpenHandle(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite).Dispose();
            return null;
        }

        try
        {
            if (!File.Exists(path)) CreateForOwnerOnly(path);
            return new SendJournal(path, lockFile, owner, time);
        }
        catch
        {
            owner.Dispose();
            ExclusiveFileLock.TryRemove(lockFile);
            throw;
        }
    }

    // The file has the ids of batches, and an id is enough to read its batch.
    private static void CreateForOwnerOnly(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        new FileStream(path, options).Dispose();
    }

    /// <summary>Closes the file and releases it for other processes.</summary>
    public void Close()
    {
        lock (_lock) Dispose();
        _owner.Dispose();
        ExclusiveFileLock.TryRemove(_lockFile);
    }

    /// <summary>The service and the hash of the key of the first run; null if the file is new.</summary>
    public (string Server, string KeyHash)? Service
    {
        get
        {
            lock (_lock) return _selectSend.Rows(row => (row.GetString(0), row.GetString(1))).Cast<(string, string)?>()
                .SingleOrDefault();
        }
    }

    /// <summary>True if the files of an earlier run are all in the journal.</summary>
    public bool IsListed
    {
        get
        {
            lock (_lock) return _selectSend.Rows(row => row.GetInt64(2) == 1).SingleOrDefault();
        }
    }

    /// <summary>Begins a new journal.</summary>
    public void Begin(string server, string keyHash)
    {
        lock (_lock) _insertSend.Execute(server, keyHash);
    }

    /// <summary>True if something was sent, or may have been.</summary>
    public bool HasSent
    {
        get
        {
            lock (_lock) return _selectIsSent.Rows(row => row.GetInt64(0) == 1).Single();
        }
    }

    /// <summary>Notes that uploads go to another service from now on.</summary>
    public void ChangeServer(string server)
    {
        lock (_lock) _setServer.Execute(server);
    }

    /// <summary>Notes that uploads have another key from now on.</summary>
    public void ChangeKey(string keyHash)
    {
        lock (_lock) _setKey.Execute(keyHash);
    }

    /// <summary>Adds files. A file that the journal has already is not added, but one that could not be sent is looked
    /// at again. After a kill either all are there or none.</summary>
    public void Add(IEnumerable<ListedFile> files)
    {
        lock (_lock)
        {
            Transact(() =>
            {
                _deleteUnsent.Execute();
                foreach (var file in files) Insert(file);
                return _setListed.Execute();
            });
        }
    }

    /// <summary>The numbers of files now.</summary>
    public FileCounts Count()
    {
        lock (_lock)
        {
            return _selectCounts.Rows(row => new FileCounts(
                row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3))).Single();
        }
    }

    /// <summary>The chunks without an answer, oldest first, and when each was formed.</summary>
    public IReadOnlyList<(long Id, DateTimeOffset FormedAt)> Unanswered()
    {
        lock (_lock)
        {
            return _selectUnanswered.Rows(row =>
                (row.GetInt64(0), DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(1))));
        }
    }

    /// <summary>The accepted chunks with files that have no result.</summary>
    public IReadOnlyList<AcceptedChunk> Unfinished()
    {
        lock (_lock)
        {
            return _selectUnfinished.Rows(row =>
                new AcceptedChunk(row.GetInt64(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2)));
        }
    }

    /// <summary>The next files without a chunk.</summary>
    public IReadOnlyList<(long Id, ListedFile File)> ToSend(int most)
    {
        lock (_lock)
        {
            return _selectToSend.Rows(
                row => (row.GetInt64(0), new ListedFile(row.GetString(1), row.GetString(2), row.GetInt64(3) == 1)), most);
        }
    }

    /// <summary>Stores the next chunk durably, together with the files that are not sent.</summary>
    /// <param name="files">The files of the chunk; null if there is nothing to send.</param>
    /// <param name="rejected">The outcomes of files that cannot be sent.</param>
    /// <param name="leftOut">The files that are no pictures and no argument named.</param>
    /// <returns>The chunk; null if it has no files.</returns>
    public Chunk? Form(
        IReadOnlyList<ChunkFile> files, IReadOnlyList<(long Id, SendOutcome Outcome)> rejected,
        IReadOnlyList<long> leftOut)
    {
        lock (_lock)
        {
            return Durably(() =>
            {
                foreach (var id in leftOut) _deleteFile.Execute(id);
                foreach (var (id, outcome) in rejected) SetOutcome(id, outcome);
                return files.Count == 0 ? null : NewChunk(files);
            });
        }
    }

    /// <summary>Reads a chunk.</summary>
    public Chunk Read(long id)
    {
        lock (_lock)
        {
            var key = _selectChunk.Rows(row => row.GetString(0), id).Single();
            return new Chunk(id, key, _selectFiles.Rows(
                row => new ChunkFile(
                    row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4)),
                id), IsNew: false);
        }
    }

    /// <summary>Replaces a chunk that was too large, and so not accepted, by its halves.</summary>
    public (Chunk First, Chunk Second) Split(Chunk chunk)
    {
        var middle = chunk.Files.Count / 2;
        lock (_lock)
            return Durably(() => (NewChunk([.. chunk.Files.Take(middle)]), NewChunk([.. chunk.Files.Skip(middle)])));
    }

    /// <summary>Forgets a chunk of which nothing is at the service. Its files wait to be sent.</summary>
    public void Withdraw(Chunk chunk)
    {
        lock (_lock)
        {
            Transact(() =>
            {
                _unassign.Execute(chunk.Id);
                return _deleteChunk.Execute(chunk.Id);
            });
        }
    }

    /// <summary>Stores the batch of a chunk, and the outcomes that are known already.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="batch">Its batch; null if the service accepted no file of it.</param>
    /// <param name="jobs">The jobs of the accepted files.</param>
    /// <param name="outcomes">The outcomes of the other files.</param>
    public void Accept(
        Chunk chunk, string? batch, IEnumerable<(long Id, string Job)> jobs,
        IEnumerable<(long Id, SendOutcome Outcome)> outcomes)
    {
        lock (_lock)
        {
            Transact(() =>
            {
                foreach (var (id, job) in jobs) _setJob.Execute(job, id);
                foreach (var (id, outcome) in outcomes) SetOutcome(id, outcome);
                return batch is null ? 0 : _accept.Execute(batch, chunk.Id);
            });
        }
    }

    /// <summary>Stores a result and the position of its event.</summary>
    /// <returns>The outcome; null if it is known already.</returns>
    public SendOutcome? Record(AcceptedChunk chunk, string job, string eventId, Func<string, SendOutcome> outcomeOf)
    {
        lock (_lock)
        {
            return Transact(() =>
            {
                _setAfter.Execute(eventId, chunk.Id);
                var file = _selectJob.Rows(row => (Id: row.GetInt64(0), Shown: row.GetString(1)), chunk.Id, job)
                    .FirstOrDefault();
                if (file.Shown is null) return null;
                var outcome = outcomeOf(file.Shown);
                SetOutcome(file.Id, outcome);
                return outcome;
            });
        }
    }

    /// <summary>Forgets the position in a batch's events, so that they are read from the first.</summary>
    public void Rewind(AcceptedChunk chunk)
    {
        lock (_lock) _setAfter.Execute(DBNull.Value, chunk.Id);
    }

    /// <summary>The files of a chunk without an outcome.</summary>
    public IReadOnlyList<(long Id, string Shown)> Open(long chunk)
    {
        lock (_lock) return _selectOpen.Rows(row => (row.GetInt64(0), row.GetString(1)), chunk);
    }

    /// <summary>Stores the outcomes of files.</summary>
    public void Finish(IEnumerable<(long Id, SendOutcome Outcome)> outcomes)
    {
        lock (_lock)
        {
            Transact(() =>
            {
                foreach (var (id, outcome) in outcomes) SetOutcome(id, outcome);
                return 0;
            });
        }
    }

    /// <summary>All outcomes so far in the order of the paths, a few at a time in memory.</summary>
    public IEnumerable<SendOutcome> Outcomes()
    {
        var after = "";
        while (true)
        {
            List<(string Path, string Outcome)> page;
            lock (_lock) page = _selectOutcomes.Rows(row => (row.GetString(0), row.GetString(1)), after);
            if (page.Count == 0) yield break;
            foreach (var (_, outcome) in page) yield return WireJson.TryRead<SendOutcome>(outcome)!;
            after = page[^1].Path;
        }
    }

    private void Insert(ListedFile file)
    {
        var outcome = file.Error is { } error ? SendOutcome.Rejected(file.Shown, error) : null;
        _insertFile.Execute(
            file.Path, file.Shown, file.InFolder, outcome?.Status.ToString() ?? (object)DBNull.Value,
            outcome is null ? DBNull.Value : WireJson.Write(outcome));
    }

    private Chunk NewChunk(IReadOnlyList<ChunkFile> files)
    {
        var key = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var id = _insertChunk.Number(key, _time.GetUtcNow().ToUnixTimeSeconds())!.Value;
        foreach (var file in files) _assign.Execute(id, file.Size, file.Changed, file.Id);
        return new Chunk(id, key, files, IsNew: true);
    }

    private void SetOutcome(long id, SendOutcome outcome) =>
        _setOutcome.Execute(outcome.Status.ToString(), WireJson.Write(outcome), id);

    // A power cut must not lose a chunk that may have been sent. A lost result is only read again.
    private T Durably<T>(Func<T> work)
    {
        _durable.Execute();
        var result = Transact(work);
        _quick.Execute();
        return result;
    }
}
