using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using ImageClassifier.Core;

namespace ImageClassifier.Web.Cluster;

/// <summary>This node's certificate for other web nodes, and the authority whose certificates it accepts.</summary>
/// <remarks>The machine's own authorities are not trusted: anyone can get a certificate from those.</remarks>
public sealed class ClusterCertificate
{
    private const string CertificateKey = $"{ClusterSettings.Section}.certificate";
    private const string PrivateKeyKey = $"{ClusterSettings.Section}.certificate-key";

    private readonly X509Certificate2Collection _issuers;
    private readonly X509Certificate2 _authority;

    private ClusterCertificate(X509Certificate2 own, X509Certificate2Collection issuers, X509Certificate2 authority)
    {
        Own = own;
        _issuers = issuers;
        _authority = authority;
    }

    /// <summary>This node's certificate with its key.</summary>
    internal X509Certificate2 Own { get; }

    /// <summary>Reads the files that the settings name.</summary>
    /// <returns>Null if they name none.</returns>
    /// <exception cref="InvalidSettingException">A file cannot be read, the certificate is not valid now, or the key is
    /// not its key.</exception>
    public static ClusterCertificate? Load(ClusterSettings settings, TimeProvider time)
    {
        if (settings is not { Certificate: { } path, CertificateKey: { } keyPath }) return null;
        var text = Read(CertificateKey, path);
        var all = ParseAll(path, text);
        var authority = all[^1];
        if (authority.SubjectName.Name != authority.IssuerName.Name)
        {
            throw new InvalidSettingException(CertificateKey, path,
                $"the file must end with the certificate of an authority, and {authority.Subject} was issued by "
                + authority.Issuer);
        }

        foreach (var certificate in all) CheckDates(path, certificate, time.GetUtcNow());
        return new ClusterCertificate(WithKey(path, text, keyPath), [.. all.Skip(1)], authority);
    }

    /// <summary>Whether another node's certificate comes from the same authority. Names are not compared: addresses of
    /// nodes change, and the authority is the cluster's own.</summary>
    internal bool Accepts(
        X509Certificate2? certificate, X509Chain? chain, string peer, SslPolicyErrors errors, ILoggingAdapter log)
    {
        if (certificate is null)
        {
            log.Warning("{0} shows no certificate and is refused", peer);
            return false;
        }

        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.Add(_authority);
        own.ChainPolicy.ExtraStore.AddRange(_issuers);
        // An authority of one's own publishes no list of revoked certificates.
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.DisableCertificateDownloads = true;
        if (own.Build(certificate)) return true;
        log.Warning("The certificate of {0} is refused: {1}", peer,
            string.Join(", ", own.ChainStatus.Select(status => status.StatusInformation.Trim())));
        return false;
    }

    private static X509Certificate2Collection ParseAll(string path, string text)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(text);
        }
        catch (CryptographicException failure)
        {
            throw new InvalidSettingException(
                CertificateKey, path, $"the certificate cannot be read: {failure.Message}", failure);
        }

        return all.Count > 0
            ? all
            : throw new InvalidSettingException(
                CertificateKey, path, "the file has no certificate (-----BEGIN CERTIFICATE-----)");
    }

    private static void CheckDates(string path, X509Certificate2 certificate, DateTimeOffset now)
    {
        if (now >= certificate.NotAfter)
        {
            throw new InvalidSettingException(
                CertificateKey, path, $"{certificate.Subject} has expired, on {certificate.NotAfter:u}");
        }

        if (now < certificate.NotBefore)
        {
            throw new InvalidSettingException(
                CertificateKey, path, $"{certificate.Subject} is not valid before {certificate.NotBefore:u}");
        }
    }

    private static X509Certificate2 WithKey(string path, string text, string keyPath)
    {
        var key = Read(PrivateKeyKey, keyPath);
        if (key.Contains("ENCRYPTED PRIVATE KEY", StringComparison.Ordinal))
        {
            throw new InvalidSettingException(PrivateKeyKey, keyPath,
                "the key has a password, which no setting can give; store it without one, readable by its user only");
        }

        try
        {
            return X509Certificate2.CreateFromPem(text, key);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            throw new InvalidSettingException(
                PrivateKeyKey, keyPath, $"the file does not hold the key of the certificate in {path}", failure);
        }
    }

    private static string Read(string setting, string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException(setting, path, $"the file cannot be read: {failure.Message}", failure);
        }
    }
}
