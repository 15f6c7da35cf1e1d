// Events with what the advanced profile adds; the cases have the form of core.mjs.

import { Box, equal, plain } from "./report.mjs";

const ACKNOWLEDGED = { acknowledge: true };
const EVENTS = 6;
let number = 0;
const fresh = (start = "com.example") => `${start}.js${process.pid}.event${(number += 1)}`;

async function hear(session, topic, options) {
  const box = new Box();
  await session.subscribe(topic, box.put, options);
  return box;
}

// Which of the subscribers get an event with these options: each gets the one after it.
async function reached(publisher, boxes, topic, options) {
  await publisher.publish(topic, ["meant"], {}, { ...ACKNOWLEDGED, ...options });
  await publisher.publish(topic, ["end"], {}, ACKNOWLEDGED);
  const got = [];
  for (const box of boxes) {
    const first = (await box.get()).args[0];
    got.push(first === "meant");
    if (first === "meant") equal((await box.get()).args, ["end"]);
  }
  return got;
}

async function listsSayWhoGetsAnEvent({ a, join }) {
  const [topic, names] = [fresh(), [fresh(), fresh()]];
  const sessions = [await join({ authid: names[0] }), await join({ authid: names[1] })];
  const boxes = [await hear(sessions[0], topic), await hear(sessions[1], topic)];
  const ids = sessions.map((session) => session.id);
  for (const [options, expected] of [
    [{ eligible: [ids[0]] }, [true, false]],
    [{ exclude: [ids[0]] }, [false, true]],
    [{ eligible_authid: [names[1]] }, [false, true]],
    [{ exclude_authid: [names[1]] }, [true, false]],
    [{ eligible_authrole: ["anonymous"] }, [true, true]],
    [{ eligible_authrole: ["nobody"] }, [false, false]],
    [{ exclude_authrole: ["anonymous"] }, [false, false]],
    [{ eligible: ids, exclude_authid: [names[0]] }, [false, true]],
  ]) {
    equal([options, await reached(a, boxes, topic, options)], [options, expected]);
  }
  for (const session of sessions) await session.leave();
}

async function anEmptyListOfWhoMayHaveAnEventReachesNobody({ a, b }) {
  const topic = fresh();
  const boxes = [await hear(b, topic)];
  for (const key of ["eligible", "eligible_authid", "eligible_authrole"]) {
    equal([key, await reached(a, boxes, topic, { [key]: [] })], [key, [false]]);
  }
}

async function aPublisherExcludesItselfWhenItSaysSo({ a }) {
  const topic = fresh();
  const box = await hear(a, topic);
  const other = await hear(a, `${topic}.last`);
  await a.publish(topic, [], {}, { ...ACKNOWLEDGED, exclude_me: true });
  await a.publish(`${topic}.last`, ["last"], {}, { ...ACKNOWLEDGED, exclude_me: true });
  await a.call("wamp.session.count");
  equal([box.isEmpty(), other.isEmpty()], [true, true]);
}

async function theLastRetainedEventIsThereForWhoComesLater({ a, b, join }) {
  const topic = fresh();
  for (let i = 0; i < 3; i += 1) await a.publish(topic, [i], { key: [i] }, { ...ACKNOWLEDGED, retain: true });
  await a.publish(topic, ["not kept"], {}, ACKNOWLEDGED);
  const late = await hear(b, topic, { get_retained: true });
  const { args, kwargs, details } = await late.get();
  equal([args, kwargs, details.retained], [[2], { key: [2] }, true]);
  const session = await join();
  const other = await hear(session, topic);
  await a.publish(topic, ["new"], {}, ACKNOWLEDGED);
  for (const box of [late, other]) {
    const event = await box.get();
    equal([event.args, event.details.retained ?? false], [["new"], false]);
  }
  await session.leave();
}

async function aSubscriberLearnsHowFarAPublisherIsTrusted({ a, b }) {
  const topic = fresh("com.example.known");
  const box = await hear(b, topic);
  await a.publish(topic, [], {}, ACKNOWLEDGED);
  const { publisher, trustlevel } = plain((await box.get()).details);
  equal([publisher, trustlevel], [a.id, 7]);
}

