// Holds an API of Amazon EC2 and STS to the AWS SDK for JavaScript, over the network
// in network.yaml. It is told by AWS_ENDPOINT_URL and the usual variables where the API
// is. What is wrong is printed, and makes it fail. Flow logs that are there already are
// deleted.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import * as ec2 from "@aws-sdk/client-ec2";
import * as sts from "@aws-sdk/client-sts";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const cases = read("cases.json");
const client = new ec2.EC2Client({ maxAttempts: 3 });
const wrong = [];
let checked = 0;

function check(what, got, want) {
  checked++;
  if (!isDeepStrictEqual(got, want)) {
    wrong.push(`${what}:\n   got ${JSON.stringify(got, null, 1)}\n  want ${JSON.stringify(want, null, 1)}`);
  }
}

// full returns a value without lists, objects and members that have nothing in them.
function full(value) {
  if (Array.isArray(value)) return value.map(full);
  if (value === process.env.AWS_ENDPOINT_URL.split("//")[1]) return "ADDRESS"; // of this run
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).filter(([k]) => k !== "$metadata").map(([k, v]) => [k, full(v)])
    .filter(([, v]) => v !== undefined && v !== null && !(typeof v === "object" && !(v instanceof Date) && Object.keys(v).length === 0)));
}

function ask(call, params, c = client) {
  const given = Object.fromEntries(Object.entries(params).filter(([, v]) => v !== null));
  return c.send(new ec2[call + "Command"](given));
}

async function refused(what, run, code, message, status = 400, base = ec2.EC2ServiceException) {
  let got;
  try {
    got = await run();
  } catch (e) {
    if (!(e instanceof base)) {
      check(what, String(e), code);
      return;
    }
    check(what + ": code", e.name, code);
    check(what + ": status", e.$metadata.httpStatusCode, status);
    check(what + ": request id", Boolean(e.$metadata.requestId), true);
    check(what + ": message", e.message, message ?? (e.message && e.message !== "UnknownError" ? e.message : "some"));
    return;
  }
  check(what, got, code);
}

const logs = async (params = {}) => (await ask("DescribeFlowLogs", params)).FlowLogs ?? [];

async function deleteAll() {
  const ids = (await logs()).map((f) => f.FlowLogId);
  if (ids.length > 0) check("deleted", full(await ask("DeleteFlowLogs", { FlowLogIds: ids })), {});
  check("flow logs that are left", await logs(), []);
}

async function checkAnswers() {
  for (const a of read("answers.json")) {
    check(`${a.call} ${JSON.stringify(a.with)}`, full(await ask(a.call, a.with)), a.answer);
  }
  await ec2.waitUntilInstanceRunning({ client, maxWaitTime: 60 }, { InstanceIds: ["i-0a1b2c3d4e5f60701"] });
}

async function checkFields() {
  const passedOn = ["TrafficType", "LogDestinationType", "LogDestination", "LogFormat", "MaxAggregationInterval", "DestinationOptions",
    "LogGroupName", "DeliverLogsPermissionArn", "DeliverCrossAccountRole", "TagFieldSpecifications"];
  for (const { create, describe, ...name } of cases.logs) {
    const made = await ask("CreateFlowLogs", create);
    check("unsuccessful", made.Unsuccessful ?? [], []);
    if (create.ClientToken) check("client token", made.ClientToken, create.ClientToken);
    check("there is a client token", Boolean(made.ClientToken), true);
    const got = await logs({ FlowLogIds: made.FlowLogIds });
    check("flow logs", got.map((f) => f.FlowLogId).sort(), made.FlowLogIds.toSorted?.() ?? [...made.FlowLogIds].sort());
    check("resources", got.map((f) => f.ResourceId).sort(), [...new Set(create.ResourceIds)].sort());
    const want = { FlowLogStatus: "ACTIVE", DeliverLogsStatus: "SUCCESS" };
    for (const k of passedOn) if (k in create) want[k] = create[k];
    for (const spec of create.TagSpecifications ?? []) want.Tags = spec.Tags;
    Object.assign(want, describe);
    for (const { CreationTime, FlowLogId, ResourceId, ...rest } of got) {
      const age = Date.now() - CreationTime;
      check("age", age >= 0 && age < 60_000, true);
      check("id", /^fl-[0-9a-f]{17}$/.test(FlowLogId), true);
      check(name["//"], full(rest), want);
    }
  }
  const some = (await logs())[0];
  for (const [name, value, n] of [
    ["deliver-log-status", "FAILED", 0], ["log-destination-type", "s3", 4], ["log-group-name", "g", 1], ["log-group-name", "g*", 2],
    ["resource-id", "vpc-0a1b2c3d4e5f60718", 1], ["traffic-type", "ACCEPT", 2], ["tag:Name", "x y", 1], ["tag-key", "ümlaut <&>", 1],
    ["tag:empty", "", 1], ["flow-log-id", some.FlowLogId, 1],
  ]) {
    check(`filter ${name}=${value}`, (await logs({ Filter: [{ Name: name, Values: [value] }] })).length, n);
  }
  check("by id", await logs({ FlowLogIds: [some.FlowLogId, "fl-0123456789abcdef0"] }), [some]);
}

