// The monitoring of a deployment: logs, alarms, dashboard and budget, from metrics that AWS publishes by itself.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readTemplate } from "./cloudformation.js";
import { refusals } from "./rules.js";

const deploy = join(import.meta.dirname, "..", "..", "deploy");
const template = readTemplate(readFileSync(join(deploy, "cloudformation", "image-classifier.yaml"), "utf8"));
const { Resources: resources, Parameters: parameters } = template;
const of = (type) => Object.entries(resources).filter(([, resource]) => resource.Type === type);
const alarms = of("AWS::CloudWatch::Alarm").map(([name, { Properties }]) => ({ name, ...Properties }));
const alarm = (name) => alarms.find((one) => one.name === name);

// The metrics that AWS publishes by itself and free of charge, with the dimensions of each.
const queue = [["QueueName"]];
const balancer = [["LoadBalancer"]];
const targets = [["LoadBalancer", "TargetGroup"]];
const published = {
  "AWS/SQS": {
    ApproximateAgeOfOldestMessage: queue, ApproximateNumberOfMessagesNotVisible: queue,
    ApproximateNumberOfMessagesVisible: queue, NumberOfMessagesDeleted: queue, NumberOfMessagesReceived: queue,
    NumberOfMessagesSent: queue,
  },
  "AWS/ApplicationELB": {
    HTTPCode_ELB_4XX_Count: balancer, HTTPCode_ELB_5XX_Count: balancer,
    HTTPCode_Target_4XX_Count: [...balancer, ...targets], HTTPCode_Target_5XX_Count: [...balancer, ...targets],
    HealthyHostCount: targets, RequestCount: [...balancer, ...targets],
    TargetResponseTime: [...balancer, ...targets],
  },
  "AWS/AutoScaling": {
    GroupDesiredCapacity: [["AutoScalingGroupName"]], GroupInServiceInstances: [["AutoScalingGroupName"]],
  },
};

// The resource type that gives a dimension its value, and by which attribute (none: its Ref).
const sourceOf = {
  QueueName: ["AWS::SQS::Queue", "QueueName"],
  LoadBalancer: ["AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerFullName"],
  TargetGroup: ["AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupFullName"],
  AutoScalingGroupName: ["AWS::AutoScaling::AutoScalingGroup", undefined],
};

// A metric: { namespace, name, dimensions: { QueueName: "RequestQueue.QueueName" } }.
function assertPublished({ namespace, name, dimensions }, where) {
  const kinds = published[namespace]?.[name];
  assert.ok(kinds, `${where}: AWS does not publish ${namespace} ${name} by itself`);
  const keys = Object.keys(dimensions).toSorted();
  assert.ok(kinds.some((kind) => kind.join() === keys.join()), `${where}: ${name} is not published by ${keys.join()}`);
  for (const [key, value] of Object.entries(dimensions)) {
    const [resource, attribute] = value.split(".");
    assert.deepEqual([resources[resource]?.Type, attribute], sourceOf[key], `${where}: ${key} is ${value}`);
  }
}

const dimensionsOf = (list) => Object.fromEntries(list.map(({ Name, Value }) => [Name, Value["Fn::GetAtt"].join(".")]));
const metricsOf = ({ Namespace, MetricName, Dimensions, Metrics }) => (Metrics
  ? Metrics.flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : []))
  : [{ Namespace, MetricName, Dimensions }]
).map((metric) => ({ namespace: metric.Namespace, name: metric.MetricName,
  dimensions: dimensionsOf(metric.Dimensions) }));

