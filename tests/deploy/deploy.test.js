// The files under deploy/ are well-formed and keep what their comments promise.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { parse } from "yaml";
import { mistakesIn, readTemplate } from "./cloudformation.js";
import { valueWith } from "./values.js";

const deploy = join(import.meta.dirname, "..", "..", "deploy");
const read = (...path) => readFileSync(join(deploy, ...path), "utf8");
const template = () => readTemplate(read("cloudformation", "image-classifier.yaml"));
const properties = (name) => template().Resources[name].Properties;
const of = (type) => Object.values(template().Resources).filter((resource) => resource.Type === type);

describe("the CloudFormation template", () => {
  it("has only what CloudFormation knows", () => assert.deepEqual(mistakesIn(template()), []));

  // Tests the check itself: it must find each of these mistakes.
  const broken = {
    "unknown resource type": (t) => { t.Resources.Bucket.Type = "AWS::S3::Pail"; },
    "unknown property": (t) => { t.Resources.RequestQueue.Properties.Fifo = true; },
    "Rules.0.Days: unknown property": (t) => {
      t.Resources.Bucket.Properties.LifecycleConfiguration.Rules[0].Days = 1;
    },
    "MetadataOptions.HttpToken: unknown property": (t) => {
      t.Resources.NodeLaunchTemplate.Properties.LaunchTemplateData.MetadataOptions.HttpToken = "required";
    },
    "required, and missing": (t) => { delete t.Resources.WebGroup.Properties.MaxSize; },
    "wrong kind": (t) => { t.Resources.RequestQueue.Properties.VisibilityTimeout = "long"; },
    "has no attribute Arm": (t) => { t.Outputs.BucketName.Value = { "Fn::GetAtt": ["Bucket", "Arm"] }; },
    "unknown name Buckett": (t) => { t.Outputs.BucketName.Value = { "Fn::Sub": "${Buckett}/*" }; },
    "unknown condition": (t) => { t.Resources.HttpListener.Condition = "HasNoCert"; },
    "no attribute of a resource": (t) => { t.Resources.Bucket.DeletePolicy = "Retain"; },
    "depends on itself": (t) => { t.Resources.NodeRole.DependsOn = "WebRole"; },
  };
  for (const [mistake, breakIt] of Object.entries(broken)) {
    it(`is checked for: ${mistake}`, () => {
      const wrong = template();
      breakIt(wrong);
      const found = mistakesIn(wrong);
      assert.ok(found.some((line) => line.includes(mistake)), `found only: ${found.join("; ") || "nothing"}`);
    });
  }

  it("is deployed through a bucket, because CloudFormation accepts at most 51,200 bytes without one", () => {
    for (const file of readdirSync(join(deploy, "runbooks"))) {
      const text = read("runbooks", file).replaceAll(/\\\n\s*/g, " ");
      for (const [command] of text.matchAll(/aws cloudformation deploy .*--template-file.*/g)) {
        assert.match(command, /--s3-bucket MY_BUCKET --s3-prefix image-classifier-packages /, file);
      }
    }
  });

  it("asks who may reach the service", () => assert.ok(!("Default" in template().Parameters.AllowedCidr)));

  it("lets only the load balancer reach the web tier, and nothing from outside reach app nodes", () => {
    assert.ok(!("SecurityGroupIngress" in properties("NodeSecurityGroup")));
    assert.ok(!("SecurityGroupIngress" in properties("WebSecurityGroup")));
    const ingress = of("AWS::EC2::SecurityGroupIngress");
    assert.ok(ingress.every((rule) => rule.Properties.GroupId["Fn::GetAtt"][0] === "WebSecurityGroup"));
    const sources = (isCluster) => ingress.filter((rule) => (rule.Condition === "IsCluster") === isCluster)
      .map(({ Properties: rule }) => [rule.SourceSecurityGroupId["Fn::GetAtt"][0], rule.FromPort, rule.ToPort]);
    assert.deepEqual(sources(false), [["LoadBalancerSecurityGroup", 5000, 5000]]);
    assert.deepEqual(sources(true), [["WebSecurityGroup", 2551, 2551]]);
    // A port that a web node may receive on, another may send to.
    const egress = of("AWS::EC2::SecurityGroupEgress").map(({ Condition, Properties }) =>
      [Condition, Properties.GroupId["Fn::GetAtt"][0], Properties.DestinationSecurityGroupId["Fn::GetAtt"][0],
        Properties.FromPort, Properties.ToPort]);
    assert.deepEqual(egress,
      [2551].map((port) => ["IsCluster", "WebSecurityGroup", "WebSecurityGroup", port, port]));
    // Only web nodes have the group.
    const carriers = Object.entries(template().Resources).filter(([, { Type, Properties }]) =>
      Type === "AWS::EC2::LaunchTemplate" && JSON.stringify(Properties.LaunchTemplateData.SecurityGroupIds)
        .includes("WebSecurityGroup"));
    assert.deepEqual(carriers.map(([name]) => name), ["WebLaunchTemplate"]);
  });

  const webGroup = (WebNodes) => valueWith(template(), { WebNodes }, template().Resources.WebGroup);

  it("never has two web nodes without a cluster", () => {
    const { Properties, UpdatePolicy } = webGroup("1");
    assert.deepEqual([Properties.MinSize, Properties.MaxSize, Properties.DesiredCapacity], ["1", 1, "1"]);
    assert.equal(Properties.InstanceMaintenancePolicy.MaxHealthyPercentage, 100);
    assert.equal(UpdatePolicy.AutoScalingRollingUpdate.MinInstancesInService, 0);
    assert.equal(Properties.VPCZoneIdentifier.length, 1, "balancing zones would start a second");
  });

  it("has two web nodes by default", () => assert.equal(template().Parameters.WebNodes.Default, "2"));

  for (const nodes of template().Parameters.WebNodes.AllowedValues.slice(1)) {
    it(`replaces ${nodes} web nodes one by one, each new one before an old one ends`, () => {
      const { Properties, CreationPolicy, UpdatePolicy } = webGroup(nodes);
      const update = UpdatePolicy.AutoScalingRollingUpdate;
      assert.deepEqual([Properties.MinSize, Properties.DesiredCapacity], [nodes, nodes]);
      assert.equal(update.MinInstancesInService, nodes);
      assert.equal(update.MaxBatchSize, 1);
      assert.equal(Properties.MaxSize, Number(nodes) + 1);
      assert.equal(CreationPolicy.ResourceSignal.Count, nodes);
      // The same if the group replaces a node by itself.
      assert.equal(Properties.InstanceMaintenancePolicy.MinHealthyPercentage, 100);
      assert.ok(Properties.InstanceMaintenancePolicy.MaxHealthyPercentage / 100 * Number(nodes) >= Number(nodes) + 1);
    });
  }

  it("lets every waiting request end before a node of several ends", () => {
    const reference = readFileSync(join(deploy, "..", "hocon", "reference.conf"), "utf8");
    const waitLimit = Number(/^ +wait-limit = (\d+)s$/m.exec(reference)[1]);
    const delayWith = (WebNodes) => Number(valueWith(template(), { WebNodes }, properties("WebTargets"))
      .TargetGroupAttributes.find(({ Key }) => Key === "deregistration_delay.timeout_seconds").Value);
    assert.ok(delayWith("2") > waitLimit);
    assert.equal(delayWith("1"), 30);
  });

  it("tags web nodes so that they find each other, and never as app nodes", () => {
    const tags = Object.fromEntries(properties("WebGroup").Tags.map((tag) => [tag.Key, tag]));
    assert.deepEqual(tags["image-classifier:web"].Value, { Ref: "AWS::StackName" });
    assert.equal(tags["image-classifier:role"].Value, "web");
    assert.ok(Object.values(tags).every((tag) => tag.PropagateAtLaunch === true));
    assert.doesNotMatch(JSON.stringify(properties("NodeLaunchTemplate")), /image-classifier:web/);
  });

  it("sends requests to nodes that have joined, and does not replace them while queues or bucket are away", () => {
    const targets = properties("WebTargets");
    assert.equal(targets.HealthCheckPath, "/health/serving");
    const endpoints = readFileSync(join(deploy, "..", "src", "ImageClassifier.Web", "Http", "ApiCalls.cs"), "utf8");
    assert.ok(endpoints.includes(`"${targets.HealthCheckPath}"`));
    const unit = read("image", "systemd", "image-classifier-web.service");
    const restart = Number(/^RestartSec=(\d+)$/m.exec(unit)[1]) + Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)[1]);
    assert.ok(targets.HealthCheckIntervalSeconds * targets.UnhealthyThresholdCount > restart);
  });

  it("fails a deploy if the web tier does not become ready", () => {
    const { CreationPolicy, UpdatePolicy } = template().Resources.WebGroup;
    const update = UpdatePolicy.AutoScalingRollingUpdate;
    assert.deepEqual(CreationPolicy.ResourceSignal.Count, { Ref: "WebNodes" });
    assert.equal(update.WaitOnResourceSignals, true);
    assert.equal(update.PauseTime, CreationPolicy.ResourceSignal.Timeout);
    // If the group replaced a machine before its signal, another machine's signal would decide.
    for (const process of ["HealthCheck", "ReplaceUnhealthy"]) assert.ok(update.SuspendProcesses.includes(process));
    // A creation suspends nothing. There the grace period covers a boot and the time that user data waits.
    const userData = JSON.stringify(properties("WebLaunchTemplate").LaunchTemplateData.UserData);
    const wait = Number(/SECONDS > (\d+)/.exec(userData)[1]);
    assert.ok(properties("WebGroup").HealthCheckGracePeriod >= wait + 120);
  });

  it("allows only leases that the program accepts", () => {
    const source = join(deploy, "..", "src", "ImageClassifier.Streams", "Settings", "QueueSettings.cs");
    const [, hours] = /LongestLease = TimeSpan\.FromHours\((\d+)\)/.exec(readFileSync(source, "utf8"));
    assert.ok(template().Parameters.RequestLeaseSeconds.MaxValue <= hours * 3600);
  });

  it("tags everything that can carry a tag with the deployment", () => {
    const database = loadAwsServiceSpecSync();
    const untagged = Object.entries(template().Resources).filter(([, { Type, Properties }]) => {
      // cfn-lint does not know the tags of these yet. A listener itself costs nothing, a dashboard little.
      if (["AWS::ElasticLoadBalancingV2::Listener", "AWS::CloudWatch::Dashboard"].includes(Type)) return false;
      const { tagInformation } = database.lookup("resource", "cloudFormationType", "equals", Type).only();
      if (!tagInformation) return false;
      const found = Properties[tagInformation.tagPropertyName] ?? [];
      const tags = Array.isArray(found) ? found.flatMap((tag) => tag.Tags ?? tag) : Object.entries(found).map(
        ([Key, Value]) => ({ Key, Value }));
      return !tags.some(({ Key, Value }) => Key === "image-classifier:deployment" && Value.Ref === "AWS::StackName");
    });
    assert.deepEqual(untagged.map(([name]) => name), []);
  });

  it("encrypts queues, bucket and volumes with the given key", () => {
    const yours = { "Fn::If": ["HasKmsKey", { Ref: "KmsKeyArn" }, { Ref: "AWS::NoValue" }] };
    for (const queue of of("AWS::SQS::Queue")) {
      assert.deepEqual(queue.Properties.KmsMasterKeyId, yours);
      assert.deepEqual(queue.Properties.SqsManagedSseEnabled, { "Fn::If": ["HasKmsKey", false, true] });
    }
    const [rule] = properties("Bucket").BucketEncryption.ServerSideEncryptionConfiguration;
    assert.deepEqual(rule.ServerSideEncryptionByDefault.KMSMasterKeyID, yours);
    for (const launch of of("AWS::EC2::LaunchTemplate")) {
      for (const { Ebs } of launch.Properties.LaunchTemplateData.BlockDeviceMappings) {
        assert.equal(Ebs.Encrypted, true);
        assert.deepEqual(Ebs.KmsKeyId, yours);
      }
    }
  });

  it("gives both tiers the names of parameter and key", () => {
    for (const [name, tier] of [["WebLaunchTemplate", "Web"], ["NodeLaunchTemplate", "Node"]]) {
      const [text] = [properties(name).LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"]].flat();
      assert.ok(text.includes(`\nIMAGE_CLASSIFIER__AWS__SETTINGS_PARAMETER=\${${tier}SettingsParameter}\n`));
      assert.ok(text.includes("\nIMAGE_CLASSIFIER__AWS__KMS_KEY=${KmsKeyArn}\n"));
    }
  });

  it("bounds its roles by the given policy", () => {
    for (const role of of("AWS::IAM::Role")) {
      assert.deepEqual(role.Properties.PermissionsBoundary,
        { "Fn::If": ["HasBoundary", { Ref: "PermissionsBoundaryArn" }, { Ref: "AWS::NoValue" }] });
    }
  });

  it("has a load balancer whose idle time-out is longer than a waiting request", () => {
    const idle = properties("LoadBalancer").LoadBalancerAttributes.find(
      (a) => a.Key === "idle_timeout.timeout_seconds");
    assert.ok(Number(idle.Value) > 120);
  });

  it("requires IMDSv2, and machines that terminate when they shut down", () => {
    for (const launch of of("AWS::EC2::LaunchTemplate")) {
      const data = launch.Properties.LaunchTemplateData;
      assert.equal(data.MetadataOptions.HttpTokens, "required");
      assert.deepEqual(data.MetadataOptions.HttpPutResponseHopLimit, { Ref: "MetadataHopLimit" });
      assert.equal(data.InstanceInitiatedShutdownBehavior, "terminate");
    }
  });

  it("has high-throughput FIFO queues, each with a dead-letter queue after four times the tries", () => {
    const reference = readFileSync(join(deploy, "..", "hocon", "reference.conf"), "utf8");
    const settings = readFileSync(join(deploy, "..", "src", "ImageClassifier.Streams", "Settings", "QueueSettings.cs"), "utf8");
    const limits = [
      [reference, /max-receives = (\d+)/],
      [settings, /MaxReceivesOfResponses = (\d+)/],
    ].map(([text, limit]) => Number(text.match(limit)[1]));
    for (const [i, name] of ["RequestQueue", "ResponseQueue"].entries()) {
      const queue = properties(name);
      assert.equal(queue.FifoQueue, true);
      assert.equal(queue.DeduplicationScope, "messageGroup");
      assert.equal(queue.FifoThroughputLimit, "perMessageGroupId");
      assert.equal(queue.RedrivePolicy.maxReceiveCount, limits[i] * 4);
    }
  });

  it("blocks public access to the bucket, encrypts it, and deletes old pictures", () => {
    const bucket = properties("Bucket");
    assert.ok(Object.values(bucket.PublicAccessBlockConfiguration).every((blocked) => blocked === true));
    assert.ok(bucket.BucketEncryption.ServerSideEncryptionConfiguration.length > 0);
    const { Rules } = bucket.LifecycleConfiguration;
    assert.ok(Rules.every((rule) => rule.Status === "Enabled"));
    assert.deepEqual(Rules.filter((rule) => rule.ExpirationInDays).map((rule) => rule.Prefix),
      ["images/", "results/", "batches/", "nodes/", "suspects/"]);
    assert.deepEqual(Rules.filter((rule) => rule.AbortIncompleteMultipartUpload).map((rule) => rule.Prefix), [undefined]);
  });

  it("never deletes models by their age", () => {
    const expiring = properties("Bucket").LifecycleConfiguration.Rules.filter((rule) => rule.ExpirationInDays);
    assert.ok(expiring.every(({ Prefix }) => Prefix && !Prefix.startsWith("models/") && !"models/".startsWith(Prefix)));
  });
});

