namespace ImageClassifier.Core.Outbound;

/// <summary>The host of an address that a client names.</summary>
public static class OutboundHost
{
    /// <summary>Whether the name of the host can be looked up, and the port be called. <see cref="Uri"/> accepts names
    /// that have no form for DNS (some that mix scripts, for example), and the port 0. They fail only when they are
    /// used.</summary>
    public static bool HasUsableHost(this Uri address)
    {
        try
        {
            return address is { IdnHost.Length: > 0, Port: > 0 };
        }
        catch (UriFormatException)
        {
            return false;
        }
    }
}
