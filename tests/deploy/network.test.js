// The deployment's own network: it reaches nothing but AWS, and all services of AWS that the program calls.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { mistakesIn, readTemplate } from "./cloudformation.js";
import { refusals } from "./rules.js";

const root = join(import.meta.dirname, "..", "..");
const read = (...path) => readFileSync(join(root, ...path), "utf8");
const template = (name) => readTemplate(read("deploy", "cloudformation", name));
const main = template("image-classifier.yaml");
const network = template("network.yaml");
const of = (type) => Object.entries(network.Resources).filter(([, resource]) => resource.Type === type);
const endpoints = (kind) => of("AWS::EC2::VPCEndpoint").filter(([, e]) => e.Properties.VpcEndpointType === kind);
const serviceOf = ([, endpoint]) => endpoint.Properties.ServiceName["Fn::Sub"].split(".").at(-1);

describe("the network's template", () => {
  it("has only what CloudFormation knows", () => assert.deepEqual(mistakesIn(network), []));

  it("is nested with its own parameters and outputs", () => {
    assert.deepEqual(mistakesIn(main, { Network: network }), []);
  });

  const broken = {
    "has no output Vpc": (t) => {
      t.Resources.WebTargets.Properties.VpcId = { "Fn::GetAtt": ["Network", "Outputs.Vpc"] };
    },
    "no parameter of the nested template": (t) => { t.Resources.Network.Properties.Parameters.Zones = 1; },
    "required by the nested template": (t) => { delete t.Resources.Network.Properties.Parameters.Prefix; },
    "Fn::Join is no function of rules": (t) => {
      t.Rules.BudgetHasAReader.RuleCondition = { "Fn::Equals": [{ "Fn::Join": ["", ["a"]] }, "a"] };
    },
    "Bucket is no parameter": (t) => {
      t.Rules.BudgetHasAReader.RuleCondition = { "Fn::Equals": [{ Ref: "Bucket" }, ""] };
    },
    "an assertion has": (t) => { delete t.Rules.BudgetHasAReader.Assertions[0].AssertDescription; },
  };
  for (const [mistake, breakIt] of Object.entries(broken)) {
    it(`is checked for: ${mistake}`, () => {
      const wrong = structuredClone(main);
      breakIt(wrong);
      const found = mistakesIn(wrong, { Network: network });
      assert.ok(found.some((line) => line.includes(mistake)), `found only: ${found.join("; ") || "nothing"}`);
    });
  }
});

