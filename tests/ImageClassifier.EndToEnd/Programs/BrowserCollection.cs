using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Tests with a browser, and the test that changes the networks of this machine, one at a time: the browser breaks off
/// its requests when a network appears or goes.</summary>
[CollectionDefinition(Name)]
public sealed class BrowserCollection
{
    public const string Name = "browser";
}
