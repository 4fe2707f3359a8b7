namespace ImageClassifier.Web.Callbacks;

/// <summary>The messages of the <see cref="CallbackActor"/>.</summary>
public static class CallbackProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface ICallbackCommand;

    /// <summary>Makes the deliveries that were just stored. Without it they are found within a minute.</summary>
    public sealed record MakeDeliveries : ICallbackCommand
    {
        /// <summary>The only one.</summary>
        public static MakeDeliveries Instance { get; } = new();
    }
}