describe("the network", () => {
  // The names of the route tables that a subnet is associated with.
  const tablesOf = (subnet) => of("AWS::EC2::SubnetRouteTableAssociation")
    .filter(([, { Properties }]) => Properties.SubnetId.Ref === subnet)
    .map(([, { Properties }]) => Properties.RouteTableId.Ref);
  const outputSubnets = (name) => {
    const value = network.Outputs[name].Value;
    return (value["Fn::Join"]?.[1] ?? [value]).map((subnet) => subnet.Ref);
  };
  const privateSubnets = ["WebSubnetIds", "NodeSubnetIds"].flatMap(outputSubnets);

  it("has no NAT, and gives no machine a public address", () => {
    const types = Object.values(network.Resources).map((resource) => resource.Type);
    for (const type of ["AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Instance"]) {
      assert.ok(!types.includes(type), type);
    }
    for (const [name, subnet] of of("AWS::EC2::Subnet")) {
      assert.equal(subnet.Properties.MapPublicIpOnLaunch, false, name);
    }
  });

  it("has no route from a private subnet but that of the gateway endpoint", () => {
    const tables = privateSubnets.flatMap(tablesOf);
    assert.equal(tables.length, privateSubnets.length, "each has exactly one table, and not the VPC's own");
    for (const [name, route] of of("AWS::EC2::Route")) {
      assert.ok(!tables.includes(route.Properties.RouteTableId.Ref), `${name} leads out of a private subnet`);
    }
    const [[, gateway]] = endpoints("Gateway");
    assert.deepEqual(gateway.Properties.RouteTableIds.map((table) => table.Ref), [...new Set(tables)]);
  });

  it("lets the load balancer be reached from the internet, in two zones", () => {
    const subnets = outputSubnets("LoadBalancerSubnetIds");
    assert.equal(subnets.length, 2);
    const [[, out]] = of("AWS::EC2::Route");
    assert.equal(out.Properties.DestinationCidrBlock, "0.0.0.0/0");
    assert.equal(network.Resources[out.Properties.GatewayId.Ref].Type, "AWS::EC2::InternetGateway");
    for (const subnet of subnets) assert.deepEqual(tablesOf(subnet), [out.Properties.RouteTableId.Ref]);
  });

  it("has its public and its private subnets in two zones each, with addresses that do not overlap", () => {
    for (const name of ["LoadBalancerSubnetIds", "WebSubnetIds", "NodeSubnetIds"]) {
      const subnets = outputSubnets(name);
      const zones = subnets.map((subnet) => network.Resources[subnet].Properties.AvailabilityZone["Fn::Select"][0]);
      assert.deepEqual(zones, [0, 1]);
    }
    // Blocks of 4,096 addresses begin at multiples of 16 in the third number.
    const blocks = of("AWS::EC2::Subnet").map(([, subnet]) =>
      Number(/^\$\{Prefix\}\.(\d+)\.0\/20$/.exec(subnet.Properties.CidrBlock["Fn::Sub"])[1]));
    assert.ok(blocks.every((block) => block % 16 === 0));
    assert.equal(new Set(blocks).size, blocks.length);
  });

  it("reaches no bucket but the deployment's", () => {
    const [[, gateway]] = endpoints("Gateway");
    const { Statement } = gateway.Properties.PolicyDocument;
    assert.deepEqual(Statement.map((s) => s.Effect), ["Allow"]);
    for (const resource of Statement[0].Resource) assert.match(resource["Fn::Sub"], /:s3:::\$\{BucketName\}(\/\*)?$/);
    assert.deepEqual(main.Resources.Network.Properties.Parameters.BucketName, { Ref: "Bucket" });
  });

  it("has each interface endpoint in the zone of a lone web node, by its service's name, over HTTPS alone", () => {
    const [web] = outputSubnets("WebSubnetIds");
    for (const [name, { Properties }] of endpoints("Interface")) {
      assert.equal(Properties.PrivateDnsEnabled, true, name);
      for (const subnets of Properties.SubnetIds["Fn::If"].slice(1)) assert.equal(subnets[0].Ref, web, name);
      assert.deepEqual(Properties.SecurityGroupIds, [{ "Fn::GetAtt": ["EndpointSecurityGroup", "GroupId"] }], name);
    }
    const rules = network.Resources.EndpointSecurityGroup.Properties.SecurityGroupIngress;
    const own = { "Fn::GetAtt": ["Vpc", "CidrBlock"] };
    assert.deepEqual(rules.map((rule) => [rule.FromPort, rule.ToPort, rule.CidrIp]), [[443, 443, own]]);
  });

  // The packages that call AWS, and the endpoint that serves each. A new package needs a decision.
  const endpointOfPackage = { SQS: "sqs", S3: "s3", EC2: "ec2", SimpleSystemsManagement: "ssm",
    KeyManagementService: "kms" };
  const endpointsOfMachine = { "Session Manager": ["ssm", "ssmmessages"], "the journal": ["logs"] };

  it("has an endpoint for every AWS service that the program calls", () => {
    const project = read("src", "ImageClassifier.Adapters.Aws", "ImageClassifier.Adapters.Aws.csproj");
    const packages = [...project.matchAll(/"AWSSDK\.(\w+)"/g)].map(([, name]) => name);
    assert.ok(packages.length >= 3);
    const served = of("AWS::EC2::VPCEndpoint").map(serviceOf);
    for (const name of packages) {
      assert.ok(name in endpointOfPackage, `AWSSDK.${name} is new: which endpoint serves it?`);
      assert.ok(served.includes(endpointOfPackage[name]), `no endpoint for AWSSDK.${name}`);
    }
    for (const [what, needed] of Object.entries(endpointsOfMachine)) {
      for (const service of needed) assert.ok(served.includes(service), `no endpoint ${service} for ${what}`);
    }
  });

  it("has an endpoint for every call of the AWS CLI in user data", () => {
    const served = of("AWS::EC2::VPCEndpoint").map(serviceOf);
    assert.ok(served.includes("cloudformation"), "user data signals");
    const texts = Object.values(main.Resources).filter(({ Type }) => Type === "AWS::EC2::LaunchTemplate")
      .map((launch) => [launch.Properties.LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"]].flat()[0]);
    for (const [, service] of texts.join("\n").matchAll(/^\s*(?:if |! )*aws (?:--\S+ )*([a-z0-9-]+)/gm)) {
      assert.ok(served.includes(service), `no endpoint for "aws ${service}"`);
    }
  });
});

describe("the documents about the network", () => {
  const cost = read("deploy", "runbooks", "cost.md");

  it("count the interface endpoints right", () => {
    const [always, withKey] = [endpoints("Interface").filter(([, e]) => !e.Condition), endpoints("Interface")];
    assert.match(cost, new RegExp(`; ${always.length} interface endpoints, ${withKey.length} with \`KmsKeyArn\``));
  });

  it("have a right sum", () => {
    const rows = [...cost.split("## Idle")[1].matchAll(/^\| (.+: .+|\*\*sum\*\*) \|(.*)\|(.*)\|(.*)\|$/gm)]
      .map(([, what, ...cells]) => [what, ...cells.map((cell) => Number(cell.replaceAll("*", "")))]);
    assert.equal(rows.length, 8);
    const sums = rows.pop();
    assert.equal(sums[0], "**sum**");
    for (const shape of [1, 2, 3]) {
      const total = rows.reduce((sum, row) => sum + row[shape], 0);
      assert.equal(total.toFixed(2), sums[shape].toFixed(2));
    }
    for (const [what, ...cells] of rows) {
      const product = what.split(": ")[1].replaceAll("×", "*");
      assert.match(product, /^[\d.*+() ]+$/);
      const expected = new Function(`return ${product}`)();
      for (const cell of cells.filter((value) => value > 0)) assert.ok(Math.abs(cell - expected) < 0.006, what);
    }
  });
});

describe("the choice of a network", () => {
  const given = { VpcId: "vpc-1", LoadBalancerSubnetIds: "subnet-1,subnet-2", WebSubnetIds: "subnet-1,subnet-2",
    NodeSubnetIds: "subnet-1" };
  const own = { NetworkTemplateUrl: "https://bucket.s3.amazonaws.com/network.yaml" };

  it("takes a network that exists, or one of its own", () => {
    assert.deepEqual(refusals(main, given), []);
    assert.deepEqual(refusals(main, own), []);
  });

  it("refuses an incomplete network, and says which parameters to give", () => {
    const found = refusals(main, {});
    assert.equal(found.length, 1);
    assert.match(found[0], /^The network is missing or incomplete\. Give all of .* or give NetworkTemplateUrl/);
  });

  for (const name of Object.keys(given)) {
    it(`refuses a network without ${name}`, () => {
      assert.match(refusals(main, { ...given, [name]: "" })[0] ?? "", /^The network is missing or incomplete\./);
    });

    it(`refuses ${name} beside a network of its own`, () => {
      assert.match(refusals(main, { ...own, [name]: given[name] })[0] ?? "", /^Two networks are given\./);
    });
  }

  it("uses the outputs of the nested template wherever it uses a parameter of the network", () => {
    const used = JSON.stringify(main.Resources);
    for (const name of Object.keys(given)) {
      const plain = used.split(`{"Ref":"${name}"}`).length - 1;
      const nested = used.split(`"Outputs.${name}"`).length - 1;
      assert.ok(plain > 0 && plain === nested, `${name}: ${plain} times the parameter, ${nested} times the output`);
    }
  });

  it("accepts ids and refuses other text", () => {
    for (const [name, good] of Object.entries(given)) {
      const pattern = new RegExp(main.Parameters[name].AllowedPattern);
      for (const value of good.split(",")) assert.match(value, pattern);
      assert.match("", pattern);
      assert.doesNotMatch("10.0.0.0/16", pattern);
    }
    const prefix = new RegExp(main.Parameters.NetworkPrefix.AllowedPattern);
    for (const good of ["10.80", "172.16", "192.168"]) assert.match(good, prefix);
    for (const bad of ["10.80.0.0/16", "8.8", "172.32", "10"]) assert.doesNotMatch(bad, prefix);
  });
});
