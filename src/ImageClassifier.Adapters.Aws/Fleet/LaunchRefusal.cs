namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>What follows from a refused call of RunInstances.</summary>
internal enum LaunchRefusal
{
    /// <summary>There is no room for this type in this place: another subnet or type may have some.</summary>
    NoCapacity,

    /// <summary>The account's quota for this family of types is used up, in every subnet: fewer instances, or another
    /// type, may still fit.</summary>
    QuotaReached,

    /// <summary>No other candidate would fare better: wrong settings, no permission, or throttling after the SDK's own
    /// retries.</summary>
    Final,

    /// <summary>EC2 may have launched all the same: the answer was lost on its way, or EC2 failed by itself.</summary>
    Unanswered,
}

/// <summary>Sorts EC2's error codes.</summary>
internal static class LaunchRefusals
{
    /// <summary>What follows from an error code of RunInstances; null where there was no answer.</summary>
    public static LaunchRefusal Of(string? errorCode) => errorCode switch
    {
        "InsufficientInstanceCapacity" or "InsufficientCapacity" or "InsufficientHostCapacity"
            or "InsufficientReservedInstanceCapacity" or "InsufficientFreeAddressesInSubnet"
            or "InsufficientAddressCapacity" or "SpotMaxPriceTooLow" => LaunchRefusal.NoCapacity,
        // The zone does not have the type; another may.
        "Unsupported" => LaunchRefusal.NoCapacity,
        "InstanceLimitExceeded" or "VcpuLimitExceeded" or "MaxSpotInstanceCountExceeded" => LaunchRefusal.QuotaReached,
        null or "InternalError" or "InternalFailure" or "Unavailable" or "ServiceUnavailable" =>
            LaunchRefusal.Unanswered,
        _ => LaunchRefusal.Final,
    };
}
