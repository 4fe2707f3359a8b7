using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// The notes of launches in the store. They tell a scaler what an earlier scaler launched, although the fleet may not
/// show it yet. Launches are numbered, and each number can be noted once. So of two scalers at once, only one that knows
/// all launches so far can note the next.
/// </summary>
/// <remarks>The tasks do not change this object, so they can run beside their caller. The caller passes their outcome to
/// <see cref="Take"/>, <see cref="Added"/> and <see cref="Refused"/>.</remarks>
internal sealed class LaunchNotes(IObjectStore store, ScalingSettings settings)
{
    // The scaler waits for the notes, and a busy fleet has some hundred.
    private const int ReadAtOnce = 32;

    // An unanswered launch is repeated until its time-out, and shows later than that.
    private readonly TimeSpan _keptFor = settings.LaunchTimeout + settings.LaunchLag;
    private readonly List<(string ClientToken, DateTimeOffset At)> _own = [];
    private readonly Dictionary<string, SeenNote> _earlier = [];
    private Dictionary<int, DateTimeOffset> _stored = [];
    private DateTimeOffset? _knownAt;
    private int _refused;

    // A number can be taken although its note is not listed: an object of somebody else has its key.
    private int Newest => Math.Max(_stored.Keys.DefaultIfEmpty().Max(), _refused);

    /// <summary>Whether the notes have been read lately. Only then can a launch be noted.</summary>
    /// <remarks>Another scaler deletes notes that are older than <see cref="_keptFor"/>. After that, a number that is
    /// taken looks free. Half of that time leaves enough for a slow store and for clocks that differ.</remarks>
    public bool AreKnown(DateTimeOffset now) => now - _knownAt < _keptFor / 2;

    /// <summary>Reads the notes that may still matter.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public async Task<IReadOnlyList<StoredLaunch>> ReadAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var launches = new List<StoredLaunch>();
        await foreach (var listing in store.ListAsync(ObjectKeys.Launches, cancellation).ConfigureAwait(false))
        {
            if (!ObjectKeys.TryParseLaunch(listing.Key, out var number)) continue;
            // The clocks of store and scaler may differ by some minutes: the time-out is longer than the lag by far.
            launches.Add(new StoredLaunch(number, listing.LastModified < now ? listing.LastModified : now, null));
        }

