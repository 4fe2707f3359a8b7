// Reads a CloudFormation template and reports what CloudFormation would not accept: resource types, properties at any
// depth, attributes, references, values of the wrong kind, rules, and the parameters and outputs of a nested template.
// The specification is that of AWS's CDK.
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { parseDocument } from "yaml";

const intrinsics = ["Ref", "Condition", "Fn::Base64", "Fn::Cidr", "Fn::FindInMap", "Fn::GetAtt", "Fn::GetAZs", "Fn::If",
  "Fn::ImportValue", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub", "Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"];
const ruleFunctions = ["Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not",
  "Fn::Or", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"];
const pseudoParameters = new Set(["AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition",
  "AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix"]);
const sections = new Set(["AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions",
  "Rules", "Transform", "Resources", "Outputs"]);
const resourceAttributes = new Set(["Type", "Properties", "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn",
  "Metadata", "UpdatePolicy", "UpdateReplacePolicy"]);

// Read once, because it is large.
let specification;

/** The template as plain objects, with the short forms (!Ref x) in their long form ({ Ref: x }). */
export function readTemplate(text) {
  const shortForms = [...new Set([...intrinsics, ...ruleFunctions])].flatMap((name) => {
    const tag = `!${name.replace("Fn::", "")}`;
    const wrap = (value) => ({ [name]: value });
    const getAtt = (value) => wrap(name === "Fn::GetAtt" ? splitAttribute(value) : value);
    return [
      { tag, resolve: getAtt },
      { tag, collection: "seq", resolve: (node) => wrap(node.toJSON()) },
      { tag, collection: "map", resolve: (node) => wrap(node.toJSON()) },
    ];
  });
  const document = parseDocument(text, { customTags: shortForms, strict: true, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) throw problems[0];
  return document.toJS();
}

/** Every mistake in a template, one line each; none for one that is well-formed. `nested` has templates by resource. */
export function mistakesIn(template, nested = {}) {
  const database = (specification ??= loadAwsServiceSpecSync());
  const mistakes = [];
  const say = (path, what) => mistakes.push(`${path.join(".")}: ${what}`);
  const resources = template.Resources ?? {};
  const names = new Set([...Object.keys(template.Parameters ?? {}), ...Object.keys(resources)]);

  for (const section of Object.keys(template)) if (!sections.has(section)) say([section], "no section of a template");
  for (const [name, resource] of Object.entries(resources)) {
    for (const attribute of Object.keys(resource)) {
      if (!resourceAttributes.has(attribute)) say(["Resources", name, attribute], "no attribute of a resource");
    }
    const known = specificationOf(resource.Type);
    if (!known) say(["Resources", name], `unknown resource type ${resource.Type}`);
    else checkObject(resource.Properties ?? {}, known.properties, ["Resources", name]);
    if (nested[name]) checkParameters(resource.Properties.Parameters ?? {}, nested[name].Parameters ?? {}, name);
  }
  for (const [name, rule] of Object.entries(template.Rules ?? {})) checkRule(rule, ["Rules", name]);
  checkReferences(template, []);
  checkCircles();
  return mistakes;

  function specificationOf(type) {
    const found = database.lookup("resource", "cloudFormationType", "equals", type ?? "");
    return found.length > 0 ? found.only() : undefined;
  }

  function checkObject(value, properties, path) {
    for (const [key, inner] of Object.entries(value)) {
      const property = properties[key];
      if (property) checkValue(inner, [property.type, ...(property.previousTypes ?? [])], [...path, key]);
      else say([...path, key], "unknown property");
    }
    for (const [key, property] of Object.entries(properties)) {
      if (property.required && !(key in value)) say([...path, key], "required, and missing");
    }
  }

  // A value is right if one of its types accepts it. The reported error is that of the first type with its shape.
  function checkValue(value, types, path) {
    const intrinsic = intrinsicOf(value);
    if (intrinsic === "Fn::If") {
      for (const branch of value["Fn::If"].slice(1)) checkValue(branch, types, path);
      return;
    }
    if (intrinsic) return;
    const flat = types.flatMap((type) => (type.type === "union" ? type.types : [type]));
    const shaped = flat.filter((type) => hasShape(value, type));
    if (shaped.length === 0) {
      const kinds = flat.map((type) => type.type).join(" or ");
      say(path, `a value of the wrong kind: ${JSON.stringify(value)}, not ${kinds}`);
      return;
    }
    const attempts = shaped.map((type) => {
      const before = mistakes.length;
      checkShaped(value, type, path);
      return mistakes.splice(before);
    });
    if (attempts.every((attempt) => attempt.length > 0)) mistakes.push(...attempts[0]);
  }

  function checkShaped(value, type, path) {
    if (type.type === "array") {
      value.forEach((item, i) => checkValue(item, [type.element], [...path, i]));
    } else if (type.type === "map") {
      for (const [key, item] of Object.entries(value)) checkValue(item, [type.element], [...path, key]);
    } else if (type.type === "tag") {
      const tag = { Key: { type: { type: "string" }, required: true },
        Value: { type: { type: "string" }, required: true },
        PropagateAtLaunch: { type: { type: "boolean" } } };
      checkObject(value, tag, path);
    } else if (type.type === "ref") {
      checkObject(value, database.get("typeDefinition", type.reference.$ref).properties, path);
    }
  }

  function checkReferences(value, path) {
    if (Array.isArray(value)) {
      value.forEach((item, i) => checkReferences(item, [...path, i]));
    } else if (value && typeof value === "object") {
      for (const [key, inner] of Object.entries(value)) {
        if (key === "Ref") checkName(inner, path);
        else if (key === "Fn::GetAtt") checkAttribute(inner, path);
        else if (key === "Fn::Sub") checkSub(inner, path);
        else if (key === "Fn::If" || (key === "Condition" && typeof inner === "string" && path[0] !== "Metadata")) {
          const name = Array.isArray(inner) ? inner[0] : inner;
          if (!(name in (template.Conditions ?? {}))) say([...path, key], `unknown condition ${name}`);
        }
        checkReferences(inner, [...path, key]);
      }
    }
  }

  function checkParameters(given, taken, name) {
    const path = ["Resources", name, "Parameters"];
    for (const key of Object.keys(given)) {
      if (!(key in taken)) say([...path, key], "no parameter of the nested template");
    }
    for (const [key, parameter] of Object.entries(taken)) {
      const missing = !("Default" in parameter) && !(key in given);
      if (missing) say([...path, key], "required by the nested template, and missing");
    }
  }

  function checkRule(rule, path) {
    for (const key of Object.keys(rule)) {
      if (key !== "RuleCondition" && key !== "Assertions") say([...path, key], "no part of a rule");
    }
    for (const assertion of rule.Assertions ?? []) {
      if (!assertion.Assert || !assertion.AssertDescription) say(path, "an assertion has Assert and AssertDescription");
    }
    checkRuleFunctions([rule.RuleCondition, (rule.Assertions ?? []).map((assertion) => assertion.Assert)], path);
  }

  // A rule is evaluated before any resource exists, and by its own functions.
  function checkRuleFunctions(value, path) {
    if (Array.isArray(value)) value.forEach((item) => checkRuleFunctions(item, path));
    else if (value && typeof value === "object") {
      for (const [key, inner] of Object.entries(value)) {
        if (key === "Ref" && !(inner in (template.Parameters ?? {}))) say(path, `${inner} is no parameter`);
        else if (key !== "Ref" && !ruleFunctions.includes(key)) say(path, `${key} is no function of rules`);
        checkRuleFunctions(inner, path);
      }
    }
  }

  // CloudFormation refuses resources that wait for each other.
  function checkCircles() {
    const namesIn = (value) => {
      if (Array.isArray(value)) return value.flatMap(namesIn);
      if (!value || typeof value !== "object") return [];
      return Object.entries(value).flatMap(([key, inner]) => {
        if (key === "Ref") return [inner];
        if (key === "Fn::GetAtt") return [inner[0]];
        if (key === "DependsOn") return [inner].flat();
        const text = key === "Fn::Sub" ? [inner].flat()[0] : "";
        return [...[...text.matchAll(/\$\{([^!}.]+)/g)].map(([, name]) => name), ...namesIn(inner)];
      });
    };
    const needs = Object.fromEntries(Object.entries(resources).map(
      ([name, resource]) => [name, new Set(namesIn(resource).filter((needed) => needed in resources))]));
    for (const start of Object.keys(resources)) {
      const reached = new Set(needs[start]);
      for (const name of reached) for (const next of needs[name]) reached.add(next);
      if (reached.has(start)) say(["Resources", start], "depends on itself");
    }
  }

  function checkName(name, path) {
    if (!names.has(name) && !pseudoParameters.has(name)) say(path, `unknown name ${name}`);
  }

  function checkAttribute([name, attribute], path) {
    const resource = resources[name];
    const output = attribute.startsWith("Outputs.") ? attribute.slice("Outputs.".length) : undefined;
    if (!resource) say(path, `unknown resource ${name}`);
    else if (output && resource.Type === "AWS::CloudFormation::Stack") {
      if (nested[name] && !(output in (nested[name].Outputs ?? {}))) say(path, `${name} has no output ${output}`);
    }
    else if (!(attribute in (specificationOf(resource.Type)?.attributes ?? {}))) {
      say(path, `${resource.Type} has no attribute ${attribute}`);
    }
  }

  function checkSub(sub, path) {
    const [text, own] = Array.isArray(sub) ? sub : [sub, {}];
    for (const [, name] of text.matchAll(/\$\{([^!}][^}]*)\}/g)) {
      if (name in own) continue;
      if (name.includes(".")) checkAttribute(splitAttribute(name), path);
      else checkName(name, path);
    }
  }
}

function splitAttribute(text) {
  const dot = text.indexOf(".");
  return [text.slice(0, dot), text.slice(dot + 1)];
}

function intrinsicOf(value) {
  const keys = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  return keys.length === 1 && intrinsics.includes(keys[0]) ? keys[0] : undefined;
}

// CloudFormation accepts numbers and booleans as text, and text as numbers and booleans.
function hasShape(value, type) {
  switch (type.type) {
    case "array": return Array.isArray(value);
    case "map": case "ref": case "tag": return value !== null && typeof value === "object" && !Array.isArray(value);
    case "json": return value !== null && typeof value === "object";
    case "integer": return /^-?\d+$/.test(String(value)) && typeof value !== "object";
    case "number": return !Number.isNaN(Number(value)) && typeof value !== "object";
    case "boolean": return value === true || value === false || value === "true" || value === "false";
    default: return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  }
}
