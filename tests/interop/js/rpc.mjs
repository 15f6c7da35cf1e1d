// Calls with what the advanced profile adds; the cases have the form of core.mjs.

import { Box, Refused, equal, plain, refusedWith } from "./report.mjs";

const CALLS = 12;
let number = 0;
const fresh = (start = "com.example") => `${start}.js${process.pid}.rpc${(number += 1)}`;
const always = (word) => async () => ({ args: [word] });
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

async function answers(session, uri, count = CALLS, options = () => ({})) {
  const words = [];
  for (let i = 0; i < count; i += 1) words.push((await session.call(uri, [], {}, options(i))).args[0]);
  return words;
}

// A procedure that says when it has begun, and answers when it is told to.
function stuck() {
  const begun = new Box();
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const handler = async () => {
    begun.put();
    await released;
    return { args: ["released"] };
  };
  return { begun, release, handler };
}

async function aCallThatTakesTooLongTimesOut({ a, b }) {
  const uri = fresh();
  const { handler, begun } = stuck();
  await b.register(uri, handler);
  await refusedWith(a.call(uri, [], {}, { timeout: 50 }), "wamp.error.timeout");
  await begun.get();
  await b.register(`${uri}.next`, always("in time"));
  equal((await a.call(`${uri}.next`, [], {}, { timeout: 60_000 })).args, ["in time"]);
}

async function cancellingWithoutWaitingAnswersTheCallerAtOnce({ a, b }) {
  for (const mode of ["skip", "killnowait"]) {
    const uri = fresh();
    const { handler, begun, release } = stuck();
    await b.register(uri, handler);
    const { result, cancel } = a.cancellable(uri);
    await begun.get();
    cancel(mode);
    await refusedWith(result, "wamp.error.canceled");
    release();
    await b.register(`${uri}.next`, always(mode));
    equal((await a.call(`${uri}.next`)).args, [mode]);
  }
}

async function theBestMatchGetsTheCall({ a, b }) {
  const uri = fresh();
  const call = `${uri}.one.two.three`;
  // From the worst to the best: each new one takes over from those before it.
  for (const [name, match] of [
    [`${uri}.one..three`, "wildcard"],
    [`${uri}.one`, "prefix"],
    [`${uri}.one.two`, "prefix"],
    [call, undefined],
  ]) {
    await b.register(name, always(name), match && { match });
    equal((await a.call(call)).args, [name]);
  }
}

async function sharedProceduresGoByTheirPolicy({ a, b, join }) {
  const callees = [b, await join(), await join()];
  const expected = { first: () => 0, last: () => 2, roundrobin: (i) => i % 3 };
  for (const invoke of ["first", "last", "roundrobin", "random"]) {
    const uri = fresh();
    for (const [place, callee] of callees.entries()) await callee.register(uri, always(place), { invoke });
    const seen = await answers(a, uri, invoke === "random" ? 60 : CALLS);
    if (invoke !== "random") equal(seen, times(CALLS, expected[invoke]));
    // Were it not random but one of the others, one callee would be left out.
    else equal([...new Set(seen)].sort(), [0, 1, 2]);
  }
  for (const [first, second] of [
    ["single", "single"],
    ["first", "last"],
    ["roundrobin", "random"],
  ]) {
    const uri = fresh();
    await callees[0].register(uri, always(1), { invoke: first });
    const again = callees[1].register(uri, always(2), { invoke: second });
    await refusedWith(again, "wamp.error.procedure_already_exists");
  }
  for (const session of callees.slice(1)) await session.leave();
}

async function aCallThatACalleePassesOnGoesToTheNext({ a, b, join }) {
  const [uri, asked, other] = [fresh(), [], await join()];
  const passOn = (name) => async () => {
    asked.push(name);
    throw new Refused("wamp.error.unavailable", ["not now"]);
  };
  await b.register(uri, passOn("b"), { invoke: "first" });
  const undo = await other.register(uri, always("served"), { invoke: "first" });
  equal((await a.call(uri)).args, ["served"]);
  equal(asked, ["b"]);
  await undo();
  await other.register(uri, passOn("other"), { invoke: "first" });
  await refusedWith(a.call(uri), "wamp.error.no_available_callee");
  equal(asked, ["b", "b", "other"]);
  await other.leave();
}

async function aCalleeLearnsWhoCallsWhereItsRoleAlwaysSaysSo({ a, b }) {
  const uri = fresh("com.example.known");
  await b.register(uri, async ({ details }) => ({ args: [details.caller, details.caller_authrole] }));
  equal(plain((await a.call(uri)).args), [a.id, "anonymous"]);
}

async function aCalleeLearnsHowFarItsCallerIsTrusted({ a, b }) {
  const uri = fresh("com.example.known");
  await b.register(uri, async ({ details }) => ({ args: [details.trustlevel] }));
  equal(plain((await a.call(uri)).args), [7]);
}

