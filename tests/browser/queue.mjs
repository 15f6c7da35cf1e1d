// What a page of the user's own publishes while the desktop is away: it waits in the browser's database, also when the page is
// closed, and arrives once, in its order.
//
// usage: node queue.mjs DIRECTORY BINDIR      as for extension.mjs

import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { until } from "./desk.mjs";
import { KdeDesk, serve, within } from "./extension_stage.mjs";
import { launch } from "./stage.mjs";

const work = path.join(process.argv[2], "queue");
const TOPIC = "org.deskconn.app.votes";
const origin = "http://127.0.0.1:8667";
const desk = await KdeDesk.open(path.join(work, "desk"), process.argv[3], `[http]\nallowed_origins = ["${origin}"]\n`);
const library = `http://${desk.address}/deskconn.js`;
const pages = await serve({ "/votes": "<!doctype html><title>Votes</title>" });
const browser = await launch(path.join(work, "profile"), "other.test");

/** The page, with the library and its queue. */
async function open() {
  const tab = await browser.newPage();
  await tab.goto(pages.address("/votes"));
  await tab.evaluate(async (library) => {
    window.deskconn = await import(library);
    window.votes = await deskconn.Queue.open("votes");
  }, library);
  return tab;
}

/** The next events of the topic, as its owner hears them. */
async function listening(count) {
  const command = desk.spawned("subscribe", TOPIC, "--count", String(count));
  const heard = createInterface({ input: command.stdout });
  await once(createInterface({ input: command.stderr }), "line");
  const lines = [];
  heard.on("line", (line) => lines.push(JSON.parse(line).args[0]));
  return within(`${count} votes come`, once(command, "exit").then(() => lines));
}

const push = (tab, votes) => tab.evaluate(({ votes, topic }) => Promise.all(votes.map((vote) => window.votes.push(topic, [vote]))), { votes, topic: TOPIC });
const waiting = (tab) => tab.evaluate(() => window.votes.length);

try {
  const tab = await open();
  const { code, paired } = await desk.pairing("--role", "bus");
  await tab.evaluate(
    async ({ address, code }) => {
      const [host, port] = address.split(":");
      const membership = await deskconn.pairWith(
        { host, port: Number(port) },
        { secret: { code: deskconn.parseCode(code) }, name: document.title, kind: "web", keep: (kept) => localStorage.setItem("desktop", JSON.stringify(kept)) },
      );
      return membership.joined.role;
    },
    { address: desk.address, code },
  );
  await paired;

  // The desktop is off, and the page is closed before it is back.
  await desk.kill();
  await push(tab, ["yes", "no"]);
  await push(tab, ["perhaps"]);
  assert.equal(await waiting(tab), 3);
  await tab.close();
  await desk.start();
  const heard = listening(4);
  const again = await open();
  assert.equal(await waiting(again), 3);
  await again.evaluate((address) => {
    const [host, port] = address.split(":");
    window.desktop = new deskconn.Desktop(JSON.parse(localStorage.getItem("desktop")), { address: { host, port: Number(port) } });
    window.votes.deliver(window.desktop);
  }, desk.address);
  await push(again, ["yes again"]);
  assert.deepEqual(await heard, ["yes", "no", "perhaps", "yes again"]);
  await until("nothing waits any more", async () => (await waiting(again)) === 0);
  console.log("ok   what a page publishes while the desktop is off arrives once, also when the page was closed");
} finally {
  await browser.close();
  await desk.stop();
  pages.stop();
}
