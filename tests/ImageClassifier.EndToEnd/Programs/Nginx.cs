using System.Diagnostics;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Debian's nginx in front of several web nodes, as in <c>deploy/runbooks/several-web-nodes.md</c>: round robin,
/// without stickiness. It runs in the foreground and has its own folder, which is deleted with it.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly string _folder;

    private Nginx(Process process, string folder, Uri address)
    {
        _process = process;
        _folder = folder;
        Address = address;
    }

    /// <summary>The address for clients.</summary>
    public Uri Address { get; }

    /// <summary>Starts nginx. The web nodes need not be up yet.</summary>
    public static async Task<Nginx> StartAsync(IEnumerable<Uri> webNodes)
    {
        var program = Find();
        var address = FreePort.Address();
        var folder = Directory.CreateTempSubdirectory("nginx-").FullName;
        var servers = string.Join(
            '\n', webNodes.Select(node => $"server {node.Host}:{node.Port} max_fails=1 fail_timeout=1s;"));
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx.conf"), $$"""
            daemon off;
            # Its workers must be able to use the folder, which is for its owner only.
            user {{Environment.UserName}};
            worker_processes 1;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/error.log;
            events { worker_connections 1024; }
            http {
              access_log off;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              client_max_body_size 0;
              map $http_upgrade $connection_upgrade { default upgrade; '' close; }
              upstream web_nodes {
                {{servers}}
              }
              server {
                listen {{address.Host}}:{{address.Port}};
                location / {
                  proxy_pass http://web_nodes;
                  proxy_http_version 1.1;
                  proxy_set_header Host $http_host;
                  proxy_set_header Upgrade $http_upgrade;
                  proxy_set_header Connection $connection_upgrade;
                  proxy_connect_timeout 2s;
                  proxy_next_upstream error timeout non_idempotent;
                }
              }
            }
            """);
        var process = Process.Start(new ProcessStartInfo(
            program, ["-p", folder, "-c", Path.Combine(folder, "nginx.conf"), "-e", Path.Combine(folder, "error.log")]))!;
        var nginx = new Nginx(process, folder, address);
        await Until.HoldsAsync(
            () => Task.FromResult(process.HasExited || FreePort.IsTaken(address)), StartLimit,
            () => $"nginx does not listen: {nginx.Errors()}");
        return process.HasExited ? throw new InvalidOperationException($"nginx ended: {nginx.Errors()}") : nginx;
    }

    public async ValueTask DisposeAsync()
    {
        // Its worker ends with it.
        if (!_process.HasExited) ProcessTable.Signal(_process.Id, "TERM");
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Find()
    {
        var found = new[] { "/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx" }.FirstOrDefault(File.Exists);
        Requirement.Met(found is not null, "nginx is not installed");
        return found!;
    }

    private string Errors()
    {
        var log = Path.Combine(_folder, "error.log");
        return File.Exists(log) ? File.ReadAllText(log) : "it wrote no log";
    }
}
