using System.Globalization;
using System.Net;
using Amazon.EC2;
using Amazon.Runtime;
using ImageClassifier.Adapters.Aws.Configuration;
using Microsoft.AspNetCore.WebUtilities;
using WireMock;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;
using WireMock.Types;
using WireMock.Util;

namespace ImageClassifier.Tests.Aws.Fleet;

/// <summary>EC2's query protocol on loopback, with the state that a fleet uses. It has instances with tags, client
/// tokens with the parameters of their first call, pages, and errors that a test queues. Time is the
/// machine's.</summary>
internal sealed class FakeEc2 : IDisposable
{
    private readonly WireMockServer _server = WireMockServer.Start();
    private readonly Lock _gate = new();
    private readonly List<Ec2Machine> _machines = [];
    private readonly List<Ec2Call> _calls = [];
    private readonly Dictionary<string, (string Parameters, List<Ec2Machine> Machines)> _launches = [];
    private readonly Dictionary<string, (string Parameters, string Answer)> _fleets = [];
    private readonly Dictionary<string, Queue<(string Code, string Message)>> _refusals = [];
    private readonly Dictionary<string, int> _capacity = [];
    private readonly HashSet<string> _lostAnswers = [];
    private readonly Queue<(int Launched, IReadOnlyList<string> Errors)> _fleetAnswers = [];
    private int _lastId;

    public FakeEc2() => _server
        .Given(Request.Create().UsingPost())
        .RespondWith(Response.Create().WithCallback(Answer));

    /// <summary>The number of instances on a page of a description.</summary>
    public int PageSize { get; set; } = 1000;

    /// <summary>True if descriptions show launched instances. EC2's descriptions lag behind.</summary>
    public bool ShowsLaunches { get; set; } = true;

    /// <summary>The launch template; its name does not matter.</summary>
    public Ec2Template Template { get; set; } = new();

    public Uri Endpoint => new(_server.Url!);

    public IReadOnlyList<Ec2Machine> Machines
    {
        get { lock (_gate) return [.. _machines]; }
    }

    /// <summary>The calls of one operation, including refused ones, in order.</summary>
    public IReadOnlyList<Ec2Call> Calls(string operation)
    {
        lock (_gate) return [.. _calls.Where(call => call.Operation == operation)];
    }

    public AmazonEC2Client Client() => new Ec2Client(
        new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI"),
        new AmazonEC2Config
        {
            ServiceURL = _server.Url,
            AuthenticationRegion = "eu-central-1",
            Timeout = TimeSpan.FromSeconds(20),
        });

    /// <summary>Refuses the next calls of an operation, one with each code.</summary>
    public void Refuse(string operation, params string[] codes)
    {
        foreach (var code in codes) RefuseWithMessage(operation, code, $"EC2's sentence about {code}.");
    }

    public void RefuseWithMessage(string operation, string code, string message)
    {
        lock (_gate)
        {
            if (!_refusals.TryGetValue(operation, out var queue)) _refusals[operation] = queue = new();
            queue.Enqueue((code, message));
        }
    }

    /// <summary>Carries out the next call of an operation, and answers as if it had failed.</summary>
    public void LoseAnswer(string operation)
    {
        lock (_gate) _lostAnswers.Add(operation);
    }

    /// <summary>The number of further instances of a type. 0 means lack of capacity.</summary>
    public void LimitCapacity(string type, int count)
    {
        lock (_gate) _capacity[type] = count;
    }

    /// <summary>The next CreateFleet launches at most this many instances, and gives these errors.</summary>
    public void AnswerFleet(int launched, params string[] errorCodes)
    {
        lock (_gate) _fleetAnswers.Enqueue((launched, errorCodes));
    }

    public void Add(Ec2Machine machine)
    {
        lock (_gate) _machines.Add(machine);
    }

    public void Dispose() => _server.Dispose();

