using ImageClassifier.EndToEnd.Programs;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>The environment of a fault run.</summary>
internal abstract class FaultEnvironment(string dataFolder, IStoredObjects objects) : IAsyncDisposable
{
    public string DataFolder => dataFolder;

    public IStoredObjects Objects => objects;

    /// <summary>The values of <c>--set</c>, without the prefix image-classifier.</summary>
    public abstract IReadOnlyList<string> Settings { get; }

    /// <summary>True if pictures can be accepted while the queue is away, because the store is not away.</summary>
    public abstract bool AcceptsWithoutQueue { get; }

    /// <summary>Stops both queues until the returned value is disposed of.</summary>
    public abstract IDisposable StopQueues();

    /// <summary>The number of messages in the response queue, including those in flight; null if only the program can
    /// count them.</summary>
    public abstract Task<long?> ResponsesLeftAsync();

    /// <summary>The requests in flight and the ends of their leases; null if only the program can see them.</summary>
    public abstract Task<IReadOnlyDictionary<long, TimeSpan>?> LeasesAsync();

    /// <summary>The time since the machine started, by which the embedded queues measure leases.</summary>
    public static TimeSpan MachineTime => TimeProvider.System.GetElapsedTime(0);

    public abstract ValueTask DisposeAsync();
}

/// <summary>One machine: queues in SQLite, pictures in files.</summary>
internal sealed class EmbeddedFaults(string dataFolder) : FaultEnvironment(dataFolder, new StoredFiles(dataFolder))
{
    public override IReadOnlyList<string> Settings => ["scaling.max-instances=2", "node.polling.wait-time=1s"];

    public override bool AcceptsWithoutQueue => true;

    /// <summary>No process serves these queues, so none can be stopped. Holding the write lock of their files has the
    /// same effect: nothing can be sent, received, renewed or deleted.</summary>
    public override IDisposable StopQueues()
    {
        var locks = new HeldLocks();
        try
        {
            foreach (var queue in new[] { "requests", "responses" })
                locks.Take(Path.Combine(DataFolder, "queues", $"{queue}.db"));
            return locks;
        }
        catch
        {
            locks.Dispose();
            throw;
        }
    }

    public override async Task<long?> ResponsesLeftAsync()
    {
        await using var connection = await ReadAsync("responses");
        await using var count = connection.CreateCommand();
        count.CommandText = "SELECT count(*) FROM messages WHERE queue = 'responses'";
        return (long)(await count.ExecuteScalarAsync())!;
    }

    public override async Task<IReadOnlyDictionary<long, TimeSpan>?> LeasesAsync()
    {
        await using var connection = await ReadAsync("requests");
        await using var select = connection.CreateCommand();
        select.CommandText = "SELECT id, free_at FROM messages WHERE queue = 'requests' AND free_at > $now";
        select.Parameters.AddWithValue("$now", (long)MachineTime.TotalMilliseconds);
        var leases = new Dictionary<long, TimeSpan>();
        await using var rows = await select.ExecuteReaderAsync();
        while (await rows.ReadAsync()) leases[rows.GetInt64(0)] = TimeSpan.FromMilliseconds(rows.GetInt64(1));
        return leases;
    }

    private async Task<SqliteConnection> ReadAsync(string queue)
    {
        var path = Path.Combine(DataFolder, "queues", $"{queue}.db");
        var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        return connection;
    }

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(DataFolder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private sealed class HeldLocks : IDisposable
    {
        private readonly List<SqliteConnection> _held = [];

        public void Take(string path)
        {
            var connection = new SqliteConnection($"Data Source={path};Pooling=False;Default Timeout=60");
            _held.Add(connection);
            connection.Open();
            using var begin = connection.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
        }

        // Closing a connection ends its transaction and releases the lock.
        public void Dispose() => _held.ForEach(connection => connection.Dispose());
    }
}

/// <summary>Queues and pictures on an emulator of AWS.</summary>
internal sealed class EmulatedAwsFaults : FaultEnvironment
{
    private readonly EmulatedAws _aws;

    private EmulatedAwsFaults(EmulatedAws aws, string dataFolder)
        : base(dataFolder, new StoredInBucket(aws)) => _aws = aws;

    public override IReadOnlyList<string> Settings => _aws.Settings;

    public override bool AcceptsWithoutQueue => false;

    public static async Task<EmulatedAwsFaults> StartAsync()
    {
        var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        return new EmulatedAwsFaults(aws, Directory.CreateTempSubdirectory("image-classifier-").FullName);
    }

    /// <summary>The emulator answers nothing meanwhile, but keeps its state. The store stops too.</summary>
    public override IDisposable StopQueues() => new StoppedProcess(_aws.ProcessId);

    public override Task<long?> ResponsesLeftAsync() => Task.FromResult<long?>(null);

    public override Task<IReadOnlyDictionary<long, TimeSpan>?> LeasesAsync() =>
        Task.FromResult<IReadOnlyDictionary<long, TimeSpan>?>(null);

    public override async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        Directory.Delete(DataFolder, recursive: true);
    }

    private sealed class StoppedProcess : IDisposable
    {
        private readonly int _id;

        public StoppedProcess(int id)
        {
            _id = id;
            ProcessTable.Signal(id, "STOP");
        }

        public void Dispose() => ProcessTable.Signal(_id, "CONT");
    }
}
