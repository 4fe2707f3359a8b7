namespace ImageClassifier.Web.Edge;

/// <summary>Time-outs of the HTTP edge.</summary>
internal static class EdgeTimeouts
{
    /// <summary>For an answer that takes a few calls to the store.</summary>
    public static readonly TimeSpan Answer = TimeSpan.FromSeconds(20);

    /// <summary>For an answer that can take a call for each object of a large batch.</summary>
    public static readonly TimeSpan WholeBatch = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection may idle between two requests. It is longer than a load balancer's idle time-out
    /// (180 s in our template). Otherwise the balancer could send a request on a connection just closed, and answer
    /// 502.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromMinutes(4);
}
