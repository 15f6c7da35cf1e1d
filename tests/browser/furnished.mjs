// A desktop on the stage with something of everything, so that each screen of the app has what it shows.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { until } from "./desk.mjs";

export const CONFIG = `name = "Office"
[[components.gpio.line]]
name = "lamp"
chip = "fake"
line = 1
direction = "out"
[[components.gpio.line]]
name = "door"
chip = "fake"
line = 3
direction = "in"
[[components.command]]
name = "backup"
title = "Back up the documents"
run = ["/bin/sh", "-c", "for step in 1 2 3; do echo step $step; done"]
[[components.command]]
name = "fail"
title = "Check the disk"
run = ["/bin/sh", "-c", "echo no disk >&2; exit 3"]
`;

/** Everything that the app can show, on a phone that the owner trusts with it. */
export const GRANTS = ["command.list", "command.run", "power.suspend", "power.hibernate", "power.reboot", "power.poweroff", "power.can"].flatMap((it) => ["--grant", `org.deskconn.${it}`]);

/** Brings the machine into a state that is worth a look. */
export async function furnish(desk, work) {
  for (const line of ["battery 81 discharging", "brightness 65", "volume 40", `picture ${work}/art.png`, "gone tape", "player Radio paused News", "player Music playing Evening Light / The Quiet Hours / Home", "line 3 true"]) await desk.say(line);
}

/** The routes of the app's screens, as its list has them. */
export function routes() {
  const list = path.join(process.env.DESKCONN_SOURCE, "clients/web/src/screens.ts");
  return [...fs.readFileSync(list, "utf8").matchAll(/route: '(\w+)'/g)].map(([, route]) => route);
}

/** A component in Python at this desktop, from a file of the source. */
export class Python {
  static async start(file, desk, ready) {
    const self = new Python();
    self.lines = [];
    self.child = spawn(process.env.DESKCONN_PYTHON, [path.join(process.env.DESKCONN_SOURCE, file), desk.socket], { stdio: ["pipe", "pipe", "inherit"] });
    // It would wait for the daemon for ever.
    process.once("exit", () => self.child.kill("SIGKILL"));
    createInterface({ input: self.child.stdout }).on("line", (line) => self.lines.push(line));
    await until(`${file} is ready`, ready ?? (() => self.lines.includes("ready")));
    return self;
  }

  async says(line) {
    await until(`it says ${line}, not ${this.lines}`, () => this.lines.includes(line));
  }

  async end() {
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}