describe("the log groups", () => {
  for (const [role, group, launch] of [["WebRole", "WebLogGroup", "WebLaunchTemplate"],
    ["NodeRole", "NodeLogGroup", "NodeLaunchTemplate"]]) {
    const userData = [resources[launch].Properties.LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"]].flat()[0];

    it(`${group} lets old lines go, and has the name that its role's policy expects`, () => {
      const tier = group.replace("LogGroup", "").toLowerCase();
      const { LogGroupName, RetentionInDays } = resources[group].Properties;
      assert.equal(LogGroupName["Fn::Sub"], `/image-classifier/\${AWS::StackName}/${tier}`);
      assert.deepEqual(RetentionInDays, { Ref: "LogRetentionDays" });
      const policy = JSON.parse(readFileSync(join(deploy, "iam", `${tier}.json`), "utf8"));
      const { Resource } = policy.Statement.find((statement) => statement.Sid === "SendLogs");
      const name = LogGroupName["Fn::Sub"].replace("${AWS::StackName}", "DEPLOYMENT");
      assert.equal(Resource, `arn:aws:logs:REGION:ACCOUNT:log-group:${name}:*`);
    });

    it(`${role} writes there and nowhere else, and makes no group`, () => {
      // An option's statements are within a condition.
      const statements = resources[role].Properties.Policies[0].PolicyDocument.Statement
        .flatMap((statement) => statement["Fn::If"]?.slice(1) ?? statement).filter(({ Action }) => Action);
      const logs = statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith("logs:")));
      assert.equal(logs.length, 1);
      assert.deepEqual(logs[0].Resource, { "Fn::GetAtt": [group, "Arn"] });
      assert.deepEqual(logs[0].Action, ["logs:CreateLogStream", "logs:PutLogEvents"]);
    });

    it(`${launch} writes the group's name before it starts the unit`, () => {
      const written = userData.indexOf(`echo '\${${group}}' > /etc/image-classifier/log-group\n`);
      const folder = userData.indexOf("install -d -m 0755 /etc/image-classifier");
      const started = userData.indexOf("systemctl enable --now");
      assert.ok(folder >= 0 && folder < written && written < started, userData);
    });
  }
});

describe("the alarms", () => {
  it("watch metrics that AWS publishes by itself, of resources that the template has", () => {
    for (const one of alarms) for (const metric of metricsOf(one)) assertPublished(metric, one.name);
  });

  it("watch both dead-letter queues, the oldest request, refused launches, the web tier and errors", () => {
    const watched = alarms.flatMap((one) => metricsOf(one).map(({ name, dimensions }) =>
      `${one.name} ${name} ${dimensions.QueueName?.split(".")[0] ?? ""}`.trim()));
    assert.deepEqual(watched.toSorted(), [
      "LoadBalancerErrors HTTPCode_ELB_5XX_Count",
      "NoHealthyTarget HealthyHostCount",
      "NoNodeTakesRequests ApproximateNumberOfMessagesNotVisible RequestQueue",
      "NoNodeTakesRequests ApproximateNumberOfMessagesVisible RequestQueue",
      "NoNodeTakesRequests NumberOfMessagesReceived RequestQueue",
      "OldestRequestTooOld ApproximateAgeOfOldestMessage RequestQueue",
      "RequestDeadLettersPresent ApproximateNumberOfMessagesVisible RequestDeadLetters",
      "ResponseDeadLettersPresent ApproximateNumberOfMessagesVisible ResponseDeadLetters",
      "ServiceErrors HTTPCode_Target_5XX_Count",
      "ServiceErrors RequestCount",
      "WebNodesMissing HealthyHostCount",
    ]);
  });

  it("define what missing data means", () => {
    const meanings = Object.fromEntries(alarms.map((one) => [one.name, one.TreatMissingData]));
    assert.deepEqual(meanings, {
      RequestDeadLettersPresent: "ignore", ResponseDeadLettersPresent: "ignore", OldestRequestTooOld: "notBreaching",
      NoNodeTakesRequests: "notBreaching", NoHealthyTarget: "breaching", LoadBalancerErrors: "notBreaching",
      ServiceErrors: "notBreaching", WebNodesMissing: "breaching",
    });
  });

  // CloudWatch's metric math, as far as the two expressions need it, on single values; undefined means a missing value.
  const evaluate = (one, values) => {
    const { Expression } = one.Metrics.find((metric) => metric.Expression);
    const fill = (value, other) => value ?? other;
    const choose = (condition, yes, no) => (condition ? yes : no);
    const text = Expression.replaceAll("AND", "&&").replaceAll("==", "===");
    const names = one.Metrics.filter((metric) => metric.MetricStat).map((metric) => metric.Id);
    return new Function("FILL", "IF", ...names, `return ${text}`)(fill, choose, ...names.map((name) => values[name]));
  };

  it("detect refused launches by pictures that wait while nobody receives one", () => {
    const stuck = (values) => evaluate(alarm("NoNodeTakesRequests"), values);
    assert.equal(stuck({ waiting: 7 }), 1, "what is zero may be missing");
    assert.equal(stuck({ waiting: 7, received: 0, inflight: 0 }), 1);
    assert.equal(stuck({ waiting: 7, received: 10, inflight: 0 }), 0);
    assert.equal(stuck({ waiting: 7, received: 0, inflight: 1 }), 0, "a node works on one slow picture");
    assert.equal(stuck({ waiting: 0, received: 0, inflight: 0 }), 0);
    assert.equal(stuck({}), 0);
  });

  it("leave room for the answers 503 and 504 that the service gives on purpose", () => {
    const share = (errors, requests) => evaluate(alarm("ServiceErrors"), { errors, requests });
    assert.equal(share(9, 9), 0, "the first few pictures after an idle time");
    assert.equal(share(50, 100), 50);
    assert.ok(share(10, 200) < alarm("ServiceErrors").Threshold);
    assert.equal(share(undefined, 100), 0);
  });

  it("return one series each, and watch no more metrics than are free, but for a cluster's one", () => {
    for (const { name, Metrics } of alarms) {
      if (Metrics) assert.equal(Metrics.filter((metric) => metric.ReturnData !== false).length, 1, name);
    }
    const always = alarms.filter(({ name }) => !resources[name].Condition);
    assert.ok(always.flatMap(metricsOf).length <= 10, "CloudWatch's free tier has ten metrics of alarms");
    const cost = readFileSync(join(deploy, "runbooks", "cost.md"), "utf8");
    assert.match(cost, new RegExp(`ours watch ${alarms.flatMap(metricsOf).length}, or ${
      always.flatMap(metricsOf).length} with \`WebNodes=1\``));
  });

  it("wait for a boot, and for the first web instance", () => {
    const { EvaluationPeriods, Metrics } = alarm("NoNodeTakesRequests");
    assert.ok(EvaluationPeriods * Metrics.find((metric) => metric.MetricStat).MetricStat.Period >= 600);
    for (const name of ["NoHealthyTarget", "WebNodesMissing"]) assert.equal(resources[name].DependsOn, "WebGroup");
    assert.ok(parameters.RequestAgeAlarmSeconds.Default >= 600);
  });

  it("report a web node that its group does not replace, if there are several", () => {
    const { EvaluationPeriods, Period, Threshold } = alarm("WebNodesMissing");
    assert.equal(resources.WebNodesMissing.Condition, "IsCluster");
    assert.deepEqual(Threshold, { Ref: "WebNodes" });
    const [, timeout] = /^PT(\d+)M$/.exec(resources.WebGroup.CreationPolicy.ResourceSignal.Timeout);
    assert.ok(EvaluationPeriods * Period > timeout * 60, "a new node has that long to come up");
  });

  it("notify the e-mail address, if there is one", () => {
    const tell = { "Fn::If": ["HasAlarmEmail", [{ Ref: "AlarmTopic" }], { Ref: "AWS::NoValue" }] };
    for (const { name, AlarmActions, OKActions } of alarms) {
      assert.deepEqual([AlarmActions, OKActions], [tell, tell], name);
    }
    assert.equal(parameters.AlarmEmail.Default, "");
    for (const name of ["AlarmTopic", "AlarmSubscription"]) assert.equal(resources[name].Condition, "HasAlarmEmail");
    assert.deepEqual(resources.AlarmSubscription.Properties.Endpoint, { Ref: "AlarmEmail" });
  });
});

