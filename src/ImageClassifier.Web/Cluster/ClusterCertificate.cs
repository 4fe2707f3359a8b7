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

    // A PEM text begins so, and no sensible path does.
    private const string PemStart = "-----BEGIN ";

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

    /// <summary>Reads the files that the settings name, or the PEM texts that they contain.</summary>
    /// <returns>Null if there is no certificate.</returns>
    /// <exception cref="InvalidSettingException">One of the two is missing or cannot be read, the certificate is not
    /// valid now, or the key is not its key.</exception>
    public static ClusterCertificate? Load(ClusterSettings settings, TimeProvider time)
    {
        if (settings is { Certificate: null, CertificateKey: null }) return null;
        var certificateSetting = settings.Certificate ?? throw new InvalidSettingException(
            CertificateKey, null, "set it to the key's certificate, because certificate-key is set");
        var keySetting = settings.CertificateKey ?? throw new InvalidSettingException(
            PrivateKeyKey, null, "set it to the certificate's key, because certificate is set");
        var text = Read(CertificateKey, certificateSetting);
        var key = Read(PrivateKeyKey, keySetting);
        var (path, keyPath) = (Shown(certificateSetting), Shown(keySetting));
        var all = ParseAll(path, text);
        var authority = all[^1];
        if (authority.SubjectName.Name != authority.IssuerName.Name)
        {
            throw new InvalidSettingException(CertificateKey, path,
                $"the file must end with the certificate of an authority, and {authority.Subject} was issued by "
                + authority.Issuer);
        }

        foreach (var certificate in all) CheckDates(path, certificate, time.GetUtcNow());
        var loaded = new ClusterCertificate(WithKey(path, text, keyPath, key), [.. all.Skip(1)], authority);
        return loaded.FaultOf(loaded.Own) is { } fault
            ? throw new InvalidSettingException(CertificateKey, path,
                $"the last certificate in it is not the authority of the first one, {loaded.Own.Subject}: {fault}")
            : loaded;
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

        if (FaultOf(certificate) is not { } fault) return true;
        log.Warning("The certificate of {0} is refused: {1}", peer, fault);
        return false;
    }

    /// <summary>Why the authority did not issue a certificate; null if it did.</summary>
    private string? FaultOf(X509Certificate2 certificate)
    {
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.Add(_authority);
        own.ChainPolicy.ExtraStore.AddRange(_issuers);
        // An authority of one's own publishes no list of revoked certificates.
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.DisableCertificateDownloads = true;
        return own.Build(certificate)
            ? null
            : string.Join(", ", own.ChainStatus.Select(status => status.StatusInformation.Trim()));
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

    private static X509Certificate2 WithKey(string path, string text, string keyPath, string key)
    {
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

    /// <summary>The setting's value for a message, which must not show a key.</summary>
    private static string Shown(string value) => IsPem(value) ? InvalidSettingException.Hidden : value;

    private static bool IsPem(string value) => value.TrimStart().StartsWith(PemStart, StringComparison.Ordinal);

    private static string Read(string setting, string path)
    {
        if (IsPem(path)) return path;
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
