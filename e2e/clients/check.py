#!/usr/bin/env python3
"""Holds an API of Amazon EC2 and STS to boto3, over the network in network.yaml.

It is told by AWS_ENDPOINT_URL and the usual variables where the API is. What is wrong
is printed, and makes it fail. Flow logs that are there already are deleted.
"""

import datetime
import json
import os
import re
import sys

import boto3
import botocore.config
import botocore.exceptions
from botocore import xform_name

here = os.path.dirname(os.path.abspath(__file__))
wrong, checked = [], 0


def client(service, **keys):
    # boto3 before 1.28 does not know AWS_ENDPOINT_URL.
    config = botocore.config.Config(retries={"max_attempts": 2})
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=config, **keys)


def check(what, got, want):
    global checked
    checked += 1
    if got != want:
        wrong.append(f"{what}:\n   got {show(got)}\n  want {show(want)}")


def show(value):
    return json.dumps(value, indent=1, sort_keys=True, default=str, ensure_ascii=False)


def full(value):
    """Returns a value without lists, objects and members that have nothing in them, and
    without the address of this run."""
    if value == os.environ["AWS_ENDPOINT_URL"].split("//")[1]:
        return "ADDRESS"
    if isinstance(value, dict):
        value = {k: full(v) for k, v in value.items() if k != "ResponseMetadata"}
        return {k: v for k, v in value.items() if v not in (None, [], {})}
    if isinstance(value, list):
        return [full(v) for v in value]
    return value


def known(shape, value):
    """Returns a value without members that the client is too old to know."""
    if shape.type_name == "structure":
        return {k: known(shape.members[k], v) for k, v in value.items() if k in shape.members}
    if shape.type_name == "list":
        return [known(shape.member, v) for v in value]
    return value


def shape(call, of="output_shape"):
    return getattr(ec2.meta.service_model.operation_model(call), of)


def ask(call, params, c=None):
    params = known(shape(call, "input_shape"), {k: v for k, v in params.items() if v is not None})
    return getattr(c or ec2, xform_name(call))(**params)


def refused(what, run, code, message=None, status=400):
    try:
        got = run()
    except botocore.exceptions.ClientError as e:
        r = e.response
        check(what + ": code", r["Error"]["Code"], code)
        check(what + ": status", r["ResponseMetadata"]["HTTPStatusCode"], status)
        check(what + ": request id", bool(r["ResponseMetadata"].get("RequestId")), True)
        if message is not None:
            check(what + ": message", r["Error"]["Message"], message)
        elif not r["Error"]["Message"]:
            check(what + ": message", "", "some")
    else:
        check(what, got, code)


def logs(**params):
    return ask("DescribeFlowLogs", params)["FlowLogs"]


def delete_all():
    ids = [f["FlowLogId"] for f in logs()]
    if ids:
        check("deleted", full(ask("DeleteFlowLogs", {"FlowLogIds": ids})), {})
    check("flow logs that are left", logs(), [])