async function aCalleeMayAskForItsCallersToBeDisclosed({ a, b }) {
  const uri = fresh();
  await b.register(uri, async ({ details }) => ({ args: [details.caller, details.caller_authrole] }), {
    disclose_caller: true,
  });
  equal(plain((await a.call(uri)).args), [a.id, "anonymous"]);
}

async function aCalleeWorksOnNoMoreCallsThanItWantsTo({ a, b, join }) {
  const [alone, shared, other] = [fresh(), fresh(), await join()];
  const work = [stuck(), stuck(), stuck()];
  await b.register(alone, work[0].handler, { concurrency: 1 });
  await b.register(shared, work[1].handler, { invoke: "first", concurrency: 1 });
  await other.register(shared, work[2].handler, { invoke: "first", concurrency: 1 });
  const calls = [];
  for (const [place, uri] of [alone, shared, shared].entries()) {
    calls.push(a.call(uri));
    await work[place].begun.get();
  }
  await refusedWith(a.call(alone), "wamp.error.unavailable");
  await refusedWith(a.call(shared), "wamp.error.no_available_callee");
  for (const { release } of work) release();
  for (const call of calls) equal((await call).args, ["released"]);
  await other.leave();
}

async function aProcedureCanBeTakenOverAndItsCalleeIsTold({ a, b }) {
  const uri = fresh();
  const old = await b.register(uri, always("old"));
  await a.register(uri, always("new"), { force_reregister: true });
  equal(await old.revoked, "wamp.registration.taken_over");
  equal((await b.call(uri)).args, ["new"]);
}

async function aRemovedCalleeAndSubscriberAreToldWhy({ a, b }) {
  const uri = fresh();
  const registered = await b.register(uri, always("here"));
  const subscribed = await b.subscribe(uri, () => {});
  const reason = "com.example.tidy";
  for (const [noun, remove, gone] of [
    ["registration", "remove_callee", registered],
    ["subscription", "remove_subscriber", subscribed],
  ]) {
    const { args } = await a.call(`wamp.${noun}.lookup`, [uri]);
    await a.call(`wamp.${noun}.${remove}`, [args[0], b.id], { reason });
    equal(await gone.revoked, reason);
  }
  await refusedWith(a.call(uri), "wamp.error.no_such_procedure");
}

async function callsOfOneKeyGoToOneShard({ a, b, join }) {
  const [uri, other] = [fresh(), await join()];
  for (const [nkey, session] of [
    ["north", b],
    ["south", other],
  ]) {
    await session.register(uri, always(nkey), { invoke: "roundrobin", nkey });
  }
  const key = (i) => ({ rkey: `customer ${i % 20}` });
  const shards = await answers(a, uri, 40, key);
  equal(shards.slice(20), shards.slice(0, 20));
  equal([...new Set(shards)].sort(), ["north", "south"]);
  const seen = [];
  const all = { runmode: "all" };
  equal((await a.call(uri, [], {}, all, (part) => seen.push(part.args[0]))).args, []);
  equal(seen.sort(), ["north", "south"]);
  await refusedWith(a.call(uri, [], {}, all), "wamp.error.option_not_allowed");
  await other.leave();
}

async function anEncryptedPayloadComesThroughAsItIs({ a, b, serializer }) {
  const [uri, box] = [fresh(), new Box()];
  // What it is written in: that of the link, as binary formats do not go into JSON.
  const options = { ppt_scheme: "x_interop", ppt_serializer: serializer, ppt_cipher: "none", ppt_keyid: "key 1" };
  await b.register(uri, async ({ args, kwargs, details }) => {
    box.put(details);
    return { args, kwargs, options };
  });
  await b.subscribe(uri, box.put);
  const given = [["Grüße", 1, { deep: [null] }], { keyword: true }];
  const result = await a.call(uri, ...given, options);
  equal([result.args, result.kwargs], given);
  await a.publish(uri, ...given, { ...options, acknowledge: true });
  const details = [await box.get(), (await box.get()).details, result.details];
  for (const told of details) equal(plain(pick(told, Object.keys(options))), options);
}

function pick(details, keys) {
  return Object.fromEntries(keys.map((key) => [key, details[key]]));
}

export const RPC = [
  aCallThatTakesTooLongTimesOut,
  cancellingWithoutWaitingAnswersTheCallerAtOnce,
  theBestMatchGetsTheCall,
  sharedProceduresGoByTheirPolicy,
  aCallThatACalleePassesOnGoesToTheNext,
  aCalleeLearnsWhoCallsWhereItsRoleAlwaysSaysSo,
  aCalleeLearnsHowFarItsCallerIsTrusted,
  aCalleeMayAskForItsCallersToBeDisclosed,
  aCalleeWorksOnNoMoreCallsThanItWantsTo,
  aProcedureCanBeTakenOverAndItsCalleeIsTold,
  aRemovedCalleeAndSubscriberAreToldWhy,
  callsOfOneKeyGoToOneShard,
  anEncryptedPayloadComesThroughAsItIs,
];
