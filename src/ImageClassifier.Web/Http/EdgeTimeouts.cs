namespace ImageClassifier.Web.Http;

/// <summary>How long the HTTP edge waits for an actor's answer.</summary>
internal static class EdgeTimeouts
{
    /// <summary>An answer that takes at most a few calls to the store.</summary>
    public static readonly TimeSpan Answer = TimeSpan.FromSeconds(20);

    /// <summary>An answer that may take a call for each object of a large batch.</summary>
    public static readonly TimeSpan WholeBatch = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection may idle between two requests. Longer than the idle time of a balancer in front
    /// (180 s in our template): one that sends a request over a connection that the server just closed answers
    /// 502.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromMinutes(4);
}