    private IResponseMessage Answer(IRequestMessage request)
    {
        var form = QueryHelpers.ParseQuery(request.Body ?? "").ToDictionary(
            pair => pair.Key, pair => pair.Value.ToString(), StringComparer.Ordinal);
        var call = new Ec2Call(form["Action"], form);
        lock (_gate)
        {
            _calls.Add(call);
            if (_refusals.TryGetValue(call.Operation, out var queue) && queue.TryDequeue(out var refusal))
                return Refusal(refusal.Code, refusal.Message);
            var answer = call.Operation switch
            {
                "RunInstances" => RunInstances(call),
                "CreateFleet" => CreateFleet(call),
                "DescribeLaunchTemplateVersions" =>
                    Xml(HttpStatusCode.OK, Ec2Answers.DescribeLaunchTemplateVersions(Template)),
                "DescribeInstances" => DescribeInstances(call),
                "TerminateInstances" => TerminateInstances(call),
                _ => Refusal("InvalidAction", $"The action {call.Operation} is not valid for this web service."),
            };
            return _lostAnswers.Remove(call.Operation) ? Refusal("Unavailable", "The server is overloaded.") : answer;
        }
    }

    private ResponseMessage RunInstances(Ec2Call call)
    {
        var token = call["ClientToken"]!;
        var parameters = ParametersOf(call);
        if (_launches.TryGetValue(token, out var earlier))
        {
            return earlier.Parameters == parameters
                ? Xml(HttpStatusCode.OK, Ec2Answers.RunInstances(earlier.Machines))
                : Mismatch();
        }

        var type = call["InstanceType"] ?? "t3.small";
        var room = _capacity.GetValueOrDefault(type, int.MaxValue);
        var count = Math.Min(room, int.Parse(call["MaxCount"]!, CultureInfo.InvariantCulture));
        if (count < int.Parse(call["MinCount"]!, CultureInfo.InvariantCulture))
        {
            return Refusal("InsufficientInstanceCapacity", $"We currently do not have sufficient {type} capacity in "
                + "the Availability Zone you requested (eu-central-1a).");
        }

        var machines = Enumerable.Range(0, count).Select(_ => Machine(call, token, type)).ToList();
        _capacity[type] = room - count;
        _launches[token] = (parameters, machines);
        _machines.AddRange(machines);
        return Xml(HttpStatusCode.OK, Ec2Answers.RunInstances(machines));
    }

    private ResponseMessage CreateFleet(Ec2Call call)
    {
        var token = call["ClientToken"]!;
        var parameters = ParametersOf(call);
        if (_fleets.TryGetValue(token, out var earlier))
            return earlier.Parameters == parameters ? Xml(HttpStatusCode.OK, earlier.Answer) : Mismatch();

        var missing = int.Parse(
            call["TargetCapacitySpecification.TotalTargetCapacity"]!, CultureInfo.InvariantCulture);
        var errors = new List<string>();
        if (_fleetAnswers.TryDequeue(out var limited))
        {
            missing = Math.Min(missing, limited.Launched);
            errors.AddRange(limited.Errors);
        }

        var machines = new List<Ec2Machine>();
        foreach (var type in call.FleetTypes())
        {
            var room = _capacity.GetValueOrDefault(type, int.MaxValue);
            var count = Math.Min(room, missing);
            _capacity[type] = room - count;
            missing -= count;
            machines.AddRange(Enumerable.Range(0, count).Select(_ => Machine(call, $"fleet-{token}", type)));
            if (room == 0) errors.Add("InsufficientInstanceCapacity");
        }

        _machines.AddRange(machines);
        var answer = Ec2Answers.CreateFleet(machines, errors);
        _fleets[token] = (parameters, answer);
        return Xml(HttpStatusCode.OK, answer);
    }

    private ResponseMessage DescribeInstances(Ec2Call call)
    {
        var shown = ShowsLaunches
            ? _machines.Where(machine => call.Filters().All(
                filter => machine.Tags.GetValueOrDefault(filter.Key["tag:".Length..]) == filter.Value))
            : [];
        var from = int.Parse(call["NextToken"] ?? "0", CultureInfo.InvariantCulture);
        var page = shown.Skip(from).Take(PageSize).ToArray();
        var isLast = from + page.Length >= shown.Count();
        return Xml(HttpStatusCode.OK, Ec2Answers.DescribeInstances(page, isLast ? null : $"{from + page.Length}"));
    }

