using System.Globalization;
using System.Net;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Web nodes of one tier behind nginx: processes of the built program that share a data folder. A node that
/// ends by itself is restarted, as by systemd.</summary>
internal sealed class WebNodeGroup : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);

    private readonly string _dataFolder;
    private readonly string[] _settings;
    private readonly Slot[] _slots;
    private readonly List<Life> _lives = [];
    private readonly Lock _lock = new();

    private WebNodeGroup(string dataFolder, string[] settings, IEnumerable<Slot> slots)
    {
        _dataFolder = dataFolder;
        _settings = settings;
        _slots = [.. slots];
    }

    /// <summary>The address of the tier for clients.</summary>
    public Uri Address => Proxy!.Address;

    /// <summary>The CPU time of the live nodes.</summary>
    public TimeSpan CpuTime => _slots.Aggregate(TimeSpan.Zero, (sum, slot) => sum + slot.Life.Service.CpuTime);

    private Nginx? Proxy { get; set; }

    /// <summary>Starts the nodes, and waits until each has joined.</summary>
    /// <param name="dataFolder">The shared data folder.</param>
    /// <param name="count">The number of nodes. A single node is no cluster.</param>
    /// <param name="settings">The values of <c>--set</c>, without the prefix image-classifier.</param>
    /// <param name="isBehindProxy">True to put nginx before the nodes.</param>
    public static async Task<WebNodeGroup> StartAsync(
        string dataFolder, int count, IEnumerable<string> settings, bool isBehindProxy = true)
    {
        var slots = Enumerable.Range(0, count)
            .Select(_ => new Slot(FreePort.Address(), new IPEndPoint(IPAddress.Loopback, FreePort.Next()), []));
        return await StartAsync(new WebNodeGroup(dataFolder, [.. settings], slots), isBehindProxy);
    }

    /// <summary>Starts each node on its own host, and waits until each has joined.</summary>
    public static Task<WebNodeGroup> StartOnHostsAsync(string dataFolder, int count, IEnumerable<string> settings)
    {
        var slots = Enumerable.Range(0, count).Select(host => new Slot(
            new Uri($"http://{SplittableNetwork.AddressOf(host)}:5000"),
            new IPEndPoint(SplittableNetwork.AddressOf(host), 2551), SplittableNetwork.On(host)));
        return StartAsync(new WebNodeGroup(dataFolder, [.. settings], slots), isBehindProxy: false);
    }

    private static async Task<WebNodeGroup> StartAsync(WebNodeGroup group, bool isBehindProxy)
    {
        try
        {
            if (isBehindProxy) group.Proxy = await Nginx.StartAsync(group._slots.Select(slot => slot.Address));
            for (var node = 0; node < group._slots.Length; node++) await group.StartNodeAsync(node);
            for (var node = 0; node < group._slots.Length; node++) await group.ReadyAsync(node);
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a node, which joins the others.</summary>
    public async Task StartNodeAsync(int node)
    {
        var slot = _slots[node];
        var service = await RunningService.StartByAsync(slot.Starter, _dataFolder, slot.Address,
        [
            .. _settings,
            _slots.Length > 1 ? "web.cluster.enabled=on" : "web.cluster.enabled=off",
            $"web.cluster.host={slot.Remoting.Address}",
            string.Create(CultureInfo.InvariantCulture, $"web.cluster.port={slot.Remoting.Port}"),
            $"web.cluster.seeds={string.Join<IPEndPoint>(',', _slots.Select(other => other.Remoting))}",
        ]);
        lock (_lock)
        {
            slot.Life = new Life(node, service);
            _lives.Add(slot.Life);
        }
    }

    /// <summary>Waits until a node is a member of the tier.</summary>
    public Task ReadyAsync(int node) => Until.HoldsAsync(
        async () =>
        {
            try
            {
                using var answer = await _slots[node].Life.Service.Http.GetAsync("/health/ready");
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        ReadyLimit,
        () => $"Web node {node} is not ready:\n{_slots[node].Life.Service.Log}");

    /// <summary>The address of one node.</summary>
    public Uri AddressOf(int node) => _slots[node].Address;

    /// <summary>Kills a node.</summary>
    public Task KillAsync(int node) => _slots[node].Life.Service.KillWebAsync();

    /// <summary>Pauses a node.</summary>
    public void Pause(int node) => ProcessTable.Signal(_slots[node].Life.Service.ProcessId, "STOP");

    /// <summary>Resumes a paused node.</summary>
    public void Resume(int node) => ProcessTable.Signal(_slots[node].Life.Service.ProcessId, "CONT");

    /// <summary>True if the process of a node has ended.</summary>
    public bool HasEnded(int node) => _slots[node].Life.Service.HasExited;

    /// <summary>Stops a node in order.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> StopAsync(int node) => _slots[node].Life.Service.StopAsync("TERM");

    /// <summary>The node whose scaler works; null if there is none. Fails if there are several.</summary>
    public int? Scaling()
    {
        lock (_lock)
        {
            var scaling = _slots.Where(slot => slot.Life.Scales).Select(slot => slot.Life.Node).ToArray();
            Assert.True(scaling.Length <= 1, $"Several web nodes scale the fleet: {string.Join(", ", scaling)}\n{Log}");
            return scaling.Length == 0 ? null : scaling[0];
        }
    }

    /// <summary>The logs of all nodes, across all restarts.</summary>
    public string Log
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', _lives.Select(life => $"--- web node {life.Node}\n{life.Service.Log}"));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var life in _lives.Where(life => !life.Service.HasExited))
        {
            ProcessTable.Signal(life.Service.ProcessId, "CONT");
            ProcessTable.Signal(life.Service.ProcessId, "KILL");
        }

        foreach (var life in _lives) await life.Service.DisposeAsync();
        if (Proxy is not null) await Proxy.DisposeAsync();
        foreach (var node in ProcessTable.Running(_dataFolder, "node")) ProcessTable.Signal(node, "KILL");
    }

    /// <param name="address">The address for clients.</param>
    /// <param name="remoting">The address for other web nodes.</param>
    /// <param name="starter">The command that starts the program, before its name; empty for none.</param>
    private sealed class Slot(Uri address, IPEndPoint remoting, IReadOnlyList<string> starter)
    {
        public Uri Address => address;

        public IPEndPoint Remoting => remoting;

        public IReadOnlyList<string> Starter => starter;

        public Life Life { get; set; } = null!;
    }

    private sealed record Life(int Node, RunningService Service)
    {
        private const string Sentence = "This web node scales the fleet";

        /// <summary>True if its scaler works, by its last log line about it.</summary>
        public bool Scales
        {
            get
            {
                var last = Service.Log.Split('\n')
                    .LastOrDefault(line => line.Contains(Sentence, StringComparison.Ordinal));
                return !Service.HasExited && last is not null && last.TrimEnd().EndsWith(Sentence, StringComparison.Ordinal);
            }
        }
    }
}