async function aPublisherMayWaitUntilItsEventHasArrived({ a, b }) {
  const topic = fresh();
  const box = await hear(b, topic);
  const publication = await a.publish(topic, ["here"], {}, { ...ACKNOWLEDGED, _delivered: true });
  equal((await box.get()).args, ["here"]);
  equal(Number.isSafeInteger(publication), true);
}

async function eventsOfOneKeyGoToOneShard({ a, b, join }) {
  const [topic, other] = [fresh(), await join()];
  const boxes = [await hear(b, topic, { nkey: "north" }), await hear(other, topic, { nkey: "south" })];
  const shards = async () => {
    const seen = [];
    for (let i = 0; i < 20; i += 1) {
      const [north, south] = await reached(a, boxes, topic, { rkey: `customer ${i}` });
      equal(north, !south);
      seen.push(north);
    }
    return seen;
  };
  const first = await shards();
  equal(await shards(), first);
  equal(new Set(first).size, 2);
  await other.leave();
}

async function historyIsGivenByItsFilters({ a }) {
  const [topic, ids] = [fresh("test.kept"), []];
  for (let i = 0; i < EVENTS; i += 1) ids.push(await a.publish(topic, [i], { kw: [i] }, ACKNOWLEDGED));
  const kept = plain((await a.call("wamp.subscription.lookup", ["test.kept.", { match: "prefix" }])).args[0]);
  const events = async (filters) =>
    plain((await a.call("wamp.subscription.get_events", [kept], { topic, ...filters })).args[0]);
  const all = await events({});
  equal(
    all.map(({ publication, args, kwargs }) => [publication, args, kwargs]),
    ids.map((id, i) => [id, [i], { kw: [i] }]),
  );
  for (const [filters, expected] of [
    [{ limit: 2 }, [0, 1]],
    [{ limit: 2, reverse: true }, [5, 4]],
    [{ from_publication: ids[4] }, [4, 5]],
    [{ after_publication: ids[4] }, [5]],
    [{ before_publication: ids[1] }, [0]],
    [{ until_publication: ids[1] }, [0, 1]],
    [{ from_time: all[0].timestamp, until_time: all[5].timestamp }, [0, 1, 2, 3, 4, 5]],
    [{ before_time: all[0].timestamp }, []],
    [{ after_time: all[5].timestamp }, []],
  ]) {
    equal([filters, (await events(filters)).map(({ args }) => args[0])], [filters, expected]);
  }
}

async function testamentsArePublishedWhateverEndsASession({ a, b, join }) {
  for (const end of ["leave", "hangUp", "kill"]) {
    const [topic, session] = [fresh(), await join()];
    const box = await hear(b, topic);
    for (const scope of ["destroyed", "detached"]) {
      await session.call("wamp.session.add_testament", [topic, [scope, end], { key: [1] }, {}, scope]);
    }
    if (end === "kill") await a.call("wamp.session.kill", [session.id]);
    else await session[end]();
    for (const scope of ["detached", "destroyed"]) {
      const { args, kwargs } = await box.get();
      equal([args, kwargs], [[scope, end], { key: [1] }]);
    }
  }
}

async function aTestamentCanBeTakenBack({ a, b, join }) {
  const [topic, session] = [fresh(), await join()];
  const box = await hear(b, topic);
  for (const scope of ["destroyed", "detached"]) {
    await session.call("wamp.session.add_testament", [topic, [scope]], { scope });
  }
  await session.call("wamp.session.flush_testaments", ["detached"]);
  await session.leave();
  equal((await box.get()).args, ["destroyed"]);
  await a.publish(topic, ["last"], {}, ACKNOWLEDGED);
  equal((await box.get()).args, ["last"]);
}

export const EVENT_CASES = [
  listsSayWhoGetsAnEvent,
  anEmptyListOfWhoMayHaveAnEventReachesNobody,
  aPublisherExcludesItselfWhenItSaysSo,
  theLastRetainedEventIsThereForWhoComesLater,
  aSubscriberLearnsHowFarAPublisherIsTrusted,
  aPublisherMayWaitUntilItsEventHasArrived,
  eventsOfOneKeyGoToOneShard,
  historyIsGivenByItsFilters,
  testamentsArePublishedWhateverEndsASession,
  aTestamentCanBeTakenBack,
];
