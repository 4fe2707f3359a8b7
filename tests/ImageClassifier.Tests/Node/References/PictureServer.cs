using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ImageClassifier.Core.Outbound;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace ImageClassifier.Tests.Node.References;

/// <summary>A server with pictures, on a free port of this machine.</summary>
internal sealed class PictureServer : IAsyncDisposable
{
    /// <summary>An address that belongs to the public internet. Connections to it go to this server.</summary>
    public static readonly IPAddress Public = IPAddress.Parse("93.184.215.14");

    private readonly WebApplication _app;
    private readonly X509Certificate2? _certificate;

    private PictureServer(WebApplication app, X509Certificate2? certificate, ConcurrentQueue<IHeaderDictionary> calls)
    {
        _app = app;
        _certificate = certificate;
        Calls = calls;
        Port = new Uri(app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
    }

    /// <summary>The headers of the requests so far.</summary>
    public ConcurrentQueue<IHeaderDictionary> Calls { get; }

    public int Port { get; }

    /// <summary>Starts a server.</summary>
    /// <param name="answer">Answers each request.</param>
    /// <param name="isEncrypted">False for a server without TLS.</param>
    public static async Task<PictureServer> StartAsync(RequestDelegate answer, bool isEncrypted = true)
    {
        var certificate = isEncrypted ? SelfSigned() : null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        var calls = new ConcurrentQueue<IHeaderDictionary>();
        app.Run(context =>
        {
            calls.Enqueue(new HeaderDictionary(context.Request.Headers.ToDictionary()));
            return answer(context);
        });
        await app.StartAsync();
        return new PictureServer(app, certificate, calls);
    }

    /// <summary>An address of this server by a name.</summary>
    public string Url(string path = "/cat.jpg") =>
        string.Create(CultureInfo.InvariantCulture, $"https://pictures.example:{Port}{path}");

    /// <summary>An address of this server without TLS and without a name.</summary>
    public string PlainUrl(string path = "/cat.jpg") =>
        string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}{path}");

    /// <summary>A handler that is the program's own, except that it trusts the certificate of this server and that
    /// connections to the public address come here.</summary>
    /// <param name="find">Finds addresses; null for the public one.</param>
    /// <param name="isTrusted">False to trust nothing but the system's authorities.</param>
    public SocketsHttpHandler Handler(FindAddresses? find = null, bool isTrusted = true)
    {
        var handler = OutboundHttp.CreateHandler(
            new AddressRules([]),
            find ?? ((_, _) => Task.FromResult<IPAddress[]>([Public])),
            async (address, cancellation) =>
            {
                if (!address.Address.Equals(Public)) throw new InvalidOperationException($"A connection to {address}.");
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            });
        if (isTrusted)
        {
            handler.SslOptions.RemoteCertificateValidationCallback =
                (_, presented, _, _) => presented!.GetCertHashString() == _certificate!.GetCertHashString();
        }

        return handler;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _certificate?.Dispose();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=pictures.example", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
