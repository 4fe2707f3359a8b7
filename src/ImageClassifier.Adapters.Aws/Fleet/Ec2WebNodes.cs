using System.Net;
using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>Finds the web nodes of a deployment by the tag <see cref="Ec2InstanceFleet.WebTag"/>.</summary>
/// <param name="ec2">The client. The caller disposes of it.</param>
/// <param name="deployment">The value of the tag.</param>
public sealed class Ec2WebNodes(IAmazonEC2 ec2, string deployment)
{
    /// <summary>The private addresses of all running web nodes, including this one, oldest first.</summary>
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
        var nodes = new List<Instance>();
        try
        {
            do
            {
                var page = await ec2.DescribeInstancesAsync(request, cancellation);
                nodes.AddRange((page.Reservations ?? [])
                    .SelectMany(reservation => reservation.Instances ?? [])
                    .Where(instance => !string.IsNullOrEmpty(instance.PrivateIpAddress)));
                request.NextToken = page.NextToken;
            }
            while (!string.IsNullOrEmpty(request.NextToken));
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw new IOException(AwsFailure.Describe("EC2", "DescribeInstances", failure), failure);
        }

        return
        [
            .. nodes.OrderBy(node => node.LaunchTime).ThenBy(node => node.InstanceId, StringComparer.Ordinal)
                .Select(node => IPAddress.Parse(node.PrivateIpAddress)),
        ];
    }
}
