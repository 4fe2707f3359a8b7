namespace ImageClassifier.Host.Models;

/// <summary>Well-known networks for the 1,000 classes of ImageNet, from the ONNX model zoo. Sizes and hashes are those of
/// its Git LFS pointers; contracts and licences are those of its documents.</summary>
internal static class ModelCatalogue
{
    // A commit never changes, so the addresses always name the same bytes.
    private const string Folder = "https://github.com/onnx/models/raw/b1eeaa1ac722dcc1cd1a8284bde34393dab61c3d/"
        + "validated/vision/classification/";

    /// <summary>The models, in the order of their names.</summary>
    public static IReadOnlyList<CatalogueEntry> Entries { get; } =
    [
        Entry(
            "efficientnet-lite4", "the most accurate one here",
            "efficientnet-lite4/model/efficientnet-lite4-11.onnx", 51_946_641,
            "d111689907c06eea7c82e4833ddef758da6453b9d4cf60b7e99ca05c7cbd9c12", "MIT",
            """
            {
              "name": "efficientnet-lite4",
              "input": {
                "name": "images:0", "layout": "NHWC", "width": 224, "height": 224,
                "range": [0, 255], "mean": [127, 127, 127], "std": [128, 128, 128],
                "resize": { "shorterSide": 256, "crop": "center" }
              },
              "output": { "name": "Softmax:0", "kind": "probabilities" }
            }

            """),
        Entry(
            "mobilenetv2", "small, fast and good",
            "mobilenet/model/mobilenetv2-12.onnx", 13_964_571,
            "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5", "Apache-2.0",
            Normalized("mobilenetv2", "input", "output")),
        Entry(
            "mobilenetv2-int8", "the smallest: 8-bit integers",
            "mobilenet/model/mobilenetv2-12-int8.onnx", 3_655_033,
            "cc028fe6cae7bc11a4ff53cfc9b79c920e8be65ce33a904ec3e2a8f66d77f95f", "Apache-2.0",
            Normalized("mobilenetv2-int8", "input", "output")),
        Entry(
            "resnet-18", "a common reference",
            "resnet/model/resnet18-v1-7.onnx", 46_820_737,
            "4e8f8653e7a2222b3904cc3fe8e304cd8b339ce1d05fd24688162f86fb6df52c", "Apache-2.0",
            Normalized("resnet-18", "data", "resnetv15_dense0_fwd")),
        Entry(
            "resnet-50", "a common reference, accurate and slow",
            "resnet/model/resnet50-v1-12.onnx", 102_576_593,
            "3f03fdef724b22947eed826f1eef1dc5c34151bb4c37d634f1db89dfa2dd1526", "Apache-2.0",
            Normalized("resnet-50", "data", "resnetv17_dense0_fwd")),
        Entry(
            "shufflenet-v2", "small and fast",
            "shufflenet/model/shufflenet-v2-12.onnx", 9_218_556,
            "ea69821b4dd374ae2f33f9710dd1229ac263d0ee5b5a46ca3521f6483e1ba035", "BSD-3-Clause",
            Normalized("shufflenet-v2", "input", "output")),
        Entry(
            "squeezenet", "very small, less accurate",
            "squeezenet/model/squeezenet1.1-7.onnx", 4_956_208,
            "1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088", "Apache-2.0",
            Normalized("squeezenet", "data", "squeezenet0_flatten0_reshape0")),
    ];

    /// <summary>The names of all models, for messages.</summary>
    public static string Names { get; } = string.Join(", ", Entries.Select(entry => entry.Name));

    /// <summary>The entry of a name; null if there is none.</summary>
    public static CatalogueEntry? Find(string name) => Entries.FirstOrDefault(entry => entry.Name == name);

    private static CatalogueEntry Entry(
        string name, string about, string file, long bytes, string sha256, string license, string contract) =>
        new(name, about, new Uri(Folder + file), bytes, sha256, license, contract, new Uri(Folder + "synset.txt"));

    // The mean and the deviation of ImageNet's pictures, with which most networks are trained.
    private static string Normalized(string name, string input, string output) =>
        $$"""
        {
          "name": "{{name}}",
          "input": {
            "name": "{{input}}", "layout": "NCHW", "width": 224, "height": 224,
            "range": [0, 1], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
            "resize": { "shorterSide": 256, "crop": "center" }
          },
          "output": { "name": "{{output}}", "kind": "logits" }
        }

        """;
}
