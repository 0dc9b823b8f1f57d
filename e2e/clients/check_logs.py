#!/usr/bin/env python3
"""Holds an API of CloudWatch Logs to boto3.

It is told by AWS_ENDPOINT_URL and the usual variables where the API is. What is wrong
is printed, and makes it fail. The log groups that it makes begin with /weir-check/.
"""

import json
import os
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

wrong, checked = [], 0
config = botocore.config.Config(retries={"max_attempts": 1}, inject_host_prefix=False)
logs = boto3.client("logs", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=config)
group, other = "/weir-check/flow", "/weir-check/other"


def check(what, got, want):
    global checked
    checked += 1
    if got != want:
        wrong.append(f"{what}:\n   got {got!r}\n  want {want!r}")


def refused(what, code, run, **params):
    try:
        check(what, run(**params), code)
    except botocore.exceptions.ClientError as e:
        check(what, e.response["Error"]["Code"], code)
        check(what + ": status", e.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        check(what + ": request id", bool(e.response["ResponseMetadata"].get("RequestId")), True)


def knows(operation, parameter=None):
    """Says whether this boto3 has an operation, and whether a parameter may be left out."""
    model = logs.meta.service_model
    return operation in model.operation_names and (
        parameter is None or parameter not in model.operation_model(operation).input_shape.required_members)


def pages(call, items, size, **params):
    """Returns all items of a call that is asked in pages of a size."""
    out = []
    for page in logs.get_paginator(call).paginate(PaginationConfig={"PageSize": size}, **params):
        out += page[items]
    return out


def get(forward, **params):
    """Returns the messages of a stream, read page by page in a direction."""
    out, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = logs.get_log_events(startFromHead=forward, **params, **more)
        messages = [e["message"] for e in page["events"]]
        out = out + messages if forward else messages + out
        following = page["nextForwardToken" if forward else "nextBackwardToken"]
        if following == token:
            return out
        token = following


def delete_all():
    for g in pages("describe_log_groups", "logGroups", 50, logGroupNamePrefix="/weir-check/"):
        logs.delete_log_group(logGroupName=g["logGroupName"])


def check_groups():
    logs.create_log_group(logGroupName=group, tags={"Team": "net"})
    refused("a group again", "ResourceAlreadyExistsException", logs.create_log_group, logGroupName=group)
    refused("no group", "ResourceNotFoundException", logs.describe_log_streams, logGroupName="/weir-check/x")
    refused("a bad name", "InvalidParameterException", logs.create_log_group, logGroupName="a b")
    for i in range(5):
        logs.create_log_group(logGroupName=f"{other}{i}")
    found = pages("describe_log_groups", "logGroups", 2, logGroupNamePrefix="/weir-check/")
    check("groups", [g["logGroupName"] for g in found], [group] + [f"{other}{i}" for i in range(5)])
    arn = found[0]["arn"]
    check("its ARN", arn.split(":")[5:], ["log-group", group, "*"])
    logs.put_retention_policy(logGroupName=group, retentionInDays=30)
    check("retention", logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"], 30)
    logs.delete_retention_policy(logGroupName=group)
    check("no retention", "retentionInDays" in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0], False)
    arn = arn.removesuffix(":*")
    logs.tag_resource(resourceArn=arn, tags={"a": "b"})
    logs.untag_resource(resourceArn=arn, tagKeys=["Team"])
    logs.tag_log_group(logGroupName=group, tags={"c": ""})
    check("tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"a": "b", "c": ""})
    check("tags as of old", logs.list_tags_log_group(logGroupName=group)["tags"], {"a": "b", "c": ""})
    return arn


def check_events(arn):
    now = int(time.time() * 1000)
    all = []
    for i in range(60):
        stream = f"eni-{i % 3}"
        if i < 3:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        message = f"2 123456789012 {stream} 10.0.0.1 10.0.0.2 {i} 443 6 1 {i * 100} 1 2 {'ACCEPT' if i % 2 else 'REJECT'} OK"
        answer = logs.put_log_events(
            logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now + i // 4, "message": message}]
        )
        check("nothing is rejected", "rejectedLogEventsInfo" in answer, False)
        all.append((stream, now + i // 4, message))
    answer = logs.put_log_events(
        logGroupName=group, logStreamName="eni-0",
        logEvents=[{"timestamp": now - 15 * 86400000, "message": "old"}],
    )
    check("too old", answer["rejectedLogEventsInfo"], {"tooOldLogEventEndIndex": 1})
    by = {"logGroupIdentifier": arn} if knows("DescribeLogStreams", "logGroupName") else {"logGroupName": group}
    check("streams", [s["logStreamName"] for s in pages("describe_log_streams", "logStreams", 1, **by)],
          ["eni-0", "eni-1", "eni-2"])
    check("streams by time", [s["logStreamName"] for s in pages(
        "describe_log_streams", "logStreams", 2, logGroupName=group, orderBy="LastEventTime", descending=True)],
        ["eni-2", "eni-1", "eni-0"])
    for size in (1, 7, 1000):
        found = pages("filter_log_events", "events", size, logGroupName=group)
        check(f"all, {size} at a time", [(e["logStreamName"], e["timestamp"], e["message"]) for e in found], all)
        check("their ids", len({e["eventId"] for e in found}), len(all))
        mine = [m for s, _, m in all if s == "eni-1"]
        for forward in (True, False):
            check(f"a stream, {size} at a time, forward: {forward}", get(
                forward, logGroupName=group, logStreamName="eni-1", limit=size), mine)
    found = pages("filter_log_events", "events", 3, logGroupName=group, filterPattern="[v, account, eni, src, dst, sport, dport, p, n, bytes > 5000, start, end, action=ACCEPT, status]")
    check("by a pattern", [e["message"] for e in found], [m for i, (_, _, m) in enumerate(all) if i * 100 > 5000 and i % 2])
    found = pages("filter_log_events", "events", 5, logGroupName=group, logStreamNamePrefix="eni-2", startTime=now + 5, endTime=now + 10)
    check("by times", [e["message"] for e in found], [m for s, t, m in all if s == "eni-2" and now + 5 <= t <= now + 10])
    return now


def check_filters():
    logs.put_metric_filter(
        logGroupName=group, filterName="f", filterPattern="REJECT",
        metricTransformations=[{"metricName": "Refused", "metricNamespace": "Net", "metricValue": "1", "defaultValue": 0}],
    )
    found = pages("describe_metric_filters", "metricFilters", 1, logGroupName=group)
    check("a metric filter", found[0]["metricTransformations"],
          [{"metricName": "Refused", "metricNamespace": "Net", "metricValue": "1", "defaultValue": 0.0}])
    out = logs.test_metric_filter(filterPattern="{ $.a > 1 }", logEventMessages=['{"a":1}', '{"a":2}'])
    check("a pattern", out["matches"], [{"eventNumber": 2, "eventMessage": '{"a":2}', "extractedValues": {"$.a": "2"}}])
    logs.delete_metric_filter(logGroupName=group, filterName="f")
    refused("it again", "ResourceNotFoundException", logs.delete_metric_filter, logGroupName=group, filterName="f")


def check_queries(now):
    query = logs.start_query(
        logGroupNames=[group], startTime=now // 1000, endTime=now // 1000 + 1,
        queryString="filter action = 'REJECT' | stats count(*) as n, sum(bytes) as b by interfaceId | sort interfaceId",
    )["queryId"]
    for _ in range(1000):
        out = logs.get_query_results(queryId=query)
        if out["status"] not in ("Scheduled", "Running"):
            break
        time.sleep(0.01)
    check("a query", (out["status"], [{f["field"]: f["value"] for f in row} for row in out["results"]]), (
        "Complete", [{"interfaceId": f"eni-{k}", "n": "10", "b": str(sum(i * 100 for i in range(0, 60, 2) if i % 3 == k))} for k in range(3)]))
    check("queries", [q["queryId"] for q in pages("describe_queries", "queries", 1, logGroupName=group)], [query])
    try:
        logs.start_query(logGroupName=group, startTime=1, endTime=2, queryString="fields @message | nonsense")
        check("a query that is none", "taken", "refused")
    except logs.exceptions.MalformedQueryException as e:
        check("where it is wrong", "queryCompileError" in e.response, True)


def check_tail(arn):
    stream = logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    seen = []
    for event in stream:
        if "sessionStart" in event:
            check("a tail", event["sessionStart"]["logGroupIdentifiers"], [arn])
        elif not seen:
            seen.append("")
            logs.put_log_events(logGroupName=group, logStreamName="eni-0",
                                logEvents=[{"timestamp": int(time.time() * 1000), "message": "tailed"}])
        else:
            seen += [e["message"] for e in event["sessionUpdate"]["sessionResults"]]
            if len(seen) > 1:
                break
    stream.close()
    check("what came", seen, ["", "tailed"])


delete_all()
arn = check_groups()
now = check_events(arn)
check_filters()
check_queries(now)
if knows("StartLiveTail"):
    check_tail(arn)
delete_all()
check("nothing is left", logs.describe_log_groups(logGroupNamePrefix="/weir-check/")["logGroups"], [])
print(f"boto3 {boto3.__version__}: {checked} checks, {len(wrong)} wrong")
for w in wrong:
    print(w)
sys.exit(bool(wrong))
