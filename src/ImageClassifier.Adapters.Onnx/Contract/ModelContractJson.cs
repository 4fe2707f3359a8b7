using System.Text.Json;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Onnx.Contract;

/// <summary>Reads a <c>model.json</c> field by field, so that an error names the wrong field. An unknown field is an
/// error: it is most likely misspelt, and would silently change the model's input.</summary>
internal static class ModelContractJson
{
    private const int LargestSide = 4096;
    private const int MostParts = 16;
    private const int MostClassesWithoutLabel = 1000;

    // The longest name of a file, and so of most models.
    private const int LongestText = 255;

    // Far above what any training uses. Larger numbers would only overflow.
    private const float LargestNumber = 1e9f;

    // A message quotes so much of a wrong value.
    private const int LongestQuote = 80;

    public static ModelContract Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Model(new Field(document.RootElement, ""));
        }
        catch (JsonException failure)
        {
            throw new FormatException(
                $"it is not JSON (line {failure.LineNumber + 1}, byte {failure.BytePositionInLine + 1})", failure);
        }
        catch (InvalidOperationException failure)
        {
            // The JSON reader throws this for an escape of a lone surrogate.
            throw new FormatException("it has a text that is not valid Unicode", failure);
        }
    }

    private static ModelContract Model(Field model)
    {
        model.HasOnly("name", "parts", "input", "output");
        var contract = new ModelContract(model["name"].Text(), Input(model["input"]), Output(model["output"]));
        return model.Optional("parts") is { } parts ? contract with { Parts = parts.FileNames() } : contract;
    }

    private static ModelInput Input(Field input)
    {
        input.HasOnly("name", "layout", "channels", "width", "height", "range", "mean", "std", "resize");
        var width = input["width"].Whole(1, LargestSide);
        var height = input["height"].Whole(1, LargestSide);
        string[] scaling = ["range", "mean", "std"];
        var givesScaling = scaling.Any(name => input.Optional(name) is not null);
        var range = givesScaling ? input["range"].Range() : (0, byte.MaxValue);
        return new ModelInput(
            input["name"].Text(),
            input["layout"].OneOf(("NCHW", TensorLayout.Nchw), ("NHWC", TensorLayout.Nhwc)),
            width,
            height,
            range,
            givesScaling ? input["mean"].Numbers(ModelInput.Channels) : [0, 0, 0],
            givesScaling ? input["std"].Numbers(ModelInput.Channels, zeroAllowed: false) : [1, 1, 1],
            Resize(input["resize"], Math.Max(width, height)))
        {
            Order = input.Optional("channels")?.OneOf(("RGB", ChannelOrder.Rgb), ("BGR", ChannelOrder.Bgr)) ?? default,
            GivesScaling = givesScaling,
        };
    }

    private static ModelResize Resize(Field resize, int longerSide)
    {
        string[] ofCrop = ["shorterSide", "crop", "prescale"];
        resize.HasOnly([.. ofCrop, "squash", "filter"]);
        var filter = resize.Optional("filter")?.OneOf(
            ("bilinear", ResizeFilter.Bilinear), ("bicubic", ResizeFilter.Bicubic)) ?? default;
        if (resize.Optional("squash")?.Flag() ?? false)
        {
            if (Array.Find(ofCrop, name => resize.Optional(name) is not null) is { } needless)
                throw new FormatException($"input.resize has squash, which crops nothing; remove squash or {needless}");
            return new ModelResize(longerSide, null) { Squash = true, Filter = filter };
        }

        resize["crop"].OneOf(("center", true));
        var shorterSide = resize["shorterSide"].Whole(longerSide, LargestSide);
        var prescale = resize.Optional("prescale")?.Whole(shorterSide, LargestSide);
        return new ModelResize(shorterSide, prescale) { Filter = filter };
    }

    private static ModelOutput Output(Field output)
    {
        output.HasOnly("name", "kind", "firstClass");
        return new ModelOutput(
            output["name"].Text(),
            output["kind"].OneOf(("logits", OutputKind.Logits), ("probabilities", OutputKind.Probabilities)))
        {
            FirstClass = output.Optional("firstClass")?.Whole(0, MostClassesWithoutLabel) ?? 0,
        };
    }

    /// <summary>A JSON value and its path.</summary>
    private readonly record struct Field(JsonElement Json, string Name)
    {
        public Field this[string name] => Optional(name)
            ?? throw new FormatException($"{Inner(name)} is missing");

        public Field? Optional(string name)
        {
            if (Json.ValueKind != JsonValueKind.Object) throw Wrong("an object");
            return Json.TryGetProperty(name, out var inner) ? new Field(inner, Inner(name)) : null;
        }

        public void HasOnly(params ReadOnlySpan<string> known)
        {
            if (Json.ValueKind != JsonValueKind.Object) throw Wrong("an object");
            var seen = new HashSet<string>();
            foreach (var property in Json.EnumerateObject())
            {
                if (!known.Contains(property.Name))
                {
                    var name = Inner(UntrustedText.ForMessage(property.Name, LongestQuote));
                    throw new FormatException($"{name} is unknown; known there are {string.Join(", ", known!)}");
                }

                // Readers of JSON differ in which of two values they take.
                if (!seen.Add(property.Name))
                    throw new FormatException($"{Inner(property.Name)} is there twice; remove one of the two");
            }
        }

        public string Text()
        {
            const string Allowed = "a text that is not blank";
            if (Json.ValueKind != JsonValueKind.String) throw Wrong(Allowed);
            var text = Json.GetString()!;
            if (string.IsNullOrWhiteSpace(text)) throw Wrong(Allowed);
            if (text.Length > LongestText)
                throw Wrong($"a text of at most {LongestText} characters (it has {text.Length})");
            return UntrustedText.HasInvisible(text) ? throw Wrong("a text without invisible characters") : text;
        }

        public int Whole(int lowest, int highest) =>
            Json.ValueKind == JsonValueKind.Number && Json.TryGetInt32(out var number)
            && number >= lowest && number <= highest
                ? number
                : throw Wrong($"a whole number from {lowest} to {highest}");

        public float[] Numbers(int count, bool zeroAllowed = true)
        {
            if (Json.ValueKind != JsonValueKind.Array || Json.GetArrayLength() != count)
                throw Wrong($"a list of {count} numbers");
            var numbers = new float[count];
            for (var i = 0; i < count; i++) numbers[i] = new Field(Json[i], $"{Name}[{i}]").Number(zeroAllowed);
            return numbers;
        }

        /// <summary>Two different numbers: with equal ones all pictures would look the same.</summary>
        public (float Low, float High) Range()
        {
            var ends = Numbers(2);
            return ends[0] == ends[1] ? throw Wrong("a list of 2 different numbers") : (ends[0], ends[1]);
        }

        public bool Flag() => Json.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? Json.GetBoolean()
            : throw Wrong("true or false");

        /// <summary>A list of different files. A name with a folder could lead out of the model directory.</summary>
        public string[] FileNames()
        {
            var isList = Json.ValueKind == JsonValueKind.Array && Json.GetArrayLength() is >= 1 and <= MostParts;
            if (!isList) throw Wrong($"a list of 1 to {MostParts} file names");
            var name = Name;
            var entries = Json.EnumerateArray().Select((file, at) => new Field(file, $"{name}[{at}]"));
            string[] files = [.. entries.Select(entry => entry.FileName())];
            return files.Distinct(StringComparer.Ordinal).Count() == files.Length
                ? files
                : throw Wrong("a list without repetition");
        }

        public T OneOf<T>(params ReadOnlySpan<(string Word, T Meaning)> words)
        {
            if (Json.ValueKind == JsonValueKind.String)
            {
                foreach (var (word, meaning) in words)
                {
                    if (Json.ValueEquals(word)) return meaning;
                }
            }

            var allowed = new List<string>();
            foreach (var (word, _) in words) allowed.Add(word);
            throw Wrong(string.Join(" or ", allowed));
        }

        private float Number(bool zeroAllowed)
        {
            var isUsable = Json.ValueKind == JsonValueKind.Number && Json.TryGetSingle(out var number)
                && Math.Abs(number) <= LargestNumber;
            if (!isUsable) throw Wrong("a number from -1e9 to 1e9");
            // A number that is too small for a float becomes 0.
            return zeroAllowed || Json.GetSingle() != 0 ? Json.GetSingle() : throw Wrong("a number other than 0");
        }

        private string FileName()
        {
            var file = Text();
            var isPlain = file is not ("." or "..") && !file.Any(letter => letter is '/' or '\\');
            return isPlain ? file : throw Wrong("the plain name of a file in the model directory");
        }

        private string Inner(string name) => Name.Length == 0 ? name : $"{Name}.{name}";

        private FormatException Wrong(string allowed)
        {
            var name = Name.Length == 0 ? "the whole" : Name;
            var value = UntrustedText.ForMessage(Json.GetRawText(), LongestQuote);
            return new FormatException($"{name} is {value}, but must be {allowed}");
        }
    }
}
