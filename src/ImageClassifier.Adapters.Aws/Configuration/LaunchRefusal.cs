namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The kinds of EC2 refusals to launch. Each has another consequence for the launch.</summary>
internal enum LaunchRefusal
{
    /// <summary>There is no room for this type in this place: another subnet, type or market may have some.</summary>
    NoCapacity,

    /// <summary>A quota of the account is used up, in every subnet: fewer instances, another family of types, or
    /// another market may still fit.</summary>
    QuotaReached,

    /// <summary>EC2 throttles, even after the SDK's retries: more calls make it worse. The scaler tries again after a
    /// pause.</summary>
    Throttled,

    /// <summary>CreateFleet does not take this launch, for example two subnets in one zone; RunInstances may.</summary>
    NoFleet,

    /// <summary>Wrong settings or a missing permission: no other step would succeed.</summary>
    Final,

    /// <summary>EC2 may have launched all the same: the answer was lost on its way, or EC2 failed by itself.</summary>
    Unanswered,
}

/// <summary>Sorts EC2's error codes, which RunInstances and CreateFleet share.</summary>
internal static class LaunchRefusals
{
    /// <summary>The kind of an error code; null stands for a call without an answer.</summary>
    public static LaunchRefusal Of(string? errorCode) => errorCode switch
    {
        "InsufficientInstanceCapacity" or "InsufficientCapacity" or "InsufficientHostCapacity"
            or "InsufficientReservedInstanceCapacity" or "InsufficientFreeAddressesInSubnet"
            or "InsufficientAddressCapacity" or "SpotMaxPriceTooLow" or "UnfulfillableCapacity" =>
            LaunchRefusal.NoCapacity,
        // This zone does not offer the type; another may.
        "Unsupported" => LaunchRefusal.NoCapacity,
        "InstanceLimitExceeded" or "VcpuLimitExceeded" or "MaxSpotInstanceCountExceeded" => LaunchRefusal.QuotaReached,
        "RequestLimitExceeded" or "Throttling" or "ThrottlingException" or "EC2ThrottledException"
            or "RequestThrottled" or "RequestThrottledException" or "TooManyRequestsException" =>
            LaunchRefusal.Throttled,
        "InvalidFleetConfig" or "InvalidFleetConfiguration" => LaunchRefusal.NoFleet,
        null or "InternalError" or "InternalFailure" or "Unavailable" or "ServiceUnavailable" =>
            LaunchRefusal.Unanswered,
        _ => LaunchRefusal.Final,
    };

    /// <summary>The kind of an answer with fewer instances than requested; null if the next step requests the
    /// rest.</summary>
    /// <param name="launched">The number of launched instances.</param>
    /// <param name="errorCodes">One code for each type and subnet that failed.</param>
    public static LaunchRefusal? Of(int launched, IReadOnlyCollection<string> errorCodes)
    {
        var refusals = errorCodes.Select(Of).ToHashSet();
        if (refusals.Contains(LaunchRefusal.Throttled)) return LaunchRefusal.Throttled;
        if (launched > 0) return null;
        if (refusals.SetEquals([LaunchRefusal.Final])) return LaunchRefusal.Final;
        return refusals.Contains(LaunchRefusal.QuotaReached) && !refusals.Contains(LaunchRefusal.NoCapacity)
            ? LaunchRefusal.QuotaReached
            : LaunchRefusal.NoCapacity;
    }
}
