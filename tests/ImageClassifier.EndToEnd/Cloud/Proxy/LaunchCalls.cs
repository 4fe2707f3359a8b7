using Amazon.EC2.Model;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions of a launch: one for each part that the call or its launch template names, and for each
/// resource that comes with a machine. AWS does not document which parts CreateFleet needs. So this model is strict:
/// CreateFleet needs, for every override, all that RunInstances needs. Snapshots of the image are left out.</summary>
/// <remarks>AWS's reference does not say which parts need CreateFleet. This is strict: every part that needs
/// RunInstances needs CreateFleet too, for every override. Snapshots of the image are left out.</remarks>
internal sealed class LaunchCalls(AccountFacts facts)
{
    private const string Instance = "instance";

    public async Task<IReadOnlyList<NeededPermission>> RunInstancesAsync(
        IReadOnlyDictionary<string, string> form, Ec2Place place)
    {
        if (form.Prefixes("NetworkInterface").Count > 0)
            throw new NotModelledException("RunInstances with NetworkInterface");
        var launch = Launch.Of(await TemplateAsync(form, "LaunchTemplate"), form.Tags()) with
        {
            IsSpot = form.GetValueOrDefault("InstanceMarketOptions.MarketType") == "spot",
        };
        launch = launch with
        {
            Image = form.GetValueOrDefault("ImageId") ?? launch.Image,
            InstanceType = form.GetValueOrDefault("InstanceType") ?? launch.InstanceType,
            Subnet = form.GetValueOrDefault("SubnetId") ?? launch.Subnet,
            SecurityGroups = form.Many("SecurityGroupId") is { Count: > 0 } groups ? groups : launch.SecurityGroups,
            KeyName = form.GetValueOrDefault("KeyName") ?? launch.KeyName,
            HttpTokens = form.GetValueOrDefault("MetadataOptions.HttpTokens") ?? launch.HttpTokens,
            Profile = form.GetValueOrDefault("IamInstanceProfile.Arn")
                ?? form.GetValueOrDefault("IamInstanceProfile.Name") ?? launch.Profile,
        };
        return
        [
            .. await PartsAsync("RunInstances", launch, place),
            .. place.TagsOnCreation("RunInstances", launch.Tags),
            .. await RoleAsync(launch),
        ];
    }

    public async Task<IReadOnlyList<NeededPermission>> CreateFleetAsync(
        IReadOnlyDictionary<string, string> form, Ec2Place place)
    {
        var needed = new List<NeededPermission>
        {
            new(
                "ec2:CreateFleet", place.Arn("fleet", "*"),
                place.Context((ConditionKeys.RequestTag, form.Tags().GetValueOrDefault("fleet")))),
        };
        const string capacity = "TargetCapacitySpecification";
        var isSpot = form.GetValueOrDefault($"{capacity}.DefaultTargetCapacityType") == "spot"
            || form.GetValueOrDefault($"{capacity}.SpotTargetCapacity") is not (null or "0");
        foreach (var config in form.Prefixes("LaunchTemplateConfigs"))
        {
            var template = await TemplateAsync(form, $"{config}.LaunchTemplateSpecification");
            var launch = Launch.Of(template, form.Tags()) with { IsSpot = isSpot };
            foreach (var part in form.Prefixes($"{config}.Overrides").DefaultIfEmpty("no override"))
            {
                var variant = launch with
                {
                    Image = form.GetValueOrDefault($"{part}.ImageId") ?? launch.Image,
                    InstanceType = form.GetValueOrDefault($"{part}.InstanceType") ?? launch.InstanceType,
                    Subnet = form.GetValueOrDefault($"{part}.SubnetId") ?? launch.Subnet,
                };
                needed.AddRange(await PartsAsync("CreateFleet", variant, place));
                needed.AddRange(await PartsAsync("RunInstances", variant, place));
            }

            needed.AddRange(place.TagsOnCreation("CreateFleet", launch.Tags));
            needed.AddRange(await RoleAsync(launch));
        }

        return needed;
    }

