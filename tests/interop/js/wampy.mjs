// wampy against the router, with each serializer.

import { SERIALIZERS, seed } from "./address.mjs";
import { cases } from "./core.mjs";
import { Report } from "./report.mjs";
import { join } from "./wampy_session.mjs";

const WITHOUT = [
  // It sends exclude_me only when it is true, lists only when there is something in them, and retain not at all.
  "aPublisherGetsItsOwnEventOnlyWithExcludeMeOff",
  "anEmptyListOfWhoMayHaveAnEventReachesNobody",
  "theLastRetainedEventIsThereForWhoComesLater",
  // Of the options that it does not know, only those with names of one's own go out.
  "aCalleeMayAskForItsCallersToBeDisclosed",
  "aCalleeWorksOnNoMoreCallsThanItWantsTo",
  "aProcedureCanBeTakenOverAndItsCalleeIsTold",
  "callsOfOneKeyGoToOneShard",
  "eventsOfOneKeyGoToOneShard",
  // It knows no revocation.
  "aRemovedCalleeAndSubscriberAreToldWhy",
];
const report = new Report();
for (const serializer of SERIALIZERS) {
  report.peer = `wampy ${serializer}`;
  const more = (options) => join(serializer, options);
  const stage = { a: await more(), b: await more(), join: more, serializer, seed };
  await report.checkAll(cases(serializer, WITHOUT), stage);
}
report.end("wampy");