describe("the policies", () => {
  const list = (value) => (Array.isArray(value) ? value : [value]);
  const allowed = (statements) => Object.fromEntries(statements.map((s) => [s.Sid, list(s.Action).toSorted()]));
  // Including the statements that a parameter adds.
  const ofRole = (name) => properties(name).Policies[0].PolicyDocument.Statement.map(
    (statement) => statement["Fn::If"]?.[1] ?? statement);

  for (const [file, role] of [["web.json", "WebRole"], ["node.json", "NodeRole"]]) {
    it(`${file} allows what the template allows`, () => {
      const policy = JSON.parse(read("iam", file));
      assert.equal(policy.Version, "2012-10-17");
      assert.deepEqual(allowed(policy.Statement), allowed(ofRole(role)));
      for (const statement of ofRole(role)) {
        const other = policy.Statement.find((s) => s.Sid === statement.Sid);
        const conditions = (s) => Object.entries(s.Condition ?? {}).map(([op, keys]) => [op, Object.keys(keys)]);
        assert.deepEqual(conditions(other), conditions(statement), statement.Sid);
        assert.equal(list(other.Resource).length, list(statement.Resource).length, statement.Sid);
      }
    });
  }

  it("let a node store no part of a model but its verdict", () => {
    for (const statements of [JSON.parse(read("iam", "node.json")).Statement, ofRole("NodeRole")]) {
      const stored = statements.filter((s) => list(s.Action).includes("s3:PutObject")).flatMap((s) => list(s.Resource))
        .map((resource) => JSON.stringify(resource).match(/(?:BUCKET|Bucket\.Arn\})\/([^"]*)"/)[1]);
      assert.deepEqual(stored.toSorted(), ["models/*/verdict.json", "nodes/*", "results/*"]);
    }
  });

  it("let a node end no instance, its own included", () => {
    const actions = JSON.parse(read("iam", "node.json")).Statement.flatMap((s) => list(s.Action));
    assert.deepEqual(actions.filter((action) => action.startsWith("ec2:")), []);
  });

  it("bound the web tier's launches by type, subnet, key pair and tags", () => {
    const { Statement } = JSON.parse(read("iam", "web.json"));
    for (const statements of [Statement, ofRole("WebRole")]) {
      const launching = statements.filter((s) => list(s.Action).some((a) => /:(RunInstances|CreateFleet)$/.test(a)));
      const on = (kind) => launching.filter((s) => JSON.stringify(s.Resource).includes(`:${kind}/`));
      for (const kind of ["instance", "volume", "fleet"]) {
        for (const { Sid, Condition } of on(kind)) {
          for (const mark of ["deployment", "role"]) {
            assert.ok(Condition.StringEquals[`aws:RequestTag/image-classifier:${mark}`], Sid);
          }
        }
      }
      const [nodes] = launching.filter((s) => s.Sid === "LaunchMarkedNodes");
      assert.ok(nodes.Condition.StringEquals["ec2:InstanceType"]);
      assert.ok(nodes.Condition.ArnEquals["ec2:LaunchTemplate"]);
      for (const kind of ["subnet", "key-pair", "image", "launch-template", "security-group"]) {
        assert.ok(on(kind).length > 0, kind);
        assert.doesNotMatch(JSON.stringify(on(kind).map((s) => s.Resource)), new RegExp(`:${kind}/\\*`), kind);
      }
    }
  });

  it("let the web tier neither tag a machine as a web node nor terminate one", () => {
    const { Statement } = JSON.parse(read("iam", "web.json"));
    for (const statements of [Statement, ofRole("WebRole")]) {
      const refusing = (action, tag) => statements.filter((s) => list(s.Action).includes(action))
        .every((s) => s.Condition.Null[`aws:${tag}/image-classifier:web`] === "true");
      assert.ok(refusing("ec2:CreateTags", "RequestTag"));
      assert.ok(refusing("ec2:TerminateInstances", "ResourceTag"));
    }
  });

  it("never allow all actions of a service, and allow all resources only with a reason", () => {
    for (const file of readdirSync(join(deploy, "iam")).filter((name) => name.endsWith(".json"))) {
      for (const statement of JSON.parse(read("iam", file)).Statement) {
        assert.ok(list(statement.Action).every((action) => !/^\*$|:\*$/.test(action)), `${file} ${statement.Sid}`);
        const readsOnly = list(statement.Action).every((action) => /:(Describe|Get|Validate)/.test(action));
        // The actions of Session Manager have no narrower resource.
        const isSession = list(statement.Action).every((action) => /^ssmmessages:|^ssm:UpdateInstance/.test(action));
        assert.ok(!list(statement.Resource).includes("*") || statement.Condition || readsOnly || isSession,
          `${file} ${statement.Sid}`);
      }
    }
  });
});

describe("the image", () => {
  const scripts = ["build-package", "make-ami.sh", "provision", "start-node", "metadata", "forget-machine",
    "run-with-settings", "tell-console", "send-logs", "measure-start", "user-data/node.sh", "user-data/web.sh"];
  for (const script of scripts) {
    it(`${script} is a script that the shell can read`, () => {
      execFileSync("bash", ["-n", join(deploy, "image", script)]);
    });
  }

  it("terminates the machine of a node, however its process ends", () => {
    const unit = read("image", "systemd", "image-classifier-node.service");
    for (const line of ["SuccessAction=poweroff", "FailureAction=poweroff", "Restart=no"]) {
      assert.match(unit, new RegExp(`^${line}$`, "m"));
    }
    assert.doesNotMatch(unit, /^NoNewPrivileges=yes$/m);
  });

  it("gives a node a folder of its own for models, which nobody else can read", () => {
    const unit = read("image", "systemd", "image-classifier-node.service");
    for (const line of ["CacheDirectory=image-classifier", "CacheDirectoryMode=0700"]) {
      assert.match(unit, new RegExp(`^${line}$`, "m"));
    }
  });

  it("measures the start until the line that a node logs before its first poll", () => {
    const [, words] = /grep --max-count=1 '(.*?)'/.exec(read("image", "measure-start"));
    const node = read("..", "src", "ImageClassifier.Node", "Supervision", "NodeSupervisorActor.cs");
    assert.match(node, new RegExp(`Info\\("Instance \\{0\\}${words}`));
  });

  it("starts the units that it has", () => {
    const units = readdirSync(join(deploy, "image", "systemd"));
    const texts = [read("cloudformation", "image-classifier.yaml"), ...scripts.map((script) => read("image", script))];
    const starts = texts.flatMap((text) => [...text.matchAll(/systemctl enable .* (\S+\.service)$/gm)]);
    assert.equal(starts.length, 4);
    for (const [, unit] of starts) assert.ok(units.includes(unit), unit);
  });

  it("names a node by its id from the metadata service", async () => {
    const server = createServer((request, response) => {
      const isToken = request.method === "PUT" && request.url === "/latest/api/token"
        && request.headers["x-aws-ec2-metadata-token-ttl-seconds"];
      const isId = request.url === "/latest/meta-data/instance-id"
        && request.headers["x-aws-ec2-metadata-token"] === "T==";
      response.statusCode = isToken || isId ? 200 : 401;
      response.end(isToken ? "T==" : isId ? "i-0123456789abcdef0" : "");
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    try {
      const { execFile } = await import("node:child_process");
      const output = await new Promise((resolve, reject) => execFile(join(deploy, "image", "start-node"), [], {
        env: { ...process.env, IMAGE_CLASSIFIER_PROGRAM: "/bin/echo",
          AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${server.address().port}` },
      }, (failure, stdout) => (failure ? reject(failure) : resolve(stdout))));
      assert.equal(output, "node --instance i-0123456789abcdef0\n");
    } finally {
      server.close();
    }
  });
});

describe("user data by hand", () => {
  for (const [script, launch] of [["node.sh", "NodeLaunchTemplate"], ["web.sh", "WebLaunchTemplate"]]) {
    it(`${script} does what the template's does, with settings that it has too`, () => {
      const text = JSON.stringify(properties(launch).LaunchTemplateData.UserData).replaceAll("\\n", "\n");
      for (const line of read("image", "user-data", script).split("\n")) {
        const [setting] = line.match(/^IMAGE_CLASSIFIER__\w+=/) ?? [];
        const step = /^(set|trap|install|cat|systemctl) /.test(line) && line;
        if (setting || step) assert.ok(text.includes(setting ?? step), line);
      }
    });
  }
});

describe("the container images", () => {
  it("are built on exact versions", () => {
    for (const file of ["Dockerfile", "emulator/Dockerfile"]) {
      const bases = [...read("docker", file).matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm)].map(([, base]) => base);
      assert.ok(bases.length > 0);
      for (const base of bases) assert.match(base, /:\d+\.\d+\.\d+(-[a-z]+)?$/, file);
    }
  });
});

describe("the compose file", () => {
  const compose = () => parse(read("docker", "compose.yaml"), { merge: true });

  it("starts the web tier after the emulator is ready and has its queues", () => {
    const { services } = compose();
    assert.equal(services.web.depends_on.provision.condition, "service_completed_successfully");
    assert.equal(services.provision.depends_on.emulator.condition, "service_healthy");
    assert.ok(services.emulator.healthcheck.test.length > 1);
    assert.equal(services.web.environment.IMAGE_CLASSIFIER__ENVIRONMENT, "aws");
  });

  it("has a health check for the web tier alone, and writes nothing but data", () => {
    const { services } = compose();
    assert.match(services.web.healthcheck.test.join(" "), /\/health\/live/);
    assert.equal(services.provision.healthcheck, undefined);
    for (const [name, service] of Object.entries(services)) {
      assert.equal(service.read_only, true, name);
      assert.deepEqual(service.security_opt, ["no-new-privileges:true"], name);
      assert.ok(service.mem_limit, name);
    }
  });

  it("publishes its port on loopback only", () => {
    for (const service of Object.values(compose().services)) {
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
    }
  });

  it("builds from existing files", () => {
    for (const { build } of Object.values(compose().services)) {
      assert.ok(read("docker", build.context, build.dockerfile ?? "Dockerfile").startsWith("#")
        || read("docker", build.context, build.dockerfile ?? "Dockerfile").startsWith("FROM"));
    }
  });
});
