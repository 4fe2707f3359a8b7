namespace ImageClassifier.EndToEnd.Faults;

/// <summary>The disk of a data folder.</summary>
internal interface IFillableDisk : IDisposable
{
    /// <summary>The data folder.</summary>
    string Folder { get; }

    /// <summary>Fills the disk completely.</summary>
    void Fill();

    /// <summary>Makes room again.</summary>
    void Free();
}
