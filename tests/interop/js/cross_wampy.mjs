// wampy's half of cross.py, which plays the other with autobahn-python.
//
// usage: node cross_wampy.mjs callee|caller SERIALIZER
// A callee says `ready` and works until its input ends; a caller prints its cases.

import { Box, Refused, Report, equal, refusedWith } from "./report.mjs";
import { join } from "./wampy_session.mjs";

const [role, serializer] = process.argv.slice(2);
const VALUES = ["Grüße, 世界 🌍", 0, -1, 2 ** 31, 0.5, null, true, [], {}, { key: [1, { deep: null }] }];

async function callee(session) {
  await session.register("com.example.cross.echo", ({ args, kwargs }) => ({ args, kwargs }));
  await session.register("com.example.cross.fail", () => {
    throw new Refused("com.example.error.full", ["no room", 7], { kw: [1] });
  });
  await session.register("com.example.cross.who", ({ details }) => ({ args: [details.caller ?? null] }));
  await session.register("com.example.cross.count", async ({ args, progress }) => {
    for (let i = 0; i < args[0]; i += 1) progress([i]);
    return { args: ["done"] };
  });
  await session.subscribe("com.example.cross.ping", ({ args, kwargs }) => {
    session.publish("com.example.cross.pong", args, kwargs, {});
  });
  console.log("ready");
  for await (const _ of process.stdin);
  await session.leave();
  process.exit(0);
}

async function echoes(session) {
  const result = await session.call("com.example.cross.echo", VALUES, { keyword: VALUES });
  equal([result.args, result.kwargs], [VALUES, { keyword: VALUES }]);
}

async function failsWithArguments(session) {
  const error = await refusedWith(session.call("com.example.cross.fail"), "com.example.error.full");
  equal([error.args, error.kwargs], [["no room", 7], { kw: [1] }]);
}

async function disclosesItself(session) {
  const { args } = await session.call("com.example.cross.who", [], {}, { disclose_me: true });
  equal(args.map(Number), [session.id]);
  equal((await session.call("com.example.cross.who")).args, [null]);
}

async function getsProgress(session) {
  const seen = [];
  const result = await session.call("com.example.cross.count", [20], {}, {}, (part) => seen.push(part.args[0]));
  equal(result.args, ["done"]);
  equal(
    seen,
    Array.from({ length: 20 }, (_, i) => i),
  );
}

async function exchangesEvents(session) {
  const box = new Box();
  await session.subscribe("com.example.cross.pong", box.put);
  await session.publish("com.example.cross.ping", VALUES, { keyword: VALUES }, {});
  const event = await box.get();
  equal([event.args, event.kwargs], [VALUES, { keyword: VALUES }]);
}

async function waitsUntilItsEventHasArrived(session) {
  let isPublished = false;
  const published = session.publish("com.example.cross.slow", [], {}, { _delivered: true });
  published.then(() => (isPublished = true));
  await session.call("com.example.cross.heard");
  equal(isPublished, false);
  await session.call("com.example.cross.let_go");
  await published;
}

async function hearsWhenARetainedEventWasPublished(session) {
  const box = new Box();
  await session.subscribe("com.example.cross.kept", box.put, { get_retained: true });
  const { args, details } = await box.get();
  equal([args, details.retained], [["still here"], true]);
  equal(Number.isNaN(Date.parse(details._published_at)), false);
}

async function callsInParts(session) {
  const seen = [];
  const { result, send } = session.callInParts("com.example.cross.sum", [1], (part) => seen.push(part.args[0]));
  send([2]);
  send([3], true);
  equal((await result).args, [6]);
  equal(seen, [1, 3]);
}

async function isToldThatACalleeTakesNoParts(session) {
  const { result } = session.callInParts("com.example.cross.echo", [1], () => {});
  await refusedWith(result, "wamp.error.feature_not_supported");
}

const session = await join(serializer);
if (role === "callee") {
  await callee(session);
} else {
  const report = new Report(`wampy ${serializer} calls autobahn-python`);
  const cases = [
    echoes,
    failsWithArguments,
    disclosesItself,
    getsProgress,
    exchangesEvents,
    waitsUntilItsEventHasArrived,
    hearsWhenARetainedEventWasPublished,
    callsInParts,
    isToldThatACalleeTakesNoParts,
  ];
  await report.checkAll(cases, session);
  await session.leave();
  process.exit(report.failed > 0 ? 1 : 0);
}
