using System.Buffers.Binary;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace ImageClassifier.Tests.Aws.Deploy;

/// <summary>A method of an AWS SDK client, and the class that calls it.</summary>
/// <param name="Caller">The outermost class, without its namespace.</param>
/// <param name="Method">The client and its method: <c>IAmazonS3.PutObjectAsync</c>.</param>
internal sealed record SdkCall(string Caller, string Method);

/// <summary>Reads from a compiled assembly which client methods of the SDK it calls, and from which classes.</summary>
internal static class SdkCalls
{
    /// <summary>All calls. A method that is passed as a delegate counts as called.</summary>
    public static IReadOnlySet<SdkCall> In(string assembly)
    {
        using var stream = File.OpenRead(assembly);
        using var file = new PEReader(stream);
        var metadata = file.GetMetadataReader();
        var clients = metadata.MemberReferences
            .Select(handle => (Token: MetadataTokens.GetToken(handle), Name: NameOf(metadata, handle)))
            .Where(member => member.Name is not null)
            .ToDictionary(member => member.Token, member => member.Name!);
        var calls =
            from type in metadata.TypeDefinitions
            from method in metadata.GetTypeDefinition(type).GetMethods()
            let address = metadata.GetMethodDefinition(method).RelativeVirtualAddress
            where address != 0
            from token in TokensIn(file.GetMethodBody(address).GetILBytes()!)
            where clients.ContainsKey(token)
            select new SdkCall(OutermostNameOf(metadata, type), clients[token]);
        return calls.ToHashSet();
    }

    // A client is an interface such as Amazon.SQS.IAmazonSQS.
    private static string? NameOf(MetadataReader metadata, MemberReferenceHandle handle)
    {
        var member = metadata.GetMemberReference(handle);
        if (member.Parent.Kind != HandleKind.TypeReference) return null;
        var type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
        var (client, method) = (metadata.GetString(type.Name), metadata.GetString(member.Name));
        var isProperty = method.StartsWith("get_", StringComparison.Ordinal);
        return client.StartsWith("IAmazon", StringComparison.Ordinal) && !isProperty ? $"{client}.{method}" : null;
    }

    // Every four bytes are read as a token. Other bytes rarely look like one of the few tokens that matter.
    private static IEnumerable<int> TokensIn(byte[] code) =>
        Enumerable.Range(0, Math.Max(0, code.Length - 3))
            .Select(at => BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(at)));

    private static string OutermostNameOf(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        while (metadata.GetTypeDefinition(handle).GetDeclaringType() is { IsNil: false } outer) handle = outer;
        return metadata.GetString(metadata.GetTypeDefinition(handle).Name);
    }
}