        var read = launches.Where(launch => now - launch.At >= _keptFor).ToList();
        foreach (var chunk in launches.Where(launch => now - launch.At < _keptFor).Chunk(ReadAtOnce))
            read.AddRange(await Task.WhenAll(chunk.Select(launch => ReadAsync(launch, cancellation))).ConfigureAwait(false));
        return read;
    }

    /// <summary>Takes in what was read.</summary>
    public void Take(IReadOnlyList<StoredLaunch> launches, DateTimeOffset now)
    {
        _knownAt = now;
        var before = _stored;
        _stored = [];
        foreach (var (number, readAt, note) in launches)
        {
            // A note of a store whose clock is ahead looks new at each read. Its first time counts.
            var at = before.TryGetValue(number, out var first) && first < readAt ? first : readAt;
            _stored[number] = at;
            if (note is null || now - at >= _keptFor) continue;
            if (_own.Exists(own => own.ClientToken == note.ClientToken)) continue;
            var seenAt = _earlier.TryGetValue(note.ClientToken, out var seen) ? seen.SeenAt : now;
            _earlier[note.ClientToken] = new SeenNote(note, at, seenAt);
        }
    }

    /// <summary>Makes the scaler read the notes again before the next launch.</summary>
    public void Forget() => _knownAt = null;

    /// <summary>The launches of earlier scalers that the fleet may not show yet; null if the notes are not
    /// known.</summary>
    /// <remarks>The lag counts from when this scaler first read the note, by its own clock. A damaged note may ask for
    /// billions of instances, and the cap is enough to launch nothing.</remarks>
    public IReadOnlyList<EarlierLaunch>? Earlier(DateTimeOffset now)
    {
        if (!AreKnown(now)) return null;
        return
        [
            .. from seen in _earlier.Values
               where now - seen.SeenAt < settings.LaunchLag
               let count = Math.Min(seen.Note.Count, settings.MaxInstances)
               select new EarlierLaunch(seen.Note.ClientToken, count, seen.At, []),
        ];
    }

    /// <summary>Begins a launch with the next number. It is noted by <see cref="TryAddAsync"/>.</summary>
    public NumberedLaunch Begin(int count, DateTimeOffset now)
    {
        var note = new LaunchNote(Guid.NewGuid().ToString("N"), count);
        _own.RemoveAll(own => now - own.At >= _keptFor);
        _own.Add((note.ClientToken, now));
        return new NumberedLaunch(Newest + 1, note, now);
    }

    /// <summary>Stores the note of a launch.</summary>
    /// <returns>False if another scaler has noted a launch with that number.</returns>
    /// <exception cref="IOException">The store gave no answer. It may have the note.</exception>
    public async Task<bool> TryAddAsync(NumberedLaunch launch, CancellationToken cancellation)
    {
        var key = ObjectKeys.Launch(launch.Number);
        if (await store.PutIfAbsentAsync(key, WireJson.WriteUtf8(launch.Note), cancellation).ConfigureAwait(false))
            return true;
        // A store that repeats a put after a lost answer finds the note of its first try.
        var stored = await store.ReadDocumentAsync<LaunchNote>(key, cancellation).ConfigureAwait(false);
        return stored.OrNull?.ClientToken == launch.Note.ClientToken;
    }

    /// <summary>Records that a note was stored.</summary>
    public void Added(NumberedLaunch launch)
    {
        _stored[launch.Number] = launch.At;
        if (_knownAt < launch.At) _knownAt = launch.At;
    }

    /// <summary>Records that another scaler has the number of a launch.</summary>
    public void Refused(NumberedLaunch launch) => _refused = launch.Number;

    /// <summary>Corrects the note of a launch that brought fewer instances, so that a later scaler does not wait for
    /// the rest.</summary>
    public Task CorrectAsync(NumberedLaunch launch, int launched, CancellationToken cancellation) => store.PutAsync(
        ObjectKeys.Launch(launch.Number), WireJson.WriteUtf8(launch.Note with { Count = launched }), cancellation);

    /// <summary>Removes the notes that no longer matter. The newest stays, because the numbers go on from it.</summary>
    /// <returns>The numbers of the notes, for <see cref="DeleteAsync"/>.</returns>
    public IReadOnlyList<int> RemoveExpired(DateTimeOffset now)
    {
        var newest = Newest;
        int[] expired =
        [
            .. from note in _stored
               where note.Key != newest && now - note.Value >= _keptFor
               select note.Key,
        ];
        foreach (var number in expired) _stored.Remove(number);
        foreach (var (token, note) in _earlier)
        {
            if (now - note.SeenAt >= _keptFor) _earlier.Remove(token);
        }

        return expired;
    }

    /// <summary>Deletes notes.</summary>
    public async Task DeleteAsync(IReadOnlyList<int> numbers, CancellationToken cancellation)
    {
        foreach (var number in numbers)
            await store.DeleteAsync(ObjectKeys.Launch(number), cancellation).ConfigureAwait(false);
    }

    private async Task<StoredLaunch> ReadAsync(StoredLaunch launch, CancellationToken cancellation)
    {
        var note = await store
            .ReadDocumentAsync<LaunchNote>(ObjectKeys.Launch(launch.Number), cancellation).ConfigureAwait(false);
        return launch with { Note = note.OrNull };
    }

    private sealed record SeenNote(LaunchNote Note, DateTimeOffset At, DateTimeOffset SeenAt);
}

/// <summary>A launch of this scaler, with its place in the order of all launches.</summary>
/// <param name="Number">The place, from 1.</param>
/// <param name="Note">The note.</param>
/// <param name="At">When the scaler decided on it.</param>
internal sealed record NumberedLaunch(int Number, LaunchNote Note, DateTimeOffset At);

/// <summary>A note in the store.</summary>
/// <param name="Number">The launch's place in the order of all launches.</param>
/// <param name="At">When it was written, at most now.</param>
/// <param name="Note">The note; null if it is too old to matter, or damaged.</param>
internal sealed record StoredLaunch(int Number, DateTimeOffset At, LaunchNote? Note);

/// <summary>A launch of an earlier scaler, of which the fleet may not show all instances yet.</summary>
/// <param name="ClientToken">Its client token.</param>
/// <param name="Count">How many instances were asked for, at most the cap.</param>
/// <param name="At">When it was noted.</param>
/// <param name="Found">The instances of it that the fleet has found.</param>
internal sealed record EarlierLaunch(
    string ClientToken, int Count, DateTimeOffset At, IReadOnlyList<InstanceId> Found);
