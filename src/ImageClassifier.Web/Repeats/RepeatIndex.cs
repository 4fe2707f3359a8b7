using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Repeats;

/// <summary>Finds the job of a picture that was classified before. It knows the latest pictures, up to a limit. It can be
/// used from several threads.</summary>
/// <param name="sharing">Whose uploads can answer a picture.</param>
/// <param name="capacity">The most pictures.</param>
internal sealed class RepeatIndex(RepeatSharing sharing, int capacity = RepeatIndex.Capacity)
{
    /// <summary>A picture costs about 100 bytes here, so all of them cost 5 MB.</summary>
    public const int Capacity = 50_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Place> _places = [];

    /// <summary>The keys of the places, oldest first.</summary>
    private readonly Queue<UInt128> _order = [];

    /// <summary>Adds pictures. The oldest ones give way to them.</summary>
    public void Add(RepeatableBatch batch)
    {
        var id = NumberOf(batch.Batch.Value);
        lock (_lock)
        {
            foreach (var picture in batch.Pictures)
            {
                var key = KeyOf(batch.Scope, batch.Model, picture.Sha256);
                if (!_places.ContainsKey(key)) _order.Enqueue(key);
                // The job of a later result may be there when that of an earlier one is deleted.
                _places[key] = new Place(id, NumberOf(picture.Job.Value));
                if (_places.Count > capacity) _places.Remove(_order.Dequeue());
            }
        }
    }

    /// <summary>The latest known job with a result for a picture; null if none is known.</summary>
    public OriginalJob? Find(string scope, string model, string sha256)
    {
        lock (_lock)
        {
            return _places.TryGetValue(KeyOf(scope, model, sha256), out var place)
                ? new OriginalJob(BatchId.Parse(TextOf(place.Batch)), JobId.Parse(TextOf(place.Job)))
                : null;
        }
    }

    // Half a SHA-256 saves memory. Two pictures with the same half cost one comparison of their whole hashes later.
    private UInt128 KeyOf(string scope, string model, string sha256)
    {
        var text = sharing == RepeatSharing.AllKeys ? $"{model}{sha256}" : $"{scope}{model}{sha256}";
        return BitConverter.ToUInt128(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    private static UInt128 NumberOf(string id) =>
        UInt128.Parse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static string TextOf(UInt128 id) => id.ToString("x32", CultureInfo.InvariantCulture);

    private readonly record struct Place(UInt128 Batch, UInt128 Job);
}
