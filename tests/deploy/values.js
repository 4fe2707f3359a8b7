// Evaluates a part of a template with given parameters, as far as CloudFormation knows it before it creates anything.

/** The part with its conditions, parameters and mappings filled in. What only a made resource says stays as it is. */
export function valueWith(template, parameters, part) {
  const fill = (value) => valueWith(template, parameters, value);
  if (Array.isArray(part)) return part.map(fill);
  if (!part || typeof part !== "object") return part;
  const [name, operands] = Object.entries(part)[0] ?? [];
  const parameter = template.Parameters[name === "Ref" ? operands : undefined];
  if (parameter) return String(parameters[operands] ?? parameter.Default);
  if (name === "Fn::If") return fill(operands[holds(template.Conditions[operands[0]]) ? 1 : 2]);
  if (name === "Fn::FindInMap") return operands.map(fill).reduce((map, key) => map[key], template.Mappings);
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, fill(value)]));

  function holds(condition) {
    const [[kind, of]] = Object.entries(condition);
    if (kind === "Fn::Not") return !holds(of[0]);
    if (kind === "Fn::Equals") return fill(of[0]) === fill(of[1]);
    throw new Error(`A condition uses ${kind}, which is not evaluated here.`);
  }
}
