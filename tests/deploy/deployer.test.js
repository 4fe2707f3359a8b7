// The permissions of the deployer, and the boundary of the roles that the deployer creates.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const folder = join(import.meta.dirname, "..", "..", "deploy", "iam");
const statementsOf = (file) => JSON.parse(readFileSync(join(folder, file), "utf8")).Statement;
const list = (value) => (Array.isArray(value) ? value : [value]);
const boundary = "arn:aws:iam::ACCOUNT:policy/DEPLOYMENT-boundary";

describe("the boundary", () => {
  const bounds = statementsOf("boundary.json");

  for (const file of ["web.json", "node.json"]) {
    it(`leaves room for all of ${file}`, () => {
      for (const statement of statementsOf(file)) {
        for (const action of list(statement.Action)) {
          for (const resource of list(statement.Resource).map(ofADeployment)) {
            assert.ok(bounds.some((bound) => covers(bound, action, resource, statement.Condition)),
              `${statement.Sid}: ${action} on ${resource}`);
          }
        }
      }
    });
  }

  it("allows nothing that would undo it, and nothing in other deployments", () => {
    const refused = [
      ["iam:CreateRole", "arn:aws:iam::ACCOUNT:role/DEPLOYMENT-x"],
      ["iam:PutRolePolicy", "arn:aws:iam::ACCOUNT:role/DEPLOYMENT-x"],
      ["iam:DeleteRolePermissionsBoundary", "arn:aws:iam::ACCOUNT:role/DEPLOYMENT-x"],
      ["iam:CreatePolicyVersion", boundary],
      ["sqs:DeleteQueue", "arn:aws:sqs:REGION:ACCOUNT:DEPLOYMENT-requests.fifo"],
      ["sqs:SendMessage", "arn:aws:sqs:REGION:ACCOUNT:other-requests.fifo"],
      ["s3:GetObject", "arn:aws:s3:::other/images/x"],
      ["ssm:GetParameter", "arn:aws:ssm:REGION:ACCOUNT:parameter/other"],
      ["ec2:TerminateInstances", "arn:aws:ec2:REGION:ACCOUNT:instance/i-0"],
      ["ec2:RunInstances", "arn:aws:ec2:REGION:ACCOUNT:instance/i-0"],
    ];
    for (const [action, resource] of refused) {
      assert.ok(!bounds.some((bound) => covers(bound, action, resource)), `${action} on ${resource}`);
    }
  });
});

