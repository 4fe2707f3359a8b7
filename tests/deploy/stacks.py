"""Creates stacks on moto's server, and deletes them. Reads {"template", "parameters", "variants"} as JSON from standard
input; each variant is {"name", "parameters"}, and may ask for its "roles". Writes one answer a variant: what was
created, or why it was refused."""
import ast
import json
import logging
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-central-1",
                  AWS_EC2_METADATA_DISABLED="true", NO_PROXY="127.0.0.1", MOTO_EC2_LOAD_DEFAULT_AMIS="true")

import boto3
import botocore.exceptions
from botocore.config import Config
from moto.cloudformation import parsing
from moto.server import ThreadedMotoServer

import moto_attributes  # Teaches moto by being imported.

clean_json = parsing.clean_json


def without_no_value(value, resources):
    """moto leaves a null in a list where AWS::NoValue stands. CloudFormation leaves the item out."""
    cleaned = clean_json(value, resources)
    return [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned


parsing.clean_json = without_no_value


def statements_of(iam, role):
    """The statements of a role's own policies."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    # moto answers with a Python literal instead of JSON.
    documents = [ast.literal_eval(document) if isinstance(document, str) else document for document in documents]
    return [statement for document in documents for statement in document["Statement"]]


def web_tier(scaling, ec2, stack, resources):
    """The web tier's group and its machines, and the ports that its security group opens."""
    names = {each.get("LogicalResourceId"): each.get("PhysicalResourceId") for each in resources}
    groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[names["WebGroup"]])
    group = groups["AutoScalingGroups"][0]
    ids = [each["InstanceId"] for each in group["Instances"]]
    machines = [machine for reservation in ec2.describe_instances(InstanceIds=ids)["Reservations"]
                for machine in reservation["Instances"]]
    security = ec2.describe_security_groups(GroupIds=[names["WebSecurityGroup"]])["SecurityGroups"][0]
    return {
        "group": {key: group[key] for key in ("MinSize", "MaxSize", "DesiredCapacity", "AvailabilityZones")},
        "machines": [{"stack": stack, "tags": {tag["Key"]: tag["Value"] for tag in machine["Tags"]}}
                     for machine in machines],
        "ports": sorted(rule["FromPort"] for rule in security["IpPermissions"]),
    }


def create(cloud, iam, scaling, ec2, name, template, parameters):
    """One stack, created and deleted."""
    listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    try:
        stack = cloud.create_stack(StackName=name, TemplateBody=template, Parameters=listed,
                                   Capabilities=["CAPABILITY_IAM"])["StackId"]
    except botocore.exceptions.ClientError as refused:
        return {"refused": str(refused)}
    created = cloud.describe_stacks(StackName=stack)["Stacks"][0]
    resources = cloud.describe_stack_resources(StackName=stack)["StackResources"]
    roles = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources
             if each.get("ResourceType") == "AWS::IAM::Role" and iam}
    roles = {name: {"statements": statements_of(iam, role),
                    "boundary": iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary", {})}
             for name, role in roles.items()}
    web = web_tier(scaling, ec2, name, resources)
    cloud.delete_stack(StackName=stack)
    return {
        "created": created["StackStatus"],
        # moto lists resources that it did not create without a name.
        "resources": [each["LogicalResourceId"] for each in resources if "LogicalResourceId" in each],
        "outputs": {each["OutputKey"]: each.get("OutputValue") for each in created.get("Outputs", [])},
        "roles": roles,
        "web": web,
        "deleted": cloud.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"],
    }


def main():
    """Every variant on one server."""
    asked = json.load(sys.stdin)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        host, port = server.get_host_and_port()
        config = Config(retries={"max_attempts": 0}, read_timeout=120)
        client = lambda service: boto3.client(service, endpoint_url=f"http://{host}:{port}", config=config)
        ec2, cloud, iam, scaling = client("ec2"), client("cloudformation"), client("iam"), client("autoscaling")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        has = {
            "VPC": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
            "SUBNET": subnets[0],
            "SUBNETS": ",".join(subnets[:2]),
            "IMAGE": ec2.describe_images()["Images"][0]["ImageId"],
            "KEY_PAIR": ec2.create_key_pair(KeyName="people")["KeyName"],
            "CERTIFICATE": client("acm").request_certificate(DomainName="pictures.example.com")["CertificateArn"],
            "KEY": client("kms").create_key()["KeyMetadata"]["Arn"],
        }
        s3 = client("s3")
        s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_object(Bucket="templates", Key="network.json", Body=asked["network"])
        has["NETWORK"] = "https://templates.s3.eu-central-1.amazonaws.com/network.json"
        answers = {}
        for i, variant in enumerate(asked["variants"]):
            parameters = {**asked["parameters"], **variant["parameters"]}
            named = {key: has.get(value, value) for key, value in parameters.items()}
            asked_iam = iam if variant.get("roles") else None
            answers[variant["name"]] = create(cloud, asked_iam, scaling, ec2, f"pictures-{i}", asked["template"], named)
        json.dump(answers, sys.stdout)
    finally:
        server.stop()


main()
