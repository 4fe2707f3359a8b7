using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ImageClassifier.Tests.Configuration;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>A certificate authority for one test. It writes its certificates to files.</summary>
internal sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly TemporaryFolder _folder = new();
    private readonly X509Certificate2 _authority;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(Now.AddDays(-2), Now.AddDays(2));
    }

    /// <summary>Issues a certificate.</summary>
    /// <returns>The paths of its file and of its key's.</returns>
    public (string Certificate, string Key) Issue(
        string name, DateTimeOffset? from = null, DateTimeOffset? to = null, bool withAuthority = true)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var issued = request.Create(
            _authority, from ?? Now.AddDays(-1), to ?? Now.AddDays(1), Guid.NewGuid().ToByteArray());
        var text = issued.ExportCertificatePem() + "\n" + (withAuthority ? _authority.ExportCertificatePem() : "");
        return (Write($"{name}.pem", text), Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    /// <summary>Creates a certificate that is its own authority.</summary>
    public (string Certificate, string Key) SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var issued = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        return (
            Write($"{name}.pem", issued.ExportCertificatePem()),
            Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    public string Write(string name, string text) => _folder.Write(name, text);

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }
}
