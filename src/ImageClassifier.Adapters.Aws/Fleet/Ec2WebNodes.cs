using System.Net;
using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>Finds the web nodes of a deployment by the tag <see cref="Ec2InstanceFleet.WebTag"/>.</summary>
/// <param name="ec2">The client, which stays the caller's.</param>
/// <param name="deployment">The tag's value.</param>
public sealed class Ec2WebNodes(IAmazonEC2 ec2, string deployment)
{
    /// <summary>The private addresses of all running web nodes, this one too.</summary>
    /// <exception cref="IOException">EC2 refuses or does not answer.</exception>
    public async Task<IReadOnlyList<IPAddress>> FindAsync(CancellationToken cancellation)
    {
        var request = new DescribeInstancesRequest
        {
            Filters =
            [
                new Filter($"tag:{Ec2InstanceFleet.WebTag}", [deployment]),
                new Filter("instance-state-name", ["running"]),
            ],
        };
        var addresses = new List<IPAddress>();
        try
        {
            do
            {
                var page = await ec2.DescribeInstancesAsync(request, cancellation);
                addresses.AddRange((page.Reservations ?? [])
                    .SelectMany(reservation => reservation.Instances ?? [])
                    .Where(instance => !string.IsNullOrEmpty(instance.PrivateIpAddress))
                    .Select(instance => IPAddress.Parse(instance.PrivateIpAddress)));
                request.NextToken = page.NextToken;
            }
            while (!string.IsNullOrEmpty(request.NextToken));
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw new IOException(AwsFailure.Describe("EC2", "DescribeInstances", failure), failure);
        }

        return addresses;
    }
}
