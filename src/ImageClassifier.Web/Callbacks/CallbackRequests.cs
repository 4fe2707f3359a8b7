using System.Net;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Callbacks;

/// <summary>Checks the callback that an upload asks for.</summary>
internal sealed class CallbackRequests(CallbackSettings settings)
{
    /// <summary>The length of the longest address, in characters.</summary>
    public const int LongestUrl = 2048;

    /// <summary>Checks the two fields of an upload.</summary>
    /// <param name="url">The field <c>callback</c>; null or empty for no callback.</param>
    /// <param name="events">The field <c>callbackEvents</c>; null for the default.</param>
    /// <param name="key">The name of the caller's API key; null without keys.</param>
    /// <param name="wish">The wish; null if there is none.</param>
    /// <returns>The problem; null if there is none.</returns>
    public IResult? Check(string? url, string? events, string? key, out CallbackWish? wish)
    {
        wish = null;
        if (string.IsNullOrEmpty(url))
            return events is null ? null : Problems.CallbackMalformed("Send callbackEvents together with callback.");
        if (settings.Secrets.Of(key).Count == 0)
            return Problems.NoCallbackSecret(key ?? CallbackSecrets.WithoutKey);
        CallbackEvents? kind = events switch
        {
            null or "batch" => CallbackEvents.Batch,
            "job" => CallbackEvents.Job,
            _ => null,
        };
        if (kind is null) return Problems.CallbackMalformed("Set callbackEvents to batch or job.");
        if (FaultOf(url, out var address) is { } fault) return Problems.CallbackMalformed(fault);
        wish = new CallbackWish(address!.AbsoluteUri, kind.Value, key);
        return null;
    }

    private string? FaultOf(string url, out Uri? address)
    {
        address = null;
        if (url.Length > LongestUrl) return $"Its address is longer than {LongestUrl} characters. Send a shorter one.";
        if (!Uri.TryCreate(url, UriKind.Absolute, out address) || address.Host.Length == 0
            || !(address.Scheme == Uri.UriSchemeHttps
                || (address.Scheme == Uri.UriSchemeHttp && settings.Addresses.AllowsPlainHttp)))
            return "Send an address that begins with https://.";
        if (!address.HasUsableHost()) return "Its host or port is not valid. Correct it.";
        if (address.UserInfo.Length > 0)
            return "Its address contains a user name. Send it without; the signature proves who calls.";
        if (url.Contains('#', StringComparison.Ordinal)) return "Its address has a fragment (#). Send it without.";
        // Names are looked up at each delivery only: an answer here would say nothing about later ones.
        return IPAddress.TryParse(address.DnsSafeHost, out var literal)
            && !settings.Addresses.Allow(literal, address.Scheme == Uri.UriSchemeHttps)
            ? "The service does not call this address, because it is not public. Send a public one, or ask the operator "
                + "to add it to image-classifier.callbacks.allowed-networks."
            : null;
    }
}
