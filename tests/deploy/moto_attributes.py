"""What the templates ask of resources by Fn::GetAtt and moto does not answer. Importing it teaches moto."""
from moto.cloudformation.models import Stack
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup


def name_in(arn):
    """The name that metrics use: targetgroup/NAME/ID, or app/NAME/ID of a load balancer."""
    return arn.split(":")[-1].removeprefix("loadbalancer/")


def answer(resource_type, attribute_of):
    """Answers an attribute by a function of the resource and the attribute's name; None leaves it to moto."""
    by_moto = getattr(resource_type, "get_cfn_attribute", None)

    def get_cfn_attribute(resource, name):
        found = attribute_of(resource, name)
        return by_moto(resource, name) if found is None else found

    resource_type.get_cfn_attribute = get_cfn_attribute


answer(FakeTargetGroup, lambda group, name: name_in(group.arn) if name == "TargetGroupFullName" else None)
answer(FakeLoadBalancer, lambda balancer, name: name_in(balancer.arn) if name == "LoadBalancerFullName" else None)
answer(Stack, lambda stack, name: stack.output_map[name.removeprefix("Outputs.")].value)
