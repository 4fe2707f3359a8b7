// Checks the templates with CloudFormation's linter, and creates stacks of the main one on an emulator of AWS.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { readTemplate } from "./cloudformation.js";
import { unmet } from "./requirement.js";

const folder = join(import.meta.dirname, "..", "..", "deploy", "cloudformation");
const templates = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

// Rules of cfn-lint that the templates break on purpose, each with its reason.
const ignored = {};

describe("cfn-lint", { skip: unmet("cfn-lint is not installed", "cfn-lint", "--version") }, () => {
  for (const name of templates) {
    it(`finds nothing in ${name}`, () => {
      const rules = Object.keys(ignored).flatMap((rule) => ["--ignore-checks", rule]);
      const lint = spawnSync("cfn-lint", ["--template", join(folder, name), ...rules], { encoding: "utf8" });
      assert.equal(lint.status, 0, lint.stdout + lint.stderr);
    });
  }
});

describe("the stack", { skip: unmet("moto is not installed", "python3", "-c", "import boto3, moto.server") }, () => {
  // The parameters without a default, and a network. stacks.py replaces values in capitals by the emulator's ids.
  const required = { AllowedCidr: "203.0.113.0/24", VpcId: "VPC", LoadBalancerSubnetIds: "SUBNETS",
    WebSubnetIds: "SUBNETS", NodeSubnetIds: "SUBNETS", ImageId: "IMAGE" };

  // Each parameter once at another value than its default.
  const options = {
    Scheme: "internal",
    CertificateArn: "CERTIFICATE",
    ServiceName: "pictures.example.com",
    WebNodes: "1",
    WebInstanceType: "t3.medium",
    NodeInstanceTypes: "c7i.xlarge",
    NodeMarket: "on-demand",
    MaxInstances: "2",
    KeyName: "KEY_PAIR",
    RequestLeaseSeconds: "600",
    RetentionDays: "1",
    LogRetentionDays: "1",
    AlarmEmail: "operators@example.com",
    RequestAgeAlarmSeconds: "120",
    MonthlyBudget: "50",
    NetworkTemplateUrl: "NETWORK",
    NetworkPrefix: "10.81",
    EndpointZones: "2",
    MetadataHopLimit: "2",
    KmsKeyArn: "KEY",
    WebSettingsParameter: "/aws/reference/secretsmanager/pictures",
    NodeSettingsParameter: "/pictures/node",
    PermissionsBoundaryArn: "arn:aws:iam::123456789012:policy/pictures-boundary",
  };

  // All at once, except the number of web nodes: several nodes have more resources than one.
  const everyOption = { ...options, WebNodes: "3", VpcId: "", LoadBalancerSubnetIds: "", WebSubnetIds: "",
    NodeSubnetIds: "" };

  // The emulator does not know these types; the CDK's specification checks them (cloudformation.js).
  const unknownToTheEmulator = ["AWS::S3::BucketPolicy", "AWS::CloudWatch::Alarm", "AWS::SNS::Subscription",
    "AWS::Budgets::Budget", "AWS::EC2::SecurityGroupEgress"];

  const template = readTemplate(readFileSync(join(folder, "image-classifier.yaml"), "utf8"));
  let stacks;

  before(() => {
    const variants = [{ name: "defaults", parameters: {} },
      { name: "every option", parameters: everyOption },
      ...Object.entries(options).map(([name, value]) => ({ name, parameters: { [name]: value } })),
      { name: "roles", roles: true, parameters: Object.fromEntries(["KmsKeyArn", "WebSettingsParameter",
        "NodeSettingsParameter", "PermissionsBoundaryArn"].map((name) => [name, options[name]])) }];
    const network = JSON.stringify(readTemplate(readFileSync(join(folder, "network.yaml"), "utf8")));
    const asked = { network, template: JSON.stringify(forTheEmulator(template)), parameters: required, variants };
    const run = spawnSync("python3", [join(import.meta.dirname, "stacks.py")],
      { input: JSON.stringify(asked), encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    stacks = JSON.parse(run.stdout);
  });

  for (const name of ["defaults", ...Object.keys(options)]) {
    it(`is created and deleted with ${name === "defaults" ? name : `another ${name}`}`, () => {
      const { refused, created, resources, deleted } = stacks[name];
      assert.equal(refused, undefined);
      assert.equal(created, "CREATE_COMPLETE");
      assert.deepEqual(resources.toSorted(), expected({ ...required, [name]: options[name] }));
      assert.equal(deleted, "DELETE_COMPLETE");
    });
  }

  it("is created and deleted with every option", () => {
    const { refused, created, resources, deleted } = stacks["every option"];
    assert.equal(refused, undefined);
    assert.deepEqual([created, deleted], ["CREATE_COMPLETE", "DELETE_COMPLETE"]);
    assert.deepEqual(resources.toSorted(), expected(everyOption));
  });

  for (const [name, nodes, most] of [["defaults", 2, 3], ["WebNodes", 1, 1], ["every option", 3, 4]]) {
    it(`has ${nodes} web node(s) with ${name}, in a group over the zones, with their tags`, () => {
      const { group, machines, ports } = stacks[name].web;
      assert.deepEqual([group.MinSize, group.DesiredCapacity, group.MaxSize], [nodes, nodes, most]);
      assert.equal(machines.length, nodes);
      // The emulator starts all machines in the first zone. EC2 balances them.
      assert.equal(group.AvailabilityZones.length, Math.min(nodes, 2));
      for (const { tags, stack } of machines) {
        assert.equal(tags["image-classifier:web"], stack);
        assert.equal(tags["image-classifier:deployment"], stack);
        assert.equal(tags["image-classifier:role"], "web");
      }
      assert.deepEqual(ports, nodes > 1 ? [2551, 5000] : [5000]);
    });
  }

  it("lets each role read its own settings, and use the key", () => {
    const { WebRole, NodeRole } = stacks.roles.roles;
    const region = "eu-central-1:123456789012";
    for (const [role, parameter, secret] of [
      [WebRole, "/aws/reference/secretsmanager/pictures", "pictures"],
      [NodeRole, "/pictures/node", "/pictures/node"],
    ]) {
      const resourceOf = (sid) => role.statements.find((statement) => statement.Sid === sid).Resource;
      assert.deepEqual(resourceOf("ReadSettings"), [`arn:aws:ssm:${region}:parameter${parameter}`,
        `arn:aws:secretsmanager:${region}:secret:${secret}-??????`]);
      assert.match(resourceOf("UseTheKey"), /^arn:aws:kms:eu-central-1:123456789012:key\//);
      assert.equal(role.boundary.PermissionsBoundaryArn, options.PermissionsBoundaryArn);
    }
  });

  it("is created with each parameter at another value than its default", () => {
    const withDefault = Object.entries(template.Parameters).filter(
      ([name, parameter]) => "Default" in parameter && !(name in required));
    assert.deepEqual(Object.keys(options).toSorted(), withDefault.map(([name]) => name).toSorted());
    for (const [name, { Default }] of withDefault) assert.notEqual(options[name], String(Default), name);
    assert.deepEqual(Object.keys(required).toSorted(),
      Object.keys(template.Parameters).filter((name) => !(name in options)).toSorted());
  });

  // The resources that these parameters add, of types that the emulator knows.
  function expected(parameters) {
    const valueOf = (name) => parameters[name] ?? template.Parameters[name].Default;
    const value = (part) => (typeof part === "string" ? part : holds(part));
    const holds = (condition) => {
      const [[kind, of]] = Object.entries(condition);
      if (kind === "Ref") return String(valueOf(of));
      if (kind === "Condition") return holds(template.Conditions[of]);
      if (kind === "Fn::Not") return !holds(of[0]);
      if (kind === "Fn::And") return of.every(holds);
      if (kind === "Fn::Or") return of.some(holds);
      if (kind === "Fn::Equals") return value(of[0]) === value(of[1]);
      throw new Error(`A condition uses ${kind}, which this test does not know.`);
    };
    return Object.entries(template.Resources)
      .filter(([, { Type, Condition }]) => !unknownToTheEmulator.includes(Type)
        && (!Condition || holds(template.Conditions[Condition])))
      .map(([name]) => name).toSorted();
  }
});

// The emulator starts no machine from an image without a disk size. EC2 uses the image's own.
function forTheEmulator(template) {
  const copy = structuredClone(template);
  for (const { Type, Properties } of Object.values(copy.Resources)) {
    if (Type !== "AWS::EC2::LaunchTemplate") continue;
    for (const { Ebs } of Properties.LaunchTemplateData.BlockDeviceMappings) Ebs.VolumeSize = 8;
  }
  return copy;
}