describe("the dashboard", () => {
  const text = resources.Dashboard.Properties.DashboardBody["Fn::Sub"];
  // Each ${Name.Attribute} becomes its own text, so that the metrics can be traced to resources.
  const filledIn = text.replaceAll(/\$\{([^}]+)\}/g, (_, name) => (name === "AWS::Region" ? "eu-1" : name));
  const { widgets } = JSON.parse(filledIn);
  const metrics = widgets.flatMap(({ properties }) => properties.metrics.map((metric) => {
    const [namespace, name, ...pairs] = metric.slice(0, -1);
    const dimensions = Object.fromEntries(pairs.flatMap((key, i) => (i % 2 === 0 ? [[key, pairs[i + 1]]] : [])));
    return { title: properties.title, namespace, name, dimensions, ...metric.at(-1) };
  }));

  it("shows metrics that AWS publishes by itself, of resources that the template has", () => {
    assert.ok(metrics.length > 0 && metrics.length <= 50, "a dashboard is free up to 50 metrics");
    for (const metric of metrics) assertPublished(metric, metric.title);
  });

  it("shows backlog, age, throughput, dead letters, healthy hosts, requests, latency, errors and group size", () => {
    const shown = new Set(metrics.map(({ namespace, name, stat }) => `${namespace} ${name} ${stat}`));
    for (const needed of [
      "AWS/SQS ApproximateNumberOfMessagesVisible Maximum", "AWS/SQS ApproximateNumberOfMessagesNotVisible Maximum",
      "AWS/SQS ApproximateAgeOfOldestMessage Maximum", "AWS/SQS NumberOfMessagesReceived Sum",
      "AWS/SQS NumberOfMessagesDeleted Sum", "AWS/ApplicationELB HealthyHostCount Minimum",
      "AWS/ApplicationELB RequestCount Sum", "AWS/ApplicationELB TargetResponseTime p50",
      "AWS/ApplicationELB TargetResponseTime p99", "AWS/ApplicationELB HTTPCode_Target_4XX_Count Sum",
      "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum", "AWS/ApplicationELB HTTPCode_ELB_5XX_Count Sum",
      "AWS/AutoScaling GroupInServiceInstances Maximum",
    ]) assert.ok(shown.has(needed), needed);
    const deadLetters = metrics.filter(({ title }) => title === "Dead letters");
    assert.deepEqual(deadLetters.map(({ dimensions }) => dimensions.QueueName),
      ["RequestDeadLetters.QueueName", "ResponseDeadLetters.QueueName"]);
  });

  it("has its widgets side by side, in this region", () => {
    const places = new Set();
    for (const { type, x, y, width, height, properties } of widgets) {
      assert.equal(type, "metric");
      assert.equal(properties.region, "eu-1");
      assert.ok(x + width <= 24, properties.title);
      for (let column = x; column < x + width; column++) {
        for (let row = y; row < y + height; row++) {
          assert.ok(!places.has(`${column},${row}`), `${properties.title} overlaps`);
          places.add(`${column},${row}`);
        }
      }
    }
  });

  it("shows the group's metrics, which the group is configured to publish", () => {
    const [{ Granularity, Metrics }] = resources.WebGroup.Properties.MetricsCollection;
    assert.equal(Granularity, "1Minute");
    const shown = metrics.filter(({ namespace }) => namespace === "AWS/AutoScaling").map(({ name }) => name);
    assert.deepEqual(shown.toSorted(), Metrics.toSorted());
  });
});

