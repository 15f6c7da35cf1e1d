// wampy's half of authorizer.py: a session whose rights another program decides about.
//
// usage: node guarded_wampy.mjs SERIALIZER

import { Report, equal, refusedWith } from "./report.mjs";
import { join } from "./wampy_session.mjs";

const [serializer] = process.argv.slice(2);
const START = "com.example.guarded.";

async function callsWhatItMayAndNothingElse({ session }) {
  equal((await session.call(`${START}yes`)).args, ["served"]);
  await refusedWith(session.call(`${START}no`), "wamp.error.not_authorized");
  await refusedWith(session.call(`${START}unclear`), "wamp.error.authorization_failed");
}

async function isDisclosedWhereTheAuthorizerSaysSo({ session }) {
  equal((await session.call(`${START}known`)).args.map(Number), [session.id]);
}

async function isAskedAboutOnceWhereTheDecisionIsKept({ session }) {
  for (let i = 0; i < 3; i += 1) equal((await session.call(`${START}kept`)).args, ["served"]);
}

async function subscribesPublishesAndRegistersAsItMay({ session }) {
  await session.subscribe(`${START}yes`, () => {});
  await refusedWith(
    session.subscribe(`${START}no`, () => {}),
    "wamp.error.not_authorized",
  );
  await session.publish(`${START}kept.yes`, [], {}, {});
  await session.register(`${START}own.yes`, () => ({}));
}

async function whatTheRulesSayIsNotAskedAbout({ session }) {
  await refusedWith(session.call("com.example.closed.it"), "wamp.error.not_authorized");
  await refusedWith(session.call("com.example.open.it"), "wamp.error.no_such_procedure");
}

const report = new Report(`wampy ${serializer} is guarded`);
const session = await join(serializer, { realm: "guarded" });
await report.checkAll(
  [
    callsWhatItMayAndNothingElse,
    isDisclosedWhereTheAuthorizerSaysSo,
    isAskedAboutOnceWhereTheDecisionIsKept,
    subscribesPublishesAndRegistersAsItMay,
    whatTheRulesSayIsNotAskedAbout,
  ],
  { session },
);
await session.leave();
process.exit(report.failed > 0 ? 1 : 0);
