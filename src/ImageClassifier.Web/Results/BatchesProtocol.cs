using ImageClassifier.Core;

namespace ImageClassifier.Web.Results;

/// <summary>What passes between the live batches and their parent.</summary>
internal static class BatchesProtocol
{
    /// <summary>A batch wants to leave memory.</summary>
    public sealed record Passivate(BatchId Batch);

    /// <summary>A batch wants to be read into memory; answered <see cref="RoomGranted"/> or
    /// <see cref="RoomRefused"/>.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="Size">What it will cost, in jobs.</param>
    public sealed record WantRoom(BatchId Batch, int Size);

    /// <summary>A live batch costs more than it did.</summary>
    /// <param name="Batch">The batch.</param>
    /// <param name="Size">What it costs now, in jobs.</param>
    public sealed record Grown(BatchId Batch, int Size);

    /// <summary>The batch may be read into memory.</summary>
    public sealed record RoomGranted
    {
        /// <summary>The only one.</summary>
        public static RoomGranted Instance { get; } = new();
    }

    /// <summary>There is no room for the batch now.</summary>
    public sealed record RoomRefused
    {
        /// <summary>The only one.</summary>
        public static RoomRefused Instance { get; } = new();
    }

    /// <summary>Room is wanted: a batch that no one waits for leaves.</summary>
    public sealed record MakeRoom
    {
        /// <summary>The only one.</summary>
        public static MakeRoom Instance { get; } = new();
    }

    /// <summary>Nothing more comes for the batch: it answers what it has, and leaves.</summary>
    public sealed record Leave
    {
        /// <summary>The only one.</summary>
        public static Leave Instance { get; } = new();
    }
}
