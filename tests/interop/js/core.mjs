// What every library must be able to do with the router. `stage.join(...)` gives a session of the library under test,
// in the form that its adapter describes; `stage.a` and `stage.b` are two of them.

import { EVENT_CASES } from "./events.mjs";
import { META } from "./meta.mjs";
import { Box, Refused, equal, refusedWith, sameBytes } from "./report.mjs";
import { RPC } from "./rpc.mjs";

const ACKNOWLEDGED = { acknowledge: true };
let number = 0;
const fresh = () => `com.example.js${process.pid}.case${(number += 1)}`;

const TEXTS = ["", "plain", "Grüße, 世界 🌍", "line\nbreak", 'quote " and \\'];
const NUMBERS = [0, -1, 127, 128, 255, 256, 65536, 2 ** 31, -(2 ** 31), 0.5, -2.25, 1e300];
const OTHERS = [null, true, false, [], {}, [[]], [{}], { key: [1, { deep: null }] }];
const VALUES = [...TEXTS, ...NUMBERS, ...OTHERS];
const LARGE = 4 << 20;

async function helloIsAnsweredWithWelcome({ a }) {
  equal(a.welcome.realm, "realm1");
  equal(a.welcome.authrole, "anonymous");
  equal(a.welcome.authmethod, "anonymous");
  equal(a.welcome.roles.broker.features.pattern_based_subscription, true);
  equal(a.welcome.roles.dealer.features.progressive_call_results, true);
}

async function anEventReachesItsSubscriberWithItsArguments({ a, b }) {
  const [box, topic] = [new Box(), fresh()];
  await b.subscribe(topic, box.put);
  const publication = await a.publish(topic, [1, "two"], { three: [3] }, ACKNOWLEDGED);
  const event = await box.get();
  equal([event.args, event.kwargs], [[1, "two"], { three: [3] }]);
  if (!Number.isSafeInteger(publication)) throw new Error(`the publication is ${publication}`);
}

async function aPublisherGetsItsOwnEventOnlyWithExcludeMeOff({ a }) {
  const [box, topic] = [new Box(), fresh()];
  await a.subscribe(topic, box.put);
  await a.publish(topic, ["hidden"], {}, ACKNOWLEDGED);
  await a.publish(topic, ["seen"], {}, { acknowledge: true, exclude_me: false });
  equal((await box.get()).args, ["seen"]);
}

async function afterUnsubscribingNoEventComes({ a, b }) {
  const [box, topic, last] = [new Box(), fresh(), fresh()];
  const unsubscribe = await b.subscribe(topic, box.put);
  await b.subscribe(last, box.put);
  await unsubscribe();
  await a.publish(topic, ["late"], {}, ACKNOWLEDGED);
  // Events of one publisher keep their order, so the first would be here before this one.
  await a.publish(last, ["last"], {}, ACKNOWLEDGED);
  equal((await box.get()).args, ["last"]);
}

async function patternsSayTheTopicOfEachEvent({ a, b }) {
  for (const [match, end] of [
    ["prefix", ".x"],
    ["wildcard", "..z"],
  ]) {
    const [box, topic] = [new Box(), fresh()];
    await b.subscribe(topic + end, box.put, { match });
    await a.publish(`${topic}.xy.z`, [], {}, ACKNOWLEDGED);
    equal((await box.get()).details.topic, `${topic}.xy.z`);
  }
}

async function eventsComeInOrder({ a, b }) {
  const [box, topic] = [new Box(), fresh()];
  await b.subscribe(topic, box.put);
  for (let i = 0; i < 500; i += 1) a.publish(topic, [i], {}, {});
  for (let i = 0; i < 500; i += 1) equal((await box.get()).args, [i]);
}

async function callsAreAnsweredUntilUnregistered({ a, b }) {
  const uri = fresh();
  await refusedWith(a.call(uri), "wamp.error.no_such_procedure");
  const unregister = await b.register(uri, ({ args, kwargs }) => ({ args, kwargs }));
  const result = await a.call(uri, [1, "two"], { three: [3] });
  equal([result.args, result.kwargs], [[1, "two"], { three: [3] }]);
  await refusedWith(
    a.register(uri, () => ({})),
    "wamp.error.procedure_already_exists",
  );
  await unregister();
  await refusedWith(a.call(uri), "wamp.error.no_such_procedure");
}

async function anErrorKeepsItsUriAndArguments({ a, b }) {
  for (const [caller, callee] of [
    [a, b],
    [b, a],
  ]) {
    const uri = fresh();
    await callee.register(uri, () => {
      throw new Refused("com.example.error.full", ["no room", 7], { kw: [1] });
    });
    const error = await refusedWith(caller.call(uri), "com.example.error.full");
    equal([error.args, error.kwargs], [["no room", 7], { kw: [1] }]);
  }
}

async function progressiveResultsComeInOrderBeforeTheLast({ a, b }) {
  const [uri, seen] = [fresh(), []];
  await b.register(uri, async ({ args, progress }) => {
    for (let i = 0; i < args[0]; i += 1) progress([i]);
    return { args: ["done"] };
  });
  const result = await a.call(uri, [50], {}, {}, (part) => seen.push(part.args[0]));
  equal(result.args, ["done"]);
  equal(
    seen,
    Array.from({ length: 50 }, (_, i) => i),
  );
}