def check_fields():
    for case in cases["logs"]:
        create = case["create"]
        made = ask("CreateFlowLogs", create)
        resources = list(dict.fromkeys(create["ResourceIds"]))
        check("unsuccessful", made["Unsuccessful"], [])
        if "ClientToken" in create:
            check("client token", made["ClientToken"], create["ClientToken"])
        check("there is a client token", bool(made["ClientToken"]), True)
        got = logs(FlowLogIds=made["FlowLogIds"])
        check("flow logs", sorted(f["FlowLogId"] for f in got), sorted(made["FlowLogIds"]))
        want = {"FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "SUCCESS"}
        passed_on = {"TrafficType", "LogDestinationType", "LogDestination", "LogFormat", "MaxAggregationInterval", "DestinationOptions",
                     "LogGroupName", "DeliverLogsPermissionArn", "DeliverCrossAccountRole", "TagFieldSpecifications"}
        want.update({k: v for k, v in create.items() if k in passed_on})
        for spec in create.get("TagSpecifications", []):
            want["Tags"] = spec["Tags"]
        want.update(case["describe"])
        want = known(shape("DescribeFlowLogs").members["FlowLogs"].member, want)
        for f in got:
            age = datetime.datetime.now(datetime.timezone.utc) - f.pop("CreationTime")
            check("age", datetime.timedelta(0) <= age < datetime.timedelta(minutes=1), True)
            check("id", bool(re.fullmatch("fl-[0-9a-f]{17}", f.pop("FlowLogId"))), True)
        check("resources", sorted(f.pop("ResourceId") for f in got), sorted(resources))
        for f in got:
            check(case["//"], full(f), want)
    for name, value, n in [
        ("deliver-log-status", "FAILED", 0), ("log-destination-type", "s3", 4), ("log-group-name", "g", 1), ("log-group-name", "g*", 2),
        ("resource-id", "vpc-0a1b2c3d4e5f60718", 1), ("traffic-type", "ACCEPT", 2), ("tag:Name", "x y", 1), ("tag-key", "ümlaut <&>", 1), ("tag:empty", "", 1),
        ("flow-log-id", logs()[0]["FlowLogId"], 1),
    ]:
        check(f"filter {name}={value}", len(logs(Filter=[{"Name": name, "Values": [value]}])), n)
    # One that is given by its id alone, and one that is not there.
    f = logs()[0]
    check("by id", logs(FlowLogIds=[f["FlowLogId"], "fl-0123456789abcdef0"]), [f])


def check_undeliverable():
    for u in cases["undeliverable"]:
        got = ask("CreateFlowLogs", dict(cases["base"], LogDestination="arn:aws:s3:::" + u["bucket"]))
        got.pop("ClientToken")
        check(u["bucket"], full(got), {"Unsuccessful": [{"ResourceId": cases["base"]["ResourceIds"][0], "Error": {"Code": "400", "Message": u["message"]}}]})
        check(u["bucket"], got["FlowLogIds"], [])


def check_errors():
    for e in cases["errors"]:
        params = dict(cases["base"], **e["with"]) if e["call"] == "CreateFlowLogs" else e["with"]
        refused(f"{e['call']} {json.dumps(e['with'])}", lambda: ask(e["call"], params), e["code"], e.get("message"), e.get("status", 400))
    before = logs()
    ask("CreateFlowLogs", cases["base"])
    refused("the same again", lambda: ask("CreateFlowLogs", cases["base"]), "FlowLogAlreadyExists",
            "Error. There is an existing Flow Log with the same configuration and log destination.")
    check("only one was made", len(logs()), len(before) + 1)


def check_keys():
    text = "AWS was not able to validate the provided access credentials"
    good = os.environ["AWS_ACCESS_KEY_ID"]
    for what, keys in {"secret": {"aws_access_key_id": good, "aws_secret_access_key": "wrong"},
                       "key": {"aws_access_key_id": "AKIAIOSFODNN7NOTHERE", "aws_secret_access_key": "wrong"}}.items():
        refused("wrong " + what, lambda: client("ec2", **keys).describe_flow_logs(), "AuthFailure", text, 401)
    refused("wrong secret, STS", client("sts", aws_access_key_id=good, aws_secret_access_key="wrong").get_caller_identity, "SignatureDoesNotMatch", None, 403)
    refused("wrong key, STS", client("sts", aws_access_key_id="AKIAIOSFODNN7NOTHERE", aws_secret_access_key="wrong").get_caller_identity,
            "InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    got = full(client("sts").get_caller_identity())
    check("caller", got, {"UserId": got.get("UserId"), "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root"})
    check("user id", bool(got.get("UserId")), True)


def check_tokens():
    params = dict(cases["base"], LogDestination="arn:aws:s3:::tokens", ClientToken="once")
    before = len(logs())
    first = full(ask("CreateFlowLogs", params))
    check("the same token again", full(ask("CreateFlowLogs", params)), first)
    check("one was made", len(logs()), before + 1)
    refused("the same token for something else", lambda: ask("CreateFlowLogs", dict(params, TrafficType="REJECT")),
            "IdempotentParameterMismatch", "The client token once was used before, with other parameters")
    # The client believes that its first attempt failed, and tries again by itself.
    attempts = []

    def lost(**event):
        attempts.append(event["response"][1]["FlowLogIds"])
        return 1.1 if len(attempts) == 1 else None

    ec2.meta.events.register_first("needs-retry.ec2.CreateFlowLogs", lost)
    made = ask("CreateFlowLogs", dict(params, LogDestination="arn:aws:s3:::retried", ClientToken="retried"))
    ec2.meta.events.unregister("needs-retry.ec2.CreateFlowLogs", lost)
    check("attempts", attempts, [made["FlowLogIds"], made["FlowLogIds"]])
    check("one was made of two attempts", len(logs()), before + 2)


def check_tags():
    made = ask("CreateFlowLogs", dict(cases["base"], LogDestination="arn:aws:s3:::tags"))
    tagged = dict(cases["tagged"], **{"vpc-flow-log": made["FlowLogIds"][0]})
    before = full(ask("DescribeTags", {}))
    own = {id: [t for t in before["Tags"] if t["ResourceId"] == id] for id in tagged.values()}
    tags = [{"Key": "a", "Value": "1"}, {"Key": "ü +&", "Value": "2 <"}, {"Key": "z", "Value": ""}]
    ids = list(tagged.values())
    check("CreateTags", full(ask("CreateTags", {"Resources": ids, "Tags": tags})), {})

    def of(id):
        return full(ask("DescribeTags", {"Filters": [{"Name": "resource-id", "Values": [id]}]})).get("Tags", [])

    by_key = lambda t: t["Key"]
    for kind, id in tagged.items():
        want = own[id] + [{"ResourceId": id, "ResourceType": kind, "Key": t["Key"], "Value": t["Value"]} for t in tags]
        check("tags of " + kind, of(id), sorted(want, key=by_key))
        call, member, results = {
            "vpc": ("DescribeVpcs", "VpcIds", lambda r: r["Vpcs"]), "subnet": ("DescribeSubnets", "SubnetIds", lambda r: r["Subnets"]),
            "network-interface": ("DescribeNetworkInterfaces", "NetworkInterfaceIds", lambda r: r["NetworkInterfaces"]),
            "instance": ("DescribeInstances", "InstanceIds", lambda r: r["Reservations"][0]["Instances"]),
            "security-group": ("DescribeSecurityGroups", "GroupIds", lambda r: r["SecurityGroups"]),
            "network-acl": ("DescribeNetworkAcls", "NetworkAclIds", lambda r: r["NetworkAcls"]),
            "vpc-flow-log": ("DescribeFlowLogs", "FlowLogIds", lambda r: r["FlowLogs"]),
        }[kind]
        got = results(ask(call, {member: [id]}))[0]
        check(f"tags of {kind}, described", got.get("Tags", got.get("TagSet")), [{"Key": t["Key"], "Value": t["Value"]} for t in sorted(want, key=by_key)])
        check(f"{kind} by tag", len(results(ask(call, {"Filter" if kind == "vpc-flow-log" else "Filters": [{"Name": "tag:ü +&", "Values": ["2 <"]}]}))), 1)
    ask("DeleteTags", {"Resources": ids, "Tags": [{"Key": "a", "Value": "another"}]})
    check("a tag with another value stays", len(of(ids[0])), len(own[ids[0]]) + 3)
    ask("DeleteTags", {"Resources": ids, "Tags": [{"Key": "a"}, {"Key": "ü +&", "Value": "2 <"}, {"Key": "z", "Value": ""}]})
    check("all as before", full(ask("DescribeTags", {})), before)
    ask("CreateTags", {"Resources": [tagged["vpc-flow-log"]], "Tags": tags})
    ask("DeleteTags", {"Resources": [tagged["vpc-flow-log"]]})
    check("no tags left", of(tagged["vpc-flow-log"]), [])


def check_template():
    made = ask("CreateFlowLogs", dict(cases["base"], LogDestination="arn:aws:s3:::template"))
    now = datetime.datetime.now(datetime.timezone.utc)
    got = ask("GetFlowLogsIntegrationTemplate", {
        "FlowLogId": made["FlowLogIds"][0], "ConfigDeliveryS3DestinationArn": "arn:aws:s3:::c",
        "IntegrateServices": {"AthenaIntegrations": [
            {"IntegrationResultS3DestinationArn": "arn:aws:s3:::r/x", "PartitionLoadFrequency": "none",
             "PartitionStartDate": now.replace(year=2020, day=1), "PartitionEndDate": now - datetime.timedelta(hours=1)},
            {"IntegrationResultS3DestinationArn": "arn:aws:s3:::r/y", "PartitionLoadFrequency": "daily"},
        ]}})
    resources = json.loads(got["Result"])["Resources"]
    check("tables", len([r for r in resources.values() if r["Type"] == "AWS::Glue::Table"]), 2)
    check("years", resources["VpcFlowLogsTable1"]["Properties"]["TableInput"]["Parameters"]["projection.year.range"], f"2020,{(now - datetime.timedelta(hours=1)).year}")


def check_pages():
    delete_all()
    ids = [i["NetworkInterfaceId"] for i in ask("DescribeNetworkInterfaces", {})["NetworkInterfaces"]][:12]
    tag = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "page", "Value": "p"}]}]
    ask("CreateFlowLogs", dict(cases["base"], ResourceIds=ids, ResourceType="NetworkInterface", TagSpecifications=tag))
    for p in cases["pages"]:
        ids_of = lambda r: [tuple(item[k] for k in p["id"]) for item in r[p["list"]]]
        want = ids_of(ask(p["call"], {}))
        pages = [ids_of(page) for page in ec2.get_paginator(xform_name(p["call"])).paginate(PaginationConfig={"PageSize": 5})]
        got = [id for page in pages for id in page]
        check(p["call"] + ": pages", [len(page) for page in pages], [5] * (len(want) // 5) + [len(want) % 5] * (len(want) % 5 > 0))
        check(p["call"] + ": each once", got, want)
        check(p["call"] + ": no two alike", len(set(got)), p.get("n", len(want)))
    delete_all()


def check_answers(update):
    path = os.path.join(here, "answers.json")
    if update:
        out = [{"call": d["call"], "with": d["with"], "answer": full(ask(d["call"], d["with"]))} for d in cases["describe"]]
        with open(path, "w") as f:
            f.write("[\n" + ",\n".join(show(o) for o in out) + "\n]\n")
    with open(path) as f:
        for a in json.load(f):
            check(f"{a['call']} {json.dumps(a['with'])}", full(ask(a["call"], a["with"])), known(shape(a["call"]), a["answer"]))
    waiter = ec2.get_waiter("instance_running")
    waiter.wait(InstanceIds=["i-0a1b2c3d4e5f60701"], WaiterConfig={"MaxAttempts": 1})


if __name__ == "__main__":
    with open(os.path.join(here, "cases.json")) as f:
        cases = json.load(f)
    ec2 = client("ec2")
    delete_all()
    for step in [lambda: check_answers("--update" in sys.argv), check_fields, check_undeliverable, check_errors, check_keys,
                 check_tokens, check_tags, check_template, check_pages]:
        step()
    for w in wrong:
        print(w)
    print(f"boto3 {boto3.__version__}: {checked} checks, {len(wrong)} wrong")
    sys.exit(bool(wrong))
