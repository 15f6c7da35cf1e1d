// What a phone goes through in a life: addresses that change, a network that drops multicast, a link that is gone, two
// desktops. A person can follow each; docs/PHONE.md tells how.
//
// usage: node journeys.mjs DIRECTORY BINDIR      as run.sh has set it up
// DESKCONN_GONE_S is for how long the link is gone: 15 s, which is past what the daemon waits here; try 600.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Desk } from "./desk.mjs";
import { Network, Phone, SUBNET, until } from "./networks.mjs";

const [work, bindir] = process.argv.slice(2);
const GONE_S = Number(process.env.DESKCONN_GONE_S ?? 15);
const FIRST_SLIDE_MS = 10_000;
const DEAD = "[limits]\ndead_s = 5\n[discovery]\nenabled = true\n";

/** What the command of the desktop prints is written here. */
const PIPE = path.join(work, "pipe");
const COMMAND = `[[components.command]]\nname = "log"\ntitle = "Follow the log"\nrun = ["/bin/cat", "${PIPE}"]\n`;
execFileSync("mkfifo", [PIPE]);

const network = new Network(work);
const address = { office: `${SUBNET}.2`, pi: `${SUBNET}.3` };
const desks = {};
let phone;

function desk(name) {
  const within = network.machine(name, address[name]);
  return new Desk({ home: path.join(work, name), bindir, within, listen: "0.0.0.0:5020", more: `${DEAD}name = "${name}"\n${COMMAND}` });
}

const taps = async (name) => (await desks[name].report()).taps.length;

/** Taps "next" on the phone, and waits until the key is pressed at that desktop. */
async function turn(name) {
  const before = await taps(name);
  await phone.does("go", "#/slides");
  await phone.does("tap", "slides-next");
  await until("the slide turns", async () => (await taps(name)) > before);
}

/** Opens the link that is on the owner's terminal, and is let in. */
async function pair(name) {
  const terminal = desks[name].pair();
  const begun = Date.now();
  await phone.does("open", await terminal.link());
  await phone.does("fill", "pair-name", "A phone");
  await phone.does("tap", "pair-submit");
  await terminal.answer("y");
  await turn(name);
  return Date.now() - begun;
}

const stories = {
  async "a phone with an address of DHCP, which hears no multicast, scans and turns a slide"() {
    const machine = network.machine("phone");
    await network.leases(50, 59);
    network.dropMulticast(machine);
    assert.match(network.lease(machine), /\.5\d$/);
    phone = await Phone.on(machine, work, "quiet");
    phone.machine = machine;
    const took = await pair("office");
    assert.ok((await phone.does("address")).startsWith(`http://${address.office}:5020/`), "without multicast it stays at the address");
    assert.ok(took < FIRST_SLIDE_MS);
    console.log(`     scan to first slide: ${(took / 1000).toFixed(1)} s`);
  },

  async "its address changes, and it comes back by itself"() {
    await network.leases(150, 159);
    const lease = network.lease(phone.machine);
    assert.match(lease, /\.15\d$/);
    await until("the daemon sees it come from there", () => desks.office.log.includes(`peer=${lease}:`));
    await phone.becomes("open");
    await turn("office");
  },

  async [`its link is gone for ${GONE_S} s: it says so, and comes back by itself`]() {
    network.plug("phone", false);
    const back = new Promise((done) => setTimeout(done, GONE_S * 1000));
    await phone.becomes("waiting");
    await back;
    network.plug("phone", true);
    await phone.becomes("open");
    await turn("office");
  },

  async "a command that runs when its link goes is not ended, and what it printed meanwhile comes once"() {
    const [device] = desks.office.call("org.deskconn.devices.list");
    for (const name of ["list", "run"]) desks.office.ctl("devices", "grant", device.id, `org.deskconn.command.${name}`);
    await phone.does("go", "#/commands");
    await phone.does("tap", "run-log");
    // Opens when the command reads.
    const pipe = await fs.promises.open(PIPE, "w");
    await pipe.write("before\n");
    await phone.does("shows", "before");
    network.plug("phone", false);
    await pipe.write("meanwhile\n");
    await phone.becomes("waiting");
    network.plug("phone", true);
    await phone.becomes("open");
    await pipe.write("after\n");
    await pipe.close();
    await phone.does("wait", "[data-testid=end-log]:not(:empty)");
    const text = await phone.does("body");
    for (const word of ["before", "meanwhile", "after"]) assert.equal(text.split(word).length, 2, `${word} once in ${text}`);
    assert.ok(text.indexOf("before") < text.indexOf("meanwhile") && text.indexOf("meanwhile") < text.indexOf("after"));
  },

  async "its bookmark opens the desktop again, without pairing"() {
    await phone.does("reopen", `http://${address.office}:5020/`);
    await phone.becomes("open");
    await turn("office");
  },
  async "the other desktop is one tap away, also back"() {
    const id = (name) => desks[name].call("org.deskconn.info.get").id;
    const goTo = async (name) => {
      await phone.does("go", "#/desktops");
      await phone.does("wait", `[data-testid="desktop-${id(name)}"]`);
      await phone.does("tap", `desktop-${id(name)}`);
    };
    await goTo("pi");
    await phone.does("wait", "[data-testid=pairing][data-stage=form]");
    assert.ok((await phone.does("address")).startsWith(`http://${address.pi}:5020/`));
    const terminal = desks.pi.pair();
    await phone.does("fill", "pair-code", await terminal.code());
    await phone.does("tap", "pair-submit");
    await terminal.answer("y");
    await turn("pi");
    await goTo("office");
    await phone.becomes("open");
    await turn("office");
    await goTo("pi");
    await phone.becomes("open");
    await turn("pi");
  },

  async "where the desktop's own name leads there, the page moves itself to it with the link"() {
    const { machine } = phone;
    await phone.end();
    const name = `deskconn-${desks.office.call("org.deskconn.info.get").id.slice(0, 8)}.local`;
    phone = await Phone.on(machine, work, "named", name, address.office);
    await pair("office");
    assert.ok((await phone.does("address")).startsWith(`http://${name}:5020/`), await phone.does("address"));
  },
};

let status = 0;
try {
  for (const name of Object.keys(address)) desks[name] = await desk(name).start();
  for (const [name, tell] of Object.entries(stories)) {
    await tell();
    console.log(`ok   ${name}`);
  }
} catch (error) {
  console.error(error);
  if (phone) console.error(await phone.does("body").catch(String));
  for (const { log } of Object.values(desks)) console.error(log.slice(-2000));
  status = 1;
}
await phone?.end();
for (const desk of Object.values(desks)) await desk.stop();
network.end();
process.exit(status);
