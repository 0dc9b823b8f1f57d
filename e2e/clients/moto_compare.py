#!/usr/bin/env python3
"""Asks moto's server what check.py asks, and prints where its answers are others.

AWS_ENDPOINT_URL says where Weir is. What is in an answer is compared by name only, since
the two know different networks; errors are compared by code, status and text. Which of
the two is right is in docs/decisions/0012-amazons-api.md.
"""

import json
import os
import socket
import subprocess
import sys
import time

import boto3
import botocore.exceptions
import moto
from botocore import xform_name

here = os.path.dirname(os.path.abspath(__file__))


def clients(url):
    return {s: boto3.client(s, endpoint_url=url) for s in ("ec2", "sts", "s3")}


def start_moto():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    server.kill()
    sys.exit("moto does not start")


def furnish(c):
    """Gives moto a network, and returns its ids by those in network.yaml."""
    ec2 = c["ec2"]
    for b in ("logs", "errors", "tokens", "other"):
        c["s3"].create_bucket(Bucket=b, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    vpcs = [ec2.create_vpc(CidrBlock=n)["Vpc"]["VpcId"] for n in ("10.0.0.0/16", "10.8.0.0/16")]
    subnets = [ec2.create_subnet(VpcId=v, CidrBlock=n)["Subnet"]["SubnetId"] for v, n in zip((vpcs[0], vpcs[0], vpcs[1]), ("10.0.1.0/24", "10.0.2.0/24", "10.8.0.0/20"))]
    group = ec2.create_security_group(GroupName="web", Description="web servers", VpcId=vpcs[0])["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "HTTPS"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "UserIdGroupPairs": [{"GroupId": group}]}])
    image = ec2.describe_images()["Images"][0]["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnets[0], SecurityGroupIds=[group])["Instances"][0]["InstanceId"]
    enis = [ec2.create_network_interface(SubnetId=subnets[0], Groups=[group], Description="front door")["NetworkInterface"]["NetworkInterfaceId"] for _ in range(2)]
    ec2.attach_network_interface(NetworkInterfaceId=enis[0], InstanceId=instance, DeviceIndex=1)
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": vpcs}])["NetworkAcls"]
    ids = {"vpc-0a1b2c3d4e5f60718": vpcs[0], "vpc-0b1b2c3d4e5f60718": vpcs[1], "eni-0a1b2c3d4e5f60701": enis[0], "eni-0a1b2c3d4e5f60702": enis[1]}
    ids.update({"subnet-0%s1b2c3d4e5f60718" % x: s for x, s in zip("abc", subnets)})
    ids.update({"i-0a1b2c3d4e5f60701": instance, "sg-0a1b2c3d4e5f60718": group, "acl-0a1b2c3d4e5f60718": acls[0]["NetworkAclId"]})
    return ids


def replaced(value, ids):
    text = json.dumps(value, default=str)
    for old, new in ids.items():
        text = text.replace(old, new)
    return json.loads(text)


def names(value, at=""):
    """Returns the names of all members, however deep."""
    if isinstance(value, dict):
        return set().union(*({f"{at}.{k}".lstrip(".")} | names(v, f"{at}.{k}") for k, v in value.items())) if value else set()
    if isinstance(value, list):
        return set().union(*(names(v, at + "[]") for v in value)) if value else set()
    return set()


def without_parts(names):
    """Leaves out names of what is part of something that is named, too."""
    return ", ".join(sorted(n for n in names if not any(n != m and n.startswith((m + ".", m + "[]")) for m in names)))


def outcome(c, service, call, params, ids):
    params = {k: v for k, v in replaced(params, ids).items() if v is not None}
    back = {new: old for old, new in ids.items()}
    try:
        got = getattr(c[service], xform_name(call))(**params)
    except botocore.exceptions.ClientError as e:
        r = e.response
        return None, replaced([r["Error"]["Code"], r["ResponseMetadata"]["HTTPStatusCode"], r["Error"]["Message"]], back)
    got.pop("ResponseMetadata")
    return replaced(got, back), None


def steps(cases):
    known = boto3.client("ec2").meta.service_model.operation_model("CreateFlowLogs").input_shape.members
    for case in cases["logs"]:
        create = {k: v for k, v in case["create"].items() if k in known}
        if create.get("LogDestinationType") == "s3":
            yield case["//"], "ec2", "CreateFlowLogs", create
    yield "a log group by its name", "ec2", "CreateFlowLogs", cases["logs"][3]["create"]
    yield "flow logs", "ec2", "DescribeFlowLogs", {}
    yield "undeliverable", "ec2", "CreateFlowLogs", dict(cases["base"], LogDestination="arn:aws:s3:::nowhere")
    for n in (1, 2):
        yield f"client token, attempt {n}", "ec2", "CreateFlowLogs", dict(cases["base"], LogDestination="arn:aws:s3:::tokens", ClientToken="t")
    for n in (1, 2):
        yield f"without a client token, attempt {n}", "ec2", "CreateFlowLogs", dict(cases["base"], TrafficType="REJECT")
    for e in cases["errors"]:
        params = dict(cases["base"], **e["with"]) if e["call"] == "CreateFlowLogs" else e["with"]
        if "LogDestination" in params and e["call"] == "CreateFlowLogs" and params["LogDestination"]:
            params = dict(params, LogDestination="arn:aws:s3:::other")
        yield json.dumps(e["with"]), "ec2", e["call"], params
    yield "tags", "ec2", "CreateTags", {"Resources": ["vpc-0a1b2c3d4e5f60718"], "Tags": [{"Key": "a", "Value": "b"}]}
    for d in cases["describe"]:
        if set(d["with"]) <= {"Filters"} and "Filters" not in d["with"] or "InstanceIds" in d["with"]:
            yield json.dumps(d["with"]), "ec2", d["call"], d["with"]
    yield "", "sts", "GetCallerIdentity", {}


def main():
    with open(os.path.join(here, "cases.json")) as f:
        cases = json.load(f)
    weir = clients(os.environ["AWS_ENDPOINT_URL"])
    server, url = start_moto()
    try:
        theirs = clients(url)
        ids = furnish(theirs)
        n = differ = 0
        for what, service, call, params in steps(cases):
            n += 1
            if "attempt 2" in what:
                time.sleep(1.1)
            ours, refusal = outcome(weir, service, call, params, {})
            try:
                other, other_refusal = outcome(theirs, service, call, params, ids)
            except Exception as e:  # moto answers some calls with what no client can read
                other, other_refusal = None, [type(e).__name__, 0, str(e)]
            lines = []
            if refusal != other_refusal:
                lines += [f"   Weir: {refusal or 'done: ' + json.dumps(ours)[:200]}", f"   moto: {other_refusal or 'done: ' + json.dumps(other)[:200]}"]
            elif not refusal:
                a, b = names(ours), names(other)
                lines += [f"   only Weir: {without_parts(a - b)}"] * bool(a - b) + [f"   only moto: {without_parts(b - a)}"] * bool(b - a)
                if call == "CreateFlowLogs" and ours["Unsuccessful"] != other["Unsuccessful"]:
                    lines += [f"   Weir: {ours['Unsuccessful']}", f"   moto: {other['Unsuccessful']}"]
                if "attempt" in what and len(ours["FlowLogIds"]) != len(other["FlowLogIds"]):
                    lines += [f"   flow logs: {len(ours['FlowLogIds'])} and {len(other['FlowLogIds'])}"]
            if call == "CreateFlowLogs" and refusal and other and other["FlowLogIds"]:
                theirs["ec2"].delete_flow_logs(FlowLogIds=other["FlowLogIds"])  # or it is in the way of the next
            if lines:
                differ += 1
                print(f"{call} {what}", *lines, sep="\n")
        for who, c in ("Weir", weir), ("moto", theirs):
            logs = [f for f in c["ec2"].describe_flow_logs()["FlowLogs"] if f.get("LogDestination", "").endswith(":tokens")]
            print(f"{who} has {len(logs)} flow log(s) of two attempts with one client token")
        print(f"moto {moto.__version__}: {n} calls, {differ} answered in another way")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
