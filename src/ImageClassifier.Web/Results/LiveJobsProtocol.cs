using Akka.Actor;

namespace ImageClassifier.Web.Results;

/// <summary>The messages between the live batches of a process and its <see cref="LiveJobsActor"/>. The sender of a
/// command is the batch.</summary>
internal static class LiveJobsProtocol
{
    /// <summary>Asks for room. The answer is <see cref="RoomGranted"/> or <see cref="RoomRefused"/>. A batch that asks
    /// again changes its room.</summary>
    /// <param name="Size">The cost of the batch, in jobs.</param>
    public sealed record RequestRoom(int Size);

    /// <summary>The cost of a live batch has grown.</summary>
    /// <param name="Size">The new cost, in jobs.</param>
    public sealed record Grown(int Size);

    /// <summary>The batch was used just now.</summary>
    public sealed record Used
    {
        /// <summary>The only one.</summary>
        public static Used Instance { get; } = new();
    }

    /// <summary>The batch leaves memory.</summary>
    public sealed record Leaving
    {
        /// <summary>The only one.</summary>
        public static Leaving Instance { get; } = new();
    }

    /// <summary>The batch has its room.</summary>
    public sealed record RoomGranted
    {
        /// <summary>The only one.</summary>
        public static RoomGranted Instance { get; } = new();
    }

    /// <summary>There is no room now.</summary>
    public sealed record RoomRefused
    {
        /// <summary>The only one.</summary>
        public static RoomRefused Instance { get; } = new();
    }

    /// <summary>Room is needed: a batch without a waiting reader leaves.</summary>
    public sealed record MakeRoom
    {
        /// <summary>The only one.</summary>
        public static MakeRoom Instance { get; } = new();
    }

    /// <summary>Responses were lost. Each live batch reads the results that it missed from the store.</summary>
    public sealed record CatchUp : INotInfluenceReceiveTimeout
    {
        /// <summary>The only one.</summary>
        public static CatchUp Instance { get; } = new();
    }
}
