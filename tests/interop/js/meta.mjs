// What the router tells of sessions, registrations, subscriptions and what they mean; the cases have the form of core.mjs.

import { Box, equal, plain, refusedWith } from "./report.mjs";

let number = 0;
const fresh = () => `com.example.js${process.pid}.meta${(number += 1)}`;
// The one result of a call. A library may leave a null away, and read a long id as a BigInt.
const only = (answer) => plain(answer.args[0] ?? null);
const idle = async () => ({});
// No id that the router has given.
const NOBODY = 7_000_000;

async function hear(session, ...topics) {
  const boxes = topics.map(() => new Box());
  for (const [place, topic] of topics.entries()) await session.subscribe(topic, boxes[place].put);
  return boxes;
}

// The arguments of the first event that is meant: others of the realm may come before it.
async function first(box, isMeant) {
  for (;;) {
    const args = plain((await box.get()).args);
    if (isMeant(args)) return args;
  }
}

async function sessionsAreCountedListedAndToldOf({ a, b }) {
  let count;
  let sessions;
  do {
    // Sessions of other cases may leave meanwhile.
    sessions = only(await a.call("wamp.session.list"));
    count = only(await a.call("wamp.session.count"));
  } while (String(only(await a.call("wamp.session.list"))) !== String(sessions));
  equal([a.id, b.id].map((id) => sessions.includes(id)), [true, true]);
  equal(count, sessions.length);
  equal(only(await a.call("wamp.session.count", [["nobody"]])), 0);
  const told = only(await a.call("wamp.session.get", [b.id]));
  equal([told.session, told.authrole, told.authmethod], [b.id, "anonymous", "anonymous"]);
  await refusedWith(a.call("wamp.session.get", [NOBODY]), "wamp.error.no_such_session");
  await refusedWith(a.call("wamp.session.get", ["x"]), "wamp.error.invalid_argument");
}

async function joiningAndLeavingAreTold({ a, join }) {
  const [joined, left] = await hear(a, "wamp.session.on_join", "wamp.session.on_leave");
  const session = await join();
  const [told] = await first(joined, ([it]) => it.session === session.id);
  equal(told, only(await a.call("wamp.session.get", [session.id])));
  await session.leave();
  equal(await first(left, ([id]) => id === session.id), [session.id, told.authid, "anonymous"]);
}

async function aKilledSessionLeavesTheListsAndItsConnectionCloses({ a, join }) {
  const session = await join();
  await a.call("wamp.session.kill", [session.id], { reason: "com.example.bye", message: "go home" });
  equal(only(await a.call("wamp.session.list")).includes(session.id), false);
  await session.left;
  await refusedWith(a.call("wamp.session.kill", [session.id]), "wamp.error.no_such_session");
  await refusedWith(a.call("wamp.session.kill", [a.id]), "wamp.error.no_such_session");
}

// Registrations and subscriptions are asked about in the same words.
async function isFoundAndToldOf(a, b, noun, holders, make, more) {
  const ask = async (question, ...args) => only(await a.call(`wamp.${noun}.${question}`, args));
  // A prefix that ends with a dot is no URI for wampy, and it cannot take back a subscription that has options.
  for (const [match, pattern] of [
    ["prefix", ".x"],
    ["wildcard", "..y"],
    ["exact", ""],
  ]) {
    const uri = fresh();
    const undo = await make(`${uri}${pattern}`, match === "exact" ? undefined : { match });
    const id = await ask("lookup", `${uri}${pattern}`, { match });
    const matching = await ask("match", match === "exact" ? uri : `${uri}.x.y`);
    equal(matching, noun === "registration" ? id : [id]);
    equal((await ask("list"))[match].includes(id), true);
    const { created, ...told } = await ask("get", id);
    equal(Number.isNaN(Date.parse(created)), false);
    equal(told, { id, uri: `${uri}${pattern}`, match, ...more });
    equal(await ask(`list_${holders}`, id), [b.id]);
    equal(await ask(`count_${holders}`, id), 1);
    if (match !== "exact") continue;
    await undo();
    equal(await ask("lookup", uri), null);
    equal(await ask("match", uri), null);
    await refusedWith(ask("get", id), `wamp.error.no_such_${noun}`);
  }
}

async function aRegistrationIsFoundAndToldOf({ a, b }) {
  const make = (uri, options) => b.register(uri, idle, options);
  await isFoundAndToldOf(a, b, "registration", "callees", make, { invoke: "single" });
}

async function aSubscriptionIsFoundAndToldOf({ a, b }) {
  const make = (uri, options) => b.subscribe(uri, idle, options);
  await isFoundAndToldOf(a, b, "subscription", "subscribers", make, {});
}

async function isToldFromItsBeginningToItsEnd(a, b, noun, ends, make) {
  const boxes = await hear(a, ...ends.map((end) => `wamp.${noun}.${end}`));
  const uri = fresh();
  const undo = await make(uri);
  const id = only(await a.call(`wamp.${noun}.lookup`, [uri]));
  const told = only(await a.call(`wamp.${noun}.get`, [id]));
  await undo();
  const events = [];
  for (const box of boxes) events.push(plain((await box.get()).args));
  equal(events, [[b.id, told], [b.id, id], [b.id, id], [b.id, id]]);
}

async function registeringIsToldFromItsBeginningToItsEnd({ a, b }) {
  const ends = ["on_create", "on_register", "on_unregister", "on_delete"];
  await isToldFromItsBeginningToItsEnd(a, b, "registration", ends, (uri) => b.register(uri, idle));
}

async function subscribingIsToldFromItsBeginningToItsEnd({ a, b }) {
  const ends = ["on_create", "on_subscribe", "on_unsubscribe", "on_delete"];
  await isToldFromItsBeginningToItsEnd(a, b, "subscription", ends, (uri) => b.subscribe(uri, idle));
}

async function whatAProgramDefinesIsDescribedAsLongAsItLives({ a, join }) {
  const uri = fresh();
  const [defined, undefinedAgain] = await hear(a, "wamp.reflect.on_define", "wamp.reflect.on_undefine");
  const program = await join();
  const schema = { kind: "topic", args: ["text"] };
  equal(only(await program.call("wamp.reflect.define", [uri, schema])), true);
  equal(plain((await defined.get()).args), [uri, schema, true]);
  equal(only(await a.call("wamp.reflection.topic.list")).includes(uri), true);
  equal(only(await a.call("wamp.reflection.topic.describe", [uri])), { ...schema, uri });
  await program.leave();
  equal((await undefinedAgain.get()).args, [uri]);
  equal(only(await a.call("wamp.reflect.describe", [uri])), null);
}

export const META = [
  sessionsAreCountedListedAndToldOf,
  joiningAndLeavingAreTold,
  aKilledSessionLeavesTheListsAndItsConnectionCloses,
  aRegistrationIsFoundAndToldOf,
  aSubscriptionIsFoundAndToldOf,
  registeringIsToldFromItsBeginningToItsEnd,
  subscribingIsToldFromItsBeginningToItsEnd,
  whatAProgramDefinesIsDescribedAsLongAsItLives,
];