describe("the cost", () => {
  it("is watched by a budget of the deployment's tag, if one is given", () => {
    const { Condition, Properties } = resources.Budget;
    assert.equal(Condition, "HasBudget");
    assert.equal(parameters.MonthlyBudget.Default, 0);
    const [filter] = Properties.Budget.CostFilters.TagKeyValue;
    assert.deepEqual(filter, { "Fn::Join": ["$", ["user:image-classifier:deployment", { Ref: "AWS::StackName" }]] });
    const notifications = Properties.NotificationsWithSubscribers.map(({ Notification, Subscribers }) =>
      [Notification.NotificationType, Subscribers[0].Address.Ref]);
    assert.deepEqual(notifications, [["ACTUAL", "AlarmEmail"], ["FORECASTED", "AlarmEmail"]]);
  });

  it("is not watched without a reader", () => {
    const network = { NetworkTemplateUrl: "https://bucket.s3.amazonaws.com/network.yaml" };
    assert.deepEqual(refusals(template, { ...network, MonthlyBudget: 50 }),
      ["The budget has nobody to tell. Give AlarmEmail with MonthlyBudget."]);
    assert.deepEqual(refusals(template, { ...network, MonthlyBudget: 50, AlarmEmail: "operators@example.com" }), []);
  });

  it("is tagged with the deployment on its monitoring and on its own network", () => {
    const tag = [{ Key: "image-classifier:deployment", Value: { Ref: "AWS::StackName" } }];
    const tagged = ["AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::CloudWatch::Alarm", "AWS::CloudFormation::Stack"];
    for (const [name, { Properties }] of tagged.flatMap(of)) assert.deepEqual(Properties.Tags, tag, name);
    assert.deepEqual(resources.Budget.Properties.ResourceTags, tag);
  });
});

describe("the deployer's further policies", () => {
  for (const file of ["deployer-watch.json", "deployer-network.json"]) {
    const policy = JSON.parse(readFileSync(join(deploy, "iam", file), "utf8"));

    it(`${file} fits into a managed policy, and allows no service as a whole`, () => {
      assert.ok(JSON.stringify(policy).length <= 6144, "IAM's limit, white space not counted");
      for (const { Sid, Action, Resource, Condition } of policy.Statement) {
        for (const action of Action) assert.doesNotMatch(action, /\*/, Sid);
        const readsOnly = Action.every((action) => /:(Describe|Get|List|View)/.test(action));
        assert.ok(Resource !== "*" || Condition || readsOnly, Sid);
      }
    });
  }
});