async function checkUndeliverable() {
  for (const { bucket, message } of cases.undeliverable) {
    const { ClientToken, ...got } = full(await ask("CreateFlowLogs", { ...cases.base, LogDestination: "arn:aws:s3:::" + bucket }));
    check(bucket, got, { Unsuccessful: [{ ResourceId: cases.base.ResourceIds[0], Error: { Code: "400", Message: message } }] });
  }
}

async function checkErrors() {
  for (const e of cases.errors) {
    const params = e.call === "CreateFlowLogs" ? { ...cases.base, ...e.with } : e.with;
    await refused(`${e.call} ${JSON.stringify(e.with)}`, () => ask(e.call, params), e.code, e.message, e.status);
  }
  const before = (await logs()).length;
  await ask("CreateFlowLogs", cases.base);
  await refused("the same again", () => ask("CreateFlowLogs", cases.base), "FlowLogAlreadyExists",
    "Error. There is an existing Flow Log with the same configuration and log destination.");
  check("only one was made", (await logs()).length, before + 1);
}

async function checkKeys() {
  const good = process.env.AWS_ACCESS_KEY_ID, other = "AKIAIOSFODNN7NOTHERE";
  const as = (accessKeyId, make) => new make({ credentials: { accessKeyId, secretAccessKey: "wrong" } });
  const text = "AWS was not able to validate the provided access credentials";
  for (const id of [good, other]) await refused("wrong key " + id, () => ask("DescribeFlowLogs", {}, as(id, ec2.EC2Client)), "AuthFailure", text, 401);
  const who = (c) => c.send(new sts.GetCallerIdentityCommand({}));
  await refused("wrong secret, STS", () => who(as(good, sts.STSClient)), "SignatureDoesNotMatch", undefined, 403, sts.STSServiceException);
  await refused("wrong key, STS", () => who(as(other, sts.STSClient)), "InvalidClientTokenId",
    "The security token included in the request is invalid.", 403, sts.STSServiceException);
  const got = full(await who(new sts.STSClient({})));
  check("caller", got, { UserId: got.UserId, Account: "123456789012", Arn: "arn:aws:iam::123456789012:root" });
  check("user id", Boolean(got.UserId), true);
}

async function checkTokens() {
  const params = { ...cases.base, LogDestination: "arn:aws:s3:::tokens", ClientToken: "once" };
  const before = (await logs()).length;
  const first = full(await ask("CreateFlowLogs", params));
  check("the same token again", full(await ask("CreateFlowLogs", params)), first);
  check("one was made", (await logs()).length, before + 1);
  await refused("the same token for something else", () => ask("CreateFlowLogs", { ...params, TrafficType: "REJECT" }),
    "IdempotentParameterMismatch", "The client token once was used before, with other parameters");
  const many = await Promise.all(Array.from({ length: 5 }, () => ask("CreateFlowLogs", { ...params, LogDestination: "arn:aws:s3:::many", ClientToken: "many" })));
  check("five at once", new Set(many.map((m) => m.FlowLogIds[0])).size, 1);
  // The client does not hear of its first attempt, and tries again by itself.
  const losing = new ec2.EC2Client({ maxAttempts: 3 });
  const attempts = [];
  losing.middlewareStack.add((next) => async (args) => {
    const out = await next(args);
    attempts.push(out.output.FlowLogIds);
    if (attempts.length === 1) throw Object.assign(new Error("lost"), { name: "TimeoutError" });
    return out;
  }, { step: "deserialize", priority: "high" });
  const made = await ask("CreateFlowLogs", { ...params, LogDestination: "arn:aws:s3:::retried", ClientToken: "retried" }, losing);
  check("attempts", attempts, [made.FlowLogIds, made.FlowLogIds]);
  check("one was made of many, and one of two", (await logs()).length, before + 3);
}

