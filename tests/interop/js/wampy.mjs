// wampy against the router, with each serializer.

import { SERIALIZERS, seed } from "./address.mjs";
import { cases } from "./core.mjs";
import { Report } from "./report.mjs";
import { join } from "./wampy_session.mjs";

// wampy sends exclude_me only when it is true.
const WITHOUT = ["aPublisherGetsItsOwnEventOnlyWithExcludeMeOff"];
const report = new Report();
for (const serializer of SERIALIZERS) {
  report.peer = `wampy ${serializer}`;
  const more = (options) => join(serializer, options);
  await report.checkAll(cases(serializer, WITHOUT), { a: await more(), b: await more(), join: more, serializer, seed });
}
report.end("wampy");
