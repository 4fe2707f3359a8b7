namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The kinds of EC2's refusals to launch. Each has its own consequence for the launch.</summary>
internal enum LaunchRefusal
{
    /// <summary>There is no capacity for this type in this place. Another subnet, type or market may have
    /// some.</summary>
    NoCapacity,

    /// <summary>A quota of the account is used up in every subnet. A smaller launch, another type family or another
    /// market may still fit.</summary>
    QuotaReached,

    /// <summary>EC2 throttles, even after the SDK's retries. More calls would make it worse, so the scaler tries again
    /// after a pause.</summary>
    Throttled,

    /// <summary>CreateFleet does not accept this launch, for example because of two subnets in one zone. RunInstances
    /// may.</summary>
    NoFleet,

    /// <summary>A setting is wrong or a permission is missing. No other step would succeed.</summary>
    Final,

    /// <summary>EC2 may have launched anyway: the answer was lost, or EC2 itself failed.</summary>
    Unanswered,
}

/// <summary>Sorts EC2's error codes, which RunInstances and CreateFleet share.</summary>
internal static class LaunchRefusals
{
    /// <summary>The kind of an error code. Null stands for a call without an answer.</summary>
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