async function checkTags() {
  const made = await ask("CreateFlowLogs", { ...cases.base, LogDestination: "arn:aws:s3:::tags" });
  const tagged = { ...cases.tagged, "vpc-flow-log": made.FlowLogIds[0] };
  const ids = Object.values(tagged);
  const of = async (id) => (await ask("DescribeTags", { Filters: [{ Name: "resource-id", Values: [id] }] })).Tags ?? [];
  const before = full(await ask("DescribeTags", {}));
  const own = Object.fromEntries(ids.map((id) => [id, before.Tags.filter((t) => t.ResourceId === id)]));
  const tags = [{ Key: "a", Value: "1" }, { Key: "z", Value: "" }, { Key: "ü +&", Value: "2 <" }];
  const byKey = (a, b) => (a.Key < b.Key ? -1 : 1);
  check("CreateTags", full(await ask("CreateTags", { Resources: ids, Tags: tags })), {});
  const calls = {
    "vpc": ["DescribeVpcs", "VpcIds", (r) => r.Vpcs], "subnet": ["DescribeSubnets", "SubnetIds", (r) => r.Subnets],
    "network-interface": ["DescribeNetworkInterfaces", "NetworkInterfaceIds", (r) => r.NetworkInterfaces],
    "instance": ["DescribeInstances", "InstanceIds", (r) => r.Reservations.flatMap((x) => x.Instances)],
    "security-group": ["DescribeSecurityGroups", "GroupIds", (r) => r.SecurityGroups],
    "network-acl": ["DescribeNetworkAcls", "NetworkAclIds", (r) => r.NetworkAcls],
    "vpc-flow-log": ["DescribeFlowLogs", "FlowLogIds", (r) => r.FlowLogs],
  };
  for (const [kind, id] of Object.entries(tagged)) {
    const want = [...own[id], ...tags.map((t) => ({ Key: t.Key, ResourceId: id, ResourceType: kind, Value: t.Value }))].sort(byKey);
    check("tags of " + kind, await of(id), want);
    const [call, member, list] = calls[kind];
    const [got] = list(await ask(call, { [member]: [id] }));
    check(`tags of ${kind}, described`, got.Tags ?? got.TagSet, want.map(({ Key, Value }) => ({ Key, Value })));
    const by = [{ Name: "tag:ü +&", Values: ["2 <"] }];
    check(kind + " by tag", list(await ask(call, { [kind === "vpc-flow-log" ? "Filter" : "Filters"]: by })).length, 1);
  }
  await ask("DeleteTags", { Resources: ids, Tags: [{ Key: "a", Value: "another" }] });
  check("a tag with another value stays", (await of(ids[0])).length, own[ids[0]].length + 3);
  await ask("DeleteTags", { Resources: ids, Tags: [{ Key: "a" }, { Key: "ü +&", Value: "2 <" }, { Key: "z", Value: "" }] });
  check("all as before", full(await ask("DescribeTags", {})), before);
  await ask("CreateTags", { Resources: [tagged["vpc-flow-log"]], Tags: tags });
  await ask("DeleteTags", { Resources: [tagged["vpc-flow-log"]] });
  check("no tags left", await of(tagged["vpc-flow-log"]), []);
}

async function checkTemplate() {
  const made = await ask("CreateFlowLogs", { ...cases.base, LogDestination: "arn:aws:s3:::template" });
  const end = new Date(Date.now() - 3_600_000);
  const got = await ask("GetFlowLogsIntegrationTemplate", {
    FlowLogId: made.FlowLogIds[0], ConfigDeliveryS3DestinationArn: "arn:aws:s3:::c",
    IntegrateServices: { AthenaIntegrations: [
      { IntegrationResultS3DestinationArn: "arn:aws:s3:::r/x", PartitionLoadFrequency: "none", PartitionStartDate: new Date("2020-06-01T00:00:00Z"), PartitionEndDate: end },
      { IntegrationResultS3DestinationArn: "arn:aws:s3:::r/y", PartitionLoadFrequency: "daily" },
    ] },
  });
  const resources = JSON.parse(got.Result).Resources;
  check("tables", Object.values(resources).filter((r) => r.Type === "AWS::Glue::Table").length, 2);
  check("years", resources.VpcFlowLogsTable1.Properties.TableInput.Parameters["projection.year.range"], `2020,${end.getUTCFullYear()}`);
}

async function checkPages() {
  await deleteAll();
  const ids = (await ask("DescribeNetworkInterfaces", {})).NetworkInterfaces.map((i) => i.NetworkInterfaceId).slice(0, 12);
  await ask("CreateFlowLogs", {
    ...cases.base, ResourceIds: ids, ResourceType: "NetworkInterface",
    TagSpecifications: [{ ResourceType: "vpc-flow-log", Tags: [{ Key: "page", Value: "p" }] }],
  });
  for (const p of cases.pages) {
    const idsOf = (r) => r[p.list].map((item) => p.id.map((k) => item[k]).join("\0"));
    const want = idsOf(await ask(p.call, {}));
    const pages = [];
    for await (const page of ec2["paginate" + p.call]({ client, pageSize: 5 }, {})) pages.push(idsOf(page));
    check(p.call + ": pages", pages.map((page) => page.length), want.flatMap((_, n) => (n % 5 ? [] : [Math.min(5, want.length - n)])));
    check(p.call + ": each once", pages.flat(), want);
    check(p.call + ": no two alike", new Set(pages.flat()).size, p.n ?? want.length);
  }
  await deleteAll();
}

await deleteAll();
for (const step of [checkAnswers, checkFields, checkUndeliverable, checkErrors, checkKeys, checkTokens, checkTags, checkTemplate, checkPages]) {
  await step();
}
for (const w of wrong) console.log(w);
console.log(`@aws-sdk/client-ec2 ${read("package.json").dependencies["@aws-sdk/client-ec2"]}, Node.js ${process.version}: ${checked} checks, ${wrong.length} wrong`);
process.exitCode = wrong.length > 0 ? 1 : 0;