async function cancellingAnswersTheCaller({ a, b }) {
  const [uri, begun] = [fresh(), new Box()];
  await b.register(uri, () => {
    begun.put();
    return new Promise(() => {});
  });
  const { result, cancel } = a.cancellable(uri);
  await begun.get();
  cancel("kill");
  await refusedWith(result, "wamp.error.canceled");
}

async function aCallWhoseCalleeDiesIsCancelled({ a, join }) {
  const [uri, begun, callee] = [fresh(), new Box(), await join()];
  await callee.register(uri, () => {
    begun.put();
    return new Promise(() => {});
  });
  const call = refusedWith(a.call(uri), "wamp.error.canceled");
  await begun.get();
  callee.hangUp();
  await call;
  await refusedWith(a.call(uri), "wamp.error.no_such_procedure");
}

async function aCallerAndAPublisherMayDiscloseThemselves({ a, b }) {
  const [uri, box] = [fresh(), new Box()];
  await b.register(uri, ({ details }) => ({ args: [details.caller ?? null, details.caller_authrole ?? null] }));
  const [caller, role] = (await a.call(uri, [], {}, { disclose_me: true })).args;
  // Some have BigInts for numbers beyond 32 bits.
  equal([Number(caller), role], [a.id, "anonymous"]);
  equal((await a.call(uri)).args, [null, null]);
  await b.subscribe(uri, box.put);
  await a.publish(uri, [], {}, { acknowledge: true, disclose_me: true });
  const { publisher, publisher_authrole } = (await box.get()).details;
  equal([Number(publisher), publisher_authrole], [a.id, "anonymous"]);
}

async function valuesArriveAsTheyWereSent({ a, b }) {
  const uri = fresh();
  await b.register(uri, ({ args, kwargs }) => ({ args, kwargs }));
  const result = await a.call(uri, VALUES, { keyword: VALUES });
  equal([result.args, result.kwargs], [VALUES, { keyword: VALUES }]);
}

async function fourMebibytesGoBothWays({ a, b }) {
  const uri = fresh();
  await b.register(uri, ({ args }) => ({ args }));
  const value = "ä".repeat(LARGE / 2);
  if ((await a.call(uri, [value])).args[0] !== value) throw new Error("what came back is not what was sent");
}

async function binaryValuesArriveAsTheyWereSent({ a, b }) {
  const uri = fresh();
  await b.register(uri, ({ args }) => ({ args }));
  for (const length of [0, 1, 255, 65536]) {
    const bytes = Buffer.alloc(length, "\u0000\u00ff\u0080", "latin1");
    sameBytes((await a.call(uri, [bytes])).args[0], bytes);
  }
}

async function aThousandCallsAtOnceAreAllAnswered({ a, b }) {
  const uri = fresh();
  await b.register(uri, async ({ args }) => ({ args }));
  const numbers = Array.from({ length: 1000 }, (_, i) => i);
  const answers = await Promise.all(numbers.map((i) => a.call(uri, [i])));
  equal(
    answers.map((answer) => answer.args[0]),
    numbers,
  );
}

async function aKnownKeyLogsIn({ join, seed }) {
  const session = await join({ realm: "realm2", seed });
  equal([session.welcome.authid, session.welcome.authrole], ["joe", "keyed"]);
  await session.leave();
}

async function anUnknownKeyIsRefused({ join }) {
  await refusedWith(join({ realm: "realm2", seed: "07".repeat(32) }), "wamp.error.authentication_failed");
}

async function goodbyeIsAnswered({ a, b }) {
  await a.leave();
  await b.leave();
}

const CASES = [
  helloIsAnsweredWithWelcome,
  anEventReachesItsSubscriberWithItsArguments,
  aPublisherGetsItsOwnEventOnlyWithExcludeMeOff,
  afterUnsubscribingNoEventComes,
  patternsSayTheTopicOfEachEvent,
  eventsComeInOrder,
  callsAreAnsweredUntilUnregistered,
  anErrorKeepsItsUriAndArguments,
  progressiveResultsComeInOrderBeforeTheLast,
  cancellingAnswersTheCaller,
  aCallWhoseCalleeDiesIsCancelled,
  aCallerAndAPublisherMayDiscloseThemselves,
  valuesArriveAsTheyWereSent,
  fourMebibytesGoBothWays,
  binaryValuesArriveAsTheyWereSent,
  aThousandCallsAtOnceAreAllAnswered,
  aKnownKeyLogsIn,
  anUnknownKeyIsRefused,
  ...RPC,
  ...EVENT_CASES,
  ...META,
  goodbyeIsAnswered,
];

// Every case but those that a library cannot play: `without` has the names of their functions.
export function cases(serializer, without = []) {
  // Neither library knows WAMP's form of binary values in JSON.
  const left = serializer === "json" ? [binaryValuesArriveAsTheyWereSent.name, ...without] : without;
  return CASES.filter((run) => !left.includes(run.name));
}
