using ImageClassifier.Core;

namespace ImageClassifier.Web.Results;

/// <summary>The messages between a live batch and its parent.</summary>
internal static class BatchesProtocol
{
    /// <summary>A batch asks to leave memory.</summary>
    public sealed record Passivate(BatchId Batch);

    /// <summary>A batch asks for room for its results. The answer is <see cref="RoomGranted"/> or
    /// <see cref="RoomRefused"/>.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="Size">Its cost, in jobs.</param>
    public sealed record RequestRoom(BatchId Batch, int Size);

    /// <summary>The cost of a live batch has grown.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="Size">Its new cost, in jobs.</param>
    public sealed record Grown(BatchId Batch, int Size);

    /// <summary>The batch may read its results into memory.</summary>
    public sealed record RoomGranted
    {
        /// <summary>The only one.</summary>
        public static RoomGranted Instance { get; } = new();
    }

    /// <summary>There is no room for the batch's results now.</summary>
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

    /// <summary>No more commands follow: the batch answers the ones it has, and stops.</summary>
    public sealed record Leave
    {
        /// <summary>The only one.</summary>
        public static Leave Instance { get; } = new();
    }
}
