namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions of calls to EC2.</summary>
internal sealed class Ec2Calls(AccountFacts facts)
{
    private readonly LaunchCalls _launches = new(facts);

    public async Task<IReadOnlyList<NeededPermission>> ReadAsync(SignedRequest request)
    {
        var form = request.Form;
        var place = new Ec2Place(request.Region);
        return request.Operation switch
        {
            // EC2 has no resource types for these.
            var look when look.StartsWith("Describe", StringComparison.Ordinal) =>
                [new NeededPermission($"ec2:{look}", "*", place.Context())],
            "RunInstances" => await _launches.RunInstancesAsync(form, place),
            "CreateFleet" => await _launches.CreateFleetAsync(form, place),
            "TerminateInstances" => await OnExistingAsync("instance", form.Many("InstanceId")),
            "GetConsoleOutput" => await OnExistingAsync("instance", [form["InstanceId"]]),
            "CreateSecurityGroup" => OnNew("security-group"),
            "CreateLaunchTemplate" => OnNew("launch-template"),
            "CreateLaunchTemplateVersion" => await OnExistingAsync("launch-template", [form["LaunchTemplateId"]]),
            "AuthorizeSecurityGroupEgress" or "RevokeSecurityGroupEgress" or "AuthorizeSecurityGroupIngress" =>
                await OnExistingAsync("security-group", [form["GroupId"]]),
            var other => throw new NotModelledException($"ec2:{other}"),
        };

        IReadOnlyList<NeededPermission> OnNew(string type) =>
        [
            new NeededPermission(
                $"ec2:{request.Operation}", place.Arn(type, "*"),
                place.Context((ConditionKeys.RequestTag, form.Tags().GetValueOrDefault(type)))),
            .. place.TagsOnCreation(request.Operation, form.Tags()),
        ];

        async Task<IReadOnlyList<NeededPermission>> OnExistingAsync(string type, IReadOnlyList<string> ids)
        {
            var needed = new List<NeededPermission>();
            foreach (var id in ids)
            {
                var context = place.Context((ConditionKeys.ResourceTag, await facts.TagsAsync(id)));
                needed.Add(new NeededPermission($"ec2:{request.Operation}", place.Arn(type, id), context));
            }

            return needed;
        }
    }
}
