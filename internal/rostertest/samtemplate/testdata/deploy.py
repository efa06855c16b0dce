"""Deploys template.yaml, as SAM translates it, into moto's CloudFormation, and prints as JSON what is there then.

Its arguments are the template's path and the profile. It reaches nothing: moto stands in for AWS within this process.
"""
import io
import json
import os
import sys
import zipfile

os.environ.update(AWS_ACCESS_KEY_ID="roster", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1",
                  MOTO_IAM_LOAD_MANAGED_POLICIES="false")

import boto3
from moto import mock_aws
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# What moto has not got, or gets wrong: it makes no aliases, so whoever comes by one is given the function, and does not read the methods of
# an API from its body, so there is nothing to deploy to a stage.
NOT_IN_MOTO = (
    "AWS::Lambda::Alias", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage",
    "AWS::WAFv2::WebACLAssociation",
)

BUCKET, KEY = "artifacts", "code.zip"


class NoManagedPolicies:
    """What the translator asks for the names of managed policies; the template has none."""

    def load(self):
        return {}


def translated(path, profile):
    with open(path) as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        # What sam package does: code and nested templates go to a bucket.
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": KEY}
        if resource["Type"] == "AWS::CloudFormation::Stack":
            name = resource["Properties"]["TemplateURL"]
            resource["Properties"]["TemplateURL"] = "https://s3.amazonaws.com/%s/%s" % (BUCKET, name)
    template = transform(template, {"Profile": profile, "AlarmEmail": "ops@roster.example"}, NoManagedPolicies())
    template["Resources"] = {k: v for k, v in by_function(template["Resources"]).items() if v["Type"] not in NOT_IN_MOTO}
    return template


def by_function(value):
    if isinstance(value, dict):
        if set(value) == {"Ref"} and str(value["Ref"]).endswith("FunctionAliaslive"):
            return {"Fn::GetAtt": [value["Ref"][: -len("Aliaslive")], "Arn"]}
        return {k: by_function(v) for k, v in value.items() if k != "DependsOn" or "Alias" not in json.dumps(v)}
    if isinstance(value, list):
        return [by_function(v) for v in value]
    return value.replace("FunctionAliaslive}", "Function.Arn}") if isinstance(value, str) else value


@mock_aws
def main(path, profile):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("bootstrap", "code")
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=code.getvalue())
    folder = os.path.join(os.path.dirname(path), "infra", "watch")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            s3.put_object(Bucket=BUCKET, Key="infra/watch/" + name, Body=file.read())
    template = translated(path, profile)
    body = json.dumps(template)
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=body.encode())
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="roster", TemplateURL="https://s3.amazonaws.com/%s/template.json" % BUCKET, Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "Profile", "ParameterValue": profile}, {"ParameterKey": "AlarmEmail", "ParameterValue": "ops@roster.example"}],
    )
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName="roster")
    physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
    made = {}
    for logical, one in template["Resources"].items():
        id = physical.get(logical)
        if id is None:
            continue
        made[logical] = {"type": one["Type"], "settings": settings(one["Type"], id)}
    waits = template["Resources"]["Api"].get("DependsOn", [])
    json.dump({"waits": [waits] if isinstance(waits, str) else waits,
               "translated": {k: v["Type"] for k, v in template["Resources"].items() if not unmade(v, profile)}, "made": made}, sys.stdout, default=str)


def unmade(resource, profile):
    """Whether the resource's condition, which is one of the two below or depends on parameters left empty, does not hold."""
    condition = resource.get("Condition")
    return condition is not None and not (profile == "prod" and condition in ("Production", "MailsAlarms"))


def settings(kind, id):
    if kind == "AWS::DynamoDB::Table":
        client = boto3.client("dynamodb")
        table = client.describe_table(TableName=id)["Table"]
        table["TTL"] = client.describe_time_to_live(TableName=id)["TimeToLiveDescription"]
        table["Backups"] = client.describe_continuous_backups(TableName=id)["ContinuousBackupsDescription"]
        return table
    if kind == "AWS::Lambda::Function":
        return boto3.client("lambda").get_function(FunctionName=id)["Configuration"]
    if kind == "AWS::IAM::Role":
        client = boto3.client("iam")
        names = client.list_role_policies(RoleName=id)["PolicyNames"]
        return {"Policies": [client.get_role_policy(RoleName=id, PolicyName=n)["PolicyDocument"] for n in names]}
    if kind == "AWS::SQS::Queue":
        return boto3.client("sqs").get_queue_attributes(QueueUrl=id, AttributeNames=["All"])["Attributes"]
    if kind == "AWS::Logs::LogGroup":
        groups = boto3.client("logs").describe_log_groups(logGroupNamePrefix=id)["logGroups"]
        return groups[0] if groups else {}
    if kind == "AWS::Lambda::EventSourceMapping":
        return boto3.client("lambda").get_event_source_mapping(UUID=id)
    return {}


main(os.path.abspath(sys.argv[1]), sys.argv[2])
