using System.Buffers.Binary;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Isolation;

namespace ImageClassifier.Tests.Isolation;

/// <summary>Shell scripts in place of classifier processes. They record their process ids, answer harmless pictures,
/// and crash on deadly ones.</summary>
internal sealed class ScriptedChildren : IDisposable
{
    /// <summary>The message of a child whose model is loaded: an empty one.</summary>
    public const string Ready = """printf '\000\000\000\000';""";

    /// <summary>Reads the settings, as a child does before it loads its model.</summary>
    public const string ReadSettings = "head -c $(head -c 4 | od -An -tu4) > /dev/null;";

    private readonly string _folder = Directory.CreateTempSubdirectory("image-classifier-").FullName;
    private readonly string _started;

    public ScriptedChildren(ModelIdentity model)
    {
        _started = Path.Combine(_folder, "started");
        var reply = WireJson.WriteUtf8(new IsolatedReply(model, Failure: "A script classifies nothing."));
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, reply.Length);
        var answer = Path.Combine(_folder, "answer");
        File.WriteAllBytes(answer, [.. length, .. reply]);
        Script = $"echo $$ >> {_started}; echo $$ >&2; {Ready} while read -r line; do"
            + $" case $line in *harmless) cat {answer};; *deadly) kill -SEGV $$;; esac; done";
    }

    /// <summary>A picture that is answered.</summary>
    public static byte[] Harmless => "\nharmless\n"u8.ToArray();

    /// <summary>A picture that ends the process.</summary>
    public static byte[] Deadly => "\ndeadly\n"u8.ToArray();

    /// <summary>A script for a shell.</summary>
    public string Script { get; }

    /// <summary>The process ids of the started children, in order.</summary>
    public string[] Started => File.Exists(_started) ? File.ReadAllLines(_started) : [];

    /// <summary>Waits until this number of children was started.</summary>
    public async Task StartedAsync(int count)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        while (Started.Length < count) await timer.WaitForNextTickAsync(limit.Token);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
