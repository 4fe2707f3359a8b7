// Evaluates the Rules of a template, as CloudFormation does before it creates anything.

/** What CloudFormation says to these parameters: the sentences of all assertions that do not hold. */
export function refusals(template, parameters) {
  const values = Object.fromEntries(Object.entries(template.Parameters).map(
    ([name, { Type, Default }]) => [name, asParameter(Type, parameters[name] ?? Default)]));
  return Object.values(template.Rules).flatMap((rule) => {
    if (rule.RuleCondition && !holds(rule.RuleCondition, values)) return [];
    return rule.Assertions.filter(({ Assert }) => !holds(Assert, values)).map((broken) => broken.AssertDescription);
  });
}

function asParameter(type, value) {
  return type === "CommaDelimitedList" ? String(value ?? "").split(",") : String(value);
}

function holds(expression, values) {
  const [[name, operands]] = Object.entries(expression);
  const valueOf = (operand) => (operand?.Ref ? values[operand.Ref] : operand);
  switch (name) {
    case "Fn::Not": return !holds(operands[0], values);
    case "Fn::And": return operands.every((operand) => holds(operand, values));
    case "Fn::Or": return operands.some((operand) => holds(operand, values));
    case "Fn::Equals": return valueOf(operands[0]) === valueOf(operands[1]);
    case "Fn::EachMemberEquals": return valueOf(operands[0]).every((member) => member === valueOf(operands[1]));
    default: throw new Error(`${name} is not evaluated here`);
  }
}