    private async Task<LaunchTemplateVersion?> TemplateAsync(IReadOnlyDictionary<string, string> form, string prefix)
    {
        var name = form.GetValueOrDefault($"{prefix}.LaunchTemplateId")
            ?? form.GetValueOrDefault($"{prefix}.LaunchTemplateName");
        var version = form.GetValueOrDefault($"{prefix}.Version") ?? "$Default";
        return name is null ? null : await facts.TemplateAsync(name, version);
    }

    private async Task<IReadOnlyList<NeededPermission>> RoleAsync(Launch launch) =>
        launch.Profile is { } profile ? [IamCalls.PassToEc2(await facts.RoleAsync(profile))] : [];

    private async Task<IReadOnlyList<NeededPermission>> PartsAsync(string operation, Launch launch, Ec2Place place)
    {
        // The resources that the launch creates.
        string[] made = launch.IsSpot
            ? [Instance, "volume", "network-interface", "spot-instances-request"]
            : [Instance, "volume", "network-interface"];
        // The resources that exist before the launch.
        IEnumerable<(string Type, string? Id)> parts =
        [
            ("image", launch.Image), ("subnet", launch.Subnet), ("key-pair", launch.KeyName),
            ("launch-template", launch.Template), .. launch.SecurityGroups.Select(id => ("security-group", id)),
        ];
        var needed = made.Select(type => Need(type, "*", ConditionKeys.RequestTag, launch.Tags.GetValueOrDefault(type)))
            .ToList();
        foreach (var (type, id) in parts.Where(part => part.Id is not null))
            needed.Add(Need(type, id!, ConditionKeys.ResourceTag, await facts.TagsAsync(id!)));
        return needed;

        NeededPermission Need(string type, string id, string prefix, IReadOnlyDictionary<string, string>? tags)
        {
            var context = place.Context((prefix, tags));
            if (launch.Template is { } template)
                context[ConditionKeys.LaunchTemplate] = place.Arn("launch-template", template);
            if (type == Instance)
            {
                if (launch.InstanceType is { } size) context[ConditionKeys.InstanceType] = size;
                if (launch.HttpTokens is { } tokens) context[ConditionKeys.MetadataHttpTokens] = tokens;
            }

            return new NeededPermission($"ec2:{operation}", place.Arn(type, id), context);
        }
    }

    /// <summary>The machine that a call and its launch template describe together.</summary>
    private sealed record Launch(
        string? Template, string? Image, string? InstanceType, string? Subnet, IReadOnlyList<string> SecurityGroups,
        string? KeyName, string? Profile, string? HttpTokens, bool IsSpot,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Tags)
    {
        public static Launch Of(
            LaunchTemplateVersion? template,
            IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> tags)
        {
            var data = template?.LaunchTemplateData;
            if (data?.NetworkInterfaces is { Count: > 0 })
                throw new NotModelledException("a launch template with NetworkInterfaces");
            return new Launch(
                template?.LaunchTemplateId, data?.ImageId, data?.InstanceType?.Value, Subnet: null,
                data?.SecurityGroupIds ?? [], data?.KeyName,
                data?.IamInstanceProfile is { } profile ? profile.Arn ?? profile.Name : null,
                data?.MetadataOptions?.HttpTokens?.Value, IsSpot: false, Merge(data?.TagSpecifications ?? [], tags));
        }

        // The call's tags are added to the template's, and replace those of the same key.
        private static Dictionary<string, IReadOnlyDictionary<string, string>> Merge(
            IEnumerable<LaunchTemplateTagSpecification> ofTemplate,
            IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> ofCall)
        {
            var merged = ofTemplate.ToDictionary(
                specification => specification.ResourceType.Value,
                specification => specification.Tags.ToDictionary(tag => tag.Key, tag => tag.Value));
            foreach (var (type, tags) in ofCall)
            {
                merged.TryAdd(type, []);
                foreach (var (key, value) in tags) merged[type][key] = value;
            }

            return merged.ToDictionary(
                entry => entry.Key, entry => (IReadOnlyDictionary<string, string>)entry.Value);
        }
    }
}