    private ResponseMessage TerminateInstances(Ec2Call call)
    {
        var ids = call.List("InstanceId");
        var unknown = ids.Where(id => _machines.TrueForAll(machine => machine.Id != id)).ToArray();
        if (unknown is [var one])
            return Refusal("InvalidInstanceID.NotFound", $"The instance ID '{one}' does not exist");
        if (unknown.Length > 1)
        {
            return Refusal(
                "InvalidInstanceID.NotFound", $"The instance IDs '{string.Join(", ", unknown)}' do not exist");
        }

        var ended = _machines.Where(machine => ids.Contains(machine.Id)).ToArray();
        foreach (var machine in ended) machine.Terminate(TimeProvider.System.GetUtcNow());
        return Xml(HttpStatusCode.OK, Ec2Answers.TerminateInstances(ended));
    }

    private static string ParametersOf(Ec2Call call) =>
        string.Join('&', call.Parameters.OrderBy(pair => pair.Key, StringComparer.Ordinal));

    private static ResponseMessage Mismatch() => Refusal(
        "IdempotentParameterMismatch",
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).");

    private Ec2Machine Machine(Ec2Call call, string token, string type) => new(
        $"i-{++_lastId:x17}", token, type, call.Tags("instance"), TimeProvider.System.GetUtcNow());

    private static ResponseMessage Refusal(string code, string message) =>
        Xml(
            code switch
            {
                "RequestLimitExceeded" => HttpStatusCode.ServiceUnavailable,
                "InsufficientInstanceCapacity" => HttpStatusCode.InternalServerError,
                _ => HttpStatusCode.BadRequest,
            },
            Ec2Answers.Error(code, message));

    private static ResponseMessage Xml(HttpStatusCode status, string body) => new()
    {
        StatusCode = status,
        Headers = new Dictionary<string, WireMockList<string>> { ["Content-Type"] = new("text/xml;charset=UTF-8") },
        BodyData = new BodyData { DetectedBodyType = BodyType.String, BodyAsString = body },
    };
}

/// <summary>A call that EC2 received.</summary>
internal sealed record Ec2Call(string Operation, IReadOnlyDictionary<string, string> Parameters)
{
    public string? this[string parameter] => Parameters.GetValueOrDefault(parameter);

    /// <summary>The values of <c>name.1</c>, <c>name.2</c> and so on.</summary>
    public IReadOnlyList<string> List(string name) =>
        [.. Enumerable.Range(1, Parameters.Count).Select(i => this[$"{name}.{i}"]).TakeWhile(v => v is not null)!];

    /// <summary>The requested tags of one kind of resource.</summary>
    public IReadOnlyDictionary<string, string> Tags(string resource)
    {
        var specification = Enumerable.Range(1, 9).Select(i => $"TagSpecification.{i}")
            .Single(prefix => this[$"{prefix}.ResourceType"] == resource);
        return Enumerable.Range(1, 9).TakeWhile(i => this[$"{specification}.Tag.{i}.Key"] is not null).ToDictionary(
            i => this[$"{specification}.Tag.{i}.Key"]!, i => this[$"{specification}.Tag.{i}.Value"]!);
    }

    /// <summary>The types of a fleet, one for each override; the template's if there is none.</summary>
    public IReadOnlyList<string> FleetTypes() =>
        Overrides("InstanceType") is { Count: > 0 } types ? types : ["t3.small"];

    /// <summary>One parameter of a fleet's overrides, in order.</summary>
    public IReadOnlyList<string> Overrides(string parameter) =>
    [
        .. Enumerable.Range(1, 99).Select(i => this[$"LaunchTemplateConfigs.1.Overrides.{i}.{parameter}"])
            .TakeWhile(value => value is not null)!,
    ];

    public IReadOnlyDictionary<string, string> Filters() =>
        Enumerable.Range(1, 9).TakeWhile(i => this[$"Filter.{i}.Name"] is not null).ToDictionary(
            i => this[$"Filter.{i}.Name"]!, i => this[$"Filter.{i}.Value.1"]!);
}