describe("the deployer", () => {
  const files = readdirSync(folder).filter((name) => name.startsWith("deployer") && name.endsWith(".json"));
  const statements = files.flatMap(statementsOf);
  const allowing = (action) => statements.filter(
    (statement) => statement.Effect === "Allow" && list(statement.Action).some((pattern) => matches(pattern, action)));

  it("makes and changes roles only within the boundary", () => {
    for (const action of ["CreateRole", "PutRolePolicy", "DeleteRolePolicy", "PutRolePermissionsBoundary"]) {
      const found = allowing(`iam:${action}`);
      assert.equal(found.length, 1, action);
      assert.deepEqual(found[0].Condition, { StringEquals: { "iam:PermissionsBoundary": boundary } });
    }
    for (const action of ["AttachRolePolicy", "CreatePolicy", "CreateUser", "PutUserPolicy", "CreateAccessKey"]) {
      assert.deepEqual(allowing(`iam:${action}`), [], action);
    }
  });

  it("cannot remove or rewrite the boundary", () => {
    const denied = statements.filter(({ Effect }) => Effect === "Deny").flatMap(({ Action, Resource }) =>
      list(Action).flatMap((action) => list(Resource).map((resource) => `${action} ${resource}`)));
    assert.ok(denied.includes("iam:DeleteRolePermissionsBoundary arn:aws:iam::ACCOUNT:role/DEPLOYMENT-*"));
    for (const action of ["CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion", "DeletePolicy"]) {
      assert.ok(denied.includes(`iam:${action} ${boundary}`), action);
    }
  });

  it("starts, ends and tags machines only of the deployment, or those that make images", () => {
    const machine = "arn:aws:ec2:REGION:ACCOUNT:instance/i-0";
    const keysFor = (action) => allowing(action)
      .filter((statement) => covers(statement, action, machine, statement.Condition))
      .map((statement) => Object.values(statement.Condition ?? {}).flatMap(Object.keys).toSorted().join(" "));
    assert.deepEqual(keysFor("ec2:RunInstances").toSorted(),
      ["aws:RequestTag/Name ec2:MetadataHttpTokens", "ec2:LaunchTemplate ec2:MetadataHttpTokens"]);
    assert.deepEqual(keysFor("ec2:TerminateInstances").toSorted(),
      ["aws:ResourceTag/Name", "aws:ResourceTag/image-classifier:deployment"]);
    // Tags decide who may end a machine, so the deployer cannot tag a running one.
    assert.deepEqual([...new Set(keysFor("ec2:CreateTags"))], ["ec2:CreateAction"]);
    assert.deepEqual(keysFor("ec2:DeleteTags"), []);
  });

  it("may run the machine that makes an image, by the name that make-ami.sh gives it", () => {
    const script = readFileSync(join(folder, "..", "image", "make-ami.sh"), "utf8");
    const [, name] = /tags instance "(.*?)"/.exec(script);
    const byDefault = name.replace("$name", /name=\$\{name:-(.*)\}/.exec(script)[1]);
    const [{ Condition }] = allowing("ec2:CreateImage").filter((statement) => statement.Condition);
    assert.ok(matches(Condition.StringLike["aws:ResourceTag/Name"], byDefault), byDefault);
    assert.match(script, /--metadata-options HttpTokens=required/);
  });

  it("may delete only the images and snapshots that make-ami.sh tags", () => {
    for (const [action, type] of [["ec2:DeregisterImage", "image"], ["ec2:DeleteSnapshot", "snapshot"]]) {
      const conditions = allowing(action).map(({ Condition }) => Condition);
      assert.deepEqual(conditions, [{ StringLike: { "aws:ResourceTag/Name": "image-classifier-*" } }], action);
      const script = readFileSync(join(folder, "..", "image", "make-ami.sh"), "utf8");
      assert.match(script, new RegExp(`\\$\\(tags ${type} "\\$name"\\)`));
    }
  });

  it("has policies within IAM's limit of 6,144 characters", () => {
    // With the placeholders filled in: a long region, and the longest name that install.md allows.
    for (const file of [...files, "boundary.json", "operator.json"]) {
      const policy = JSON.stringify({ Version: "2012-10-17", Statement: statementsOf(file) })
        .replaceAll("REGION", "ap-southeast-2").replaceAll("ACCOUNT", "123456789012")
        .replaceAll("DEPLOYMENT", "a".repeat(20));
      assert.ok(policy.length <= 6144, `${file}: ${policy.length}`);
    }
  });
});

// The placeholders in capitals, as in a deployment of the template.
function ofADeployment(resource) {
  return resource.replace("BUCKET", "DEPLOYMENT-bucket").replace("NODE_ROLE", "DEPLOYMENT-NodeRole")
    .replace(/(secret:|parameter\/)(WEB|NODE)_SETTINGS/, "$1image-classifier/DEPLOYMENT/$2");
}

// True if a statement allows the action, with all its conditions met.
function covers(statement, action, resource, met = {}) {
  return statement.Effect === "Allow"
    && list(statement.Action).some((pattern) => matches(pattern, action))
    && list(statement.Resource).some((pattern) => matches(pattern, resource))
    && Object.entries(statement.Condition ?? {}).every(([operator, keys]) => Object.entries(keys).every(
      ([key, values]) => met[operator]?.[key] !== undefined
        && list(met[operator][key]).every((value) => list(values).includes(value))));
}

function matches(pattern, text) {
  const expression = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(text);
}
