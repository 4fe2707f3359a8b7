using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;

namespace ImageClassifier.Host.Models;

/// <summary>Downloads files over https. It resumes where a connection broke, also in a later run, and does not trust the
/// server: sizes are limited, and a redirect cannot leave https.</summary>
/// <param name="http">A client that does not follow redirects itself.</param>
/// <param name="limits">The limits.</param>
/// <param name="allowsHttp">True to allow addresses without encryption.</param>
/// <param name="time">The clock of limits and pauses.</param>
internal sealed class Downloader(HttpClient http, DownloadLimits limits, bool allowsHttp, TimeProvider time)
{
    private const int MaxRedirects = 10;
    private const int BufferSize = 128 << 10;

    // A server that sends a few bytes with each try must not keep the program busy for ever.
    private const long WorthwhileBytes = 64 << 10;

    /// <summary>A client for <see cref="Downloader"/>. It uses the proxy of the variables <c>HTTPS_PROXY</c>,
    /// <c>HTTP_PROXY</c> and <c>NO_PROXY</c>.</summary>
    public static HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(15),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Refuses an address that is not of https, nor of http that is allowed.</summary>
    /// <exception cref="ModelFailureException">The address is of another kind.</exception>
    public static void CheckScheme(Uri address, bool allowsHttp)
    {
        if (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && allowsHttp)) return;
        throw address.Scheme == Uri.UriSchemeHttp
            ? new ModelFailureException(
                $"{Shown(address)} is not encrypted, so others could see or change the download. Use https, or allow it "
                + "with --allow-http.")
            { IsWrongUse = true }
            : new ModelFailureException($"{Shown(address)} is no address of a web server. It must begin with https://.")
            {
                IsWrongUse = true,
            };
    }

    /// <summary>Downloads a file, and appends to what arrived before. If it fails or is cancelled, the bytes
    /// stay.</summary>
    /// <param name="download">The file.</param>
    /// <param name="report">Receives the progress.</param>
    /// <param name="cancellation">Ends the download.</param>
    /// <exception cref="ModelFailureException">The file cannot be downloaded.</exception>
    /// <exception cref="IOException">The destination cannot be written.</exception>
    public async Task FetchAsync(
        Download download, Action<TransferProgress> report, CancellationToken cancellation)
    {
        var (address, file) = (download.Address, download.File);
        CheckScheme(address, allowsHttp);
        var worthwhileCalls = 0;
        var most = file.Length;
        var pipeline = limits.Retries.CreatePipeline(time, outcome =>
            outcome.Exception is BrokenDownloadException ? limits.Retries.Attempts + worthwhileCalls : 1);
        try
        {
            await pipeline.ExecuteAsync(async token =>
            {
                try
                {
                    await FetchOnceAsync(download, report, token);
                }
                finally
                {
                    if (file.Length >= most + WorthwhileBytes)
                    {
                        most = file.Length;
                        worthwhileCalls++;
                    }
                }
            }, cancellation);
        }
        catch (BrokenDownloadException failure)
        {
            throw new ModelFailureException(
                $"{Shown(address)} could not be downloaded: {failure.Message}. The program tried "
                + $"{limits.Retries.Attempts + worthwhileCalls} times, and kept the {file.Length} bytes that arrived. "
                + "Check the connection (behind a proxy, the variable HTTPS_PROXY), and run the same command again",
                failure);
        }
    }

    private async Task FetchOnceAsync(
        Download download, Action<TransferProgress> report, CancellationToken cancellation)
    {
        var (address, file, bytes, most) = download;
        if (file.Length > (bytes ?? most)) file.Delete();
        var start = file.Length;
        if (start > 0 && start == bytes) return;
        using var response = await SendAsync(address, start, file.Tag, cancellation);
        var content = response.Content.Headers;
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                start = 0;
                break;
            case HttpStatusCode.PartialContent when start > 0 && content.ContentRange?.From == start:
                break;
            case HttpStatusCode.RequestedRangeNotSatisfiable when start > 0 && content.ContentRange?.Length == start:
                return;
            case HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable when start > 0:
                file.Delete();
                throw new BrokenDownloadException("the server cannot resume, so the download starts again");
            default:
                throw Refusal(address, response);
        }

        var total = start > 0 ? content.ContentRange?.Length ?? start + content.ContentLength : content.ContentLength;
        CheckSize(download, total);
        await using var output = start > 0 ? file.Append() : file.Create(response.Headers.ETag?.ToString());
        await CopyAsync(download, response, output, total, report, cancellation);
        output.Flush(flushToDisk: true);
        if (output.Length < (bytes ?? total))
            throw new BrokenDownloadException($"{address.Host} ended the connection after {output.Length} bytes");
    }

    private async Task CopyAsync(
        Download download,
        HttpResponseMessage response,
        FileStream output,
        long? total,
        Action<TransferProgress> report,
        CancellationToken cancellation)
    {
        await using var body = await WithinSilenceAsync(
            download.Address, token => response.Content.ReadAsStreamAsync(token), cancellation);
        var buffer = new byte[BufferSize];
        var received = output.Length;
        while (true)
        {
            report(new TransferProgress(received, download.Bytes ?? total));
            var read = await WithinSilenceAsync(
                download.Address, token => body.ReadAsync(buffer, token).AsTask(), cancellation);
            if (read == 0) return;
            received += read;
            if (received > (download.Bytes ?? download.MaxBytes))
            {
                output.SetLength(0);
                throw TooLong(download);
            }

            await output.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }
    }

    /// <summary>Follows redirects.</summary>
    private async Task<HttpResponseMessage> SendAsync(
        Uri address, long start, string? tag, CancellationToken cancellation)
    {
        var current = address;
        for (var hops = 0; hops <= MaxRedirects; hops++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, current);
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("image-classifier", null));
            if (start > 0) request.Headers.Range = new RangeHeaderValue(start, null);
            // A weak tag does not promise equal bytes. The hash decides in the end.
            if (start > 0 && EntityTagHeaderValue.TryParse(tag, out var version) && !version.IsWeak)
                request.Headers.IfRange = new RangeConditionHeaderValue(version);
            var response = await WithinSilenceAsync(
                current, token => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellation);
            if (!IsRedirect(response.StatusCode)) return response;
            using (response)
            {
                var next = response.Headers.Location is { } location ? new Uri(current, location) : null;
                CheckRedirect(current, next);
                current = next!;
            }
        }

        throw new ModelFailureException(
            $"{Shown(address)} leads nowhere: it was redirected more than {MaxRedirects} times. Check the address.");
    }

    private async Task<T> WithinSilenceAsync<T>(
        Uri address, Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(limits.Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellation);
        try
        {
            return await call(either.Token);
        }
        catch (OperationCanceledException failure) when (!cancellation.IsCancellationRequested)
        {
            throw new BrokenDownloadException(
                $"{address.Host} sent nothing for {limits.Silence.TotalSeconds:0.#} s", failure);
        }
        catch (HttpRequestException failure) when (failure.InnerException is AuthenticationException)
        {
            throw new ModelFailureException(
                $"{address.Host} has no certificate that this machine trusts ({failure.InnerException.Message}). Check the "
                + "address. If a proxy inspects connections, install its certificate on this machine.", failure);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError == HttpRequestError.ProxyTunnelError)
        {
            throw new ModelFailureException(
                $"The proxy did not connect to {address.Host}: {failure.Message.TrimEnd('.')}. Check the variable "
                + "HTTPS_PROXY, or ask the proxy's operator to allow that host.", failure);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            throw new BrokenDownloadException(
                $"the connection to {address.Host} failed ({failure.Message.TrimEnd('.')})", failure);
        }
    }

    private void CheckRedirect(Uri from, Uri? to)
    {
        var isAllowed = to is not null
            && (to.Scheme == Uri.UriSchemeHttps
                || (to.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp && allowsHttp));
        if (isAllowed) return;
        throw new ModelFailureException(to is null
            ? $"{Shown(from)} redirects, but does not say where to. Check the address."
            : $"{Shown(from)} redirects to {Shown(to)}, which is not encrypted. The program does not follow it. Use an "
                + "address that stays on https.");
    }

    private static void CheckSize(Download download, long? total)
    {
        if (download.Bytes is { } expected && total is { } announced && announced != expected)
        {
            download.File.Delete();
            throw new ModelFailureException(
                $"{Shown(download.Address)} has {announced} bytes, but the model has {expected}. It is another file, or "
                + "the page of a proxy. Open the address in a browser to see what is there.");
        }

        if (total > download.MaxBytes) throw TooLong(download);
    }

    private static ModelFailureException TooLong(Download download) => new(
        $"{Shown(download.Address)} has more than {download.Bytes ?? download.MaxBytes} bytes, so it is not the file that "
        + "was asked for. Check the address.");

    private static Exception Refusal(Uri address, HttpResponseMessage response)
    {
        var status = $"{address.Host} answered {(int)response.StatusCode} {response.ReasonPhrase}".TrimEnd();
        return (int)response.StatusCode switch
        {
            408 or 429 or >= 500 => new BrokenDownloadException(status),
            404 or 410 => new ModelFailureException(
                $"{status} for {Shown(address)}: there is no such file. Check the address."),
            401 or 403 or 407 => new ModelFailureException(
                $"{status} for {Shown(address)}: the server or a proxy does not allow the download. Download the model in "
                + "another way, and add its directory."),
            _ => new ModelFailureException(
                $"{status} for {Shown(address)}, which is no file. Open the address in a browser to see what is there."),
        };
    }

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.MovedPermanently
        or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect
        or HttpStatusCode.PermanentRedirect;

    // Without user and query, which can hold secrets.
    private static string Shown(Uri address) =>
        address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>A failure that may be over at the next try. The message is a clause.</summary>
    private sealed class BrokenDownloadException(string message, Exception? inner = null) : Exception(message, inner);
}
