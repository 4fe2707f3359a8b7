namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Where a data folder is, and whether there is room.</summary>
internal interface IFillableDisk : IDisposable
{
    /// <summary>The data folder.</summary>
    string Folder { get; }

    /// <summary>Leaves no room for one more byte.</summary>
    void Fill();

    /// <summary>Gives the room back.</summary>
    void Free();
}
