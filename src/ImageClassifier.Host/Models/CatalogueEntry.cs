namespace ImageClassifier.Host.Models;

/// <summary>A network that anyone can download, with everything that makes it a model directory.</summary>
/// <param name="Name">The name of the model.</param>
/// <param name="About">What the model is good for, in a few words.</param>
/// <param name="Network">The address of <c>model.onnx</c>.</param>
/// <param name="Bytes">The size of the network.</param>
/// <param name="Sha256">The SHA-256 of the network: 64 lower-case hexadecimal digits.</param>
/// <param name="License">The licence that its publisher states, as an SPDX identifier.</param>
/// <param name="Contract">The text of <c>model.json</c>.</param>
/// <param name="Labels">The address of the list of classes, in the form that <see cref="ImageNetLabels"/> reads.</param>
internal sealed record CatalogueEntry(
    string Name, string About, Uri Network, long Bytes, string Sha256, string License, string Contract, Uri Labels);
