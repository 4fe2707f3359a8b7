using Akka.Configuration;
using Akka.Configuration.Hocon;
using ImageClassifier.Core;

namespace ImageClassifier.Host.Configuration;

/// <summary>The known settings: the keys of <c>reference.conf</c>. A group that is empty there has names that the user
/// chooses. Akka's own settings are not checked.</summary>
internal sealed class KnownSettings
{
    /// <summary>The path of the program's own settings.</summary>
    public const string Root = "image-classifier";

    private const string Akka = "akka";

    // Deeper than any setting. A deeper value refers to itself.
    private const int DeepestLevel = 32;

    private readonly HashSet<string> _topLevel;
    private readonly HashSet<string> _groups = [];
    private readonly HashSet<string> _values = [];
    private readonly HashSet<string> _freeGroups = [];

    public KnownSettings(Config reference)
    {
        _topLevel = [.. Items(reference).Keys, Akka];
        Collect(Root, Items(reference)[Root].GetObject());
    }

    /// <summary>The full names of the single settings.</summary>
    public IReadOnlyCollection<string> Values => _values;

    /// <exception cref="InvalidSettingException">The layer has an unknown key, a group in place of a value, or a value
    /// in place of a group.</exception>
    public void Check(SettingsLayer layer)
    {
        foreach (var (name, value) in Items(layer.Config))
        {
            if (!_topLevel.Contains(name)) throw Unknown(name, value, layer.Origin);
            if (name == Root) Check(Root, value, layer.Origin, level: 1);
        }
    }

    private static Dictionary<string, HoconValue> Items(Config config) =>
        config.IsEmpty ? new Dictionary<string, HoconValue>() : config.Root.GetObject().Items;

    private void Collect(string path, HoconObject group)
    {
        _groups.Add(path);
        if (group.Items.Count == 0) _freeGroups.Add(path);
        foreach (var (name, value) in group.Items)
        {
            if (value.IsObject()) Collect($"{path}.{name}", value.GetObject());
            else _values.Add($"{path}.{name}");
        }
    }

    private void Check(string path, HoconValue value, string origin, int level, bool isNameFree = false)
    {
        var isGroup = value.IsObject();
        if (isNameFree || _values.Contains(path))
        {
            if (isGroup || value.IsArray())
                throw Wrong(path, value, "it is a single setting, neither a group nor a list", origin);
        }
        else if (!_groups.Contains(path)) throw Unknown(path, value, origin);
        else if (!isGroup) throw Wrong(path, value, "it is a group of settings, not a single one", origin);
        else if (level > DeepestLevel) throw Wrong(path, value, "it refers to itself", origin);
        else
        {
            foreach (var (name, inner) in value.GetObject().Items)
                Check($"{path}.{name}", inner, origin, level + 1, _freeGroups.Contains(path));
        }
    }

    private InvalidSettingException Unknown(string key, HoconValue value, string origin)
    {
        foreach (var (leaf, inner) in Leaves(key, value, level: 1))
        {
            if (RemovedSettings.Replacements.TryGetValue(leaf, out var replacement))
                return Wrong(leaf, inner, $"this setting was removed: {replacement}", origin);
        }

        // The full path, so that the message names "scaling.max-instances" and not "scaling".
        while (value.IsObject() && value.GetObject().Items is { Count: 1 } items)
        {
            key = $"{key}.{items.First().Key}";
            value = items.First().Value;
        }

        return Wrong(key, value, Suggest(key) is { } meant
            ? $"there is no such setting, did you mean {meant}?"
            : "there is no such setting (hocon/reference.conf lists them all)", origin);
    }

    private static IEnumerable<(string Key, HoconValue Value)> Leaves(string key, HoconValue value, int level) =>
        !value.IsObject() ? [(key, value)]
        : level > DeepestLevel ? []
        : value.GetObject().Items.SelectMany(item => Leaves($"{key}.{item.Key}", item.Value, level + 1));

    private string? Suggest(string key)
    {
        var full = key == Root || key.StartsWith($"{Root}.", StringComparison.Ordinal) ? key : $"{Root}.{key}";
        string[] all = [.. _values.Order(StringComparer.Ordinal), .. _groups.Order(StringComparer.Ordinal)];
        return Spelling.Nearest(full, all, limit: 3) ?? Spelling.Nearest(key, all, limit: 3)
            ?? all.Where(candidate => Spelling.Distance(LastName(full), LastName(candidate)) <= 1)
                .MinBy(candidate => Spelling.Distance(full, candidate));
    }

    private static string LastName(string key) => key[(key.LastIndexOf('.') + 1)..];

    private static InvalidSettingException Wrong(string key, HoconValue value, string reason, string origin)
    {
        // A value in a wrong place may be a secret that belongs elsewhere.
        var shown = value.IsObject() ? "{…}" : value.IsArray() ? "[…]" : InvalidSettingException.Hidden;
        var joint = reason.EndsWith('?') ? " It" : "; it";
        return new InvalidSettingException(key, shown, $"{reason}{joint} comes from {origin}");
    }
}
