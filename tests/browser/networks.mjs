// A network of its own for each machine of a story, on one switch, and the phone that is on one of them. Nothing of it
// touches the machine's own network, and run.sh has cut that off before.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createInterface } from "node:readline";
import { until } from "./desk.mjs";

export const SUBNET = "10.99.0";
const run = (program, ...words) => execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** A switch with machines, each a namespace whose `eth0` is plugged into it. */
export class Network {
  constructor(work) {
    this.work = work;
    this.prefix = `dkj${process.pid}`;
    this.machines = [];
    this.servers = [];
    this.switch = this.namespace("switch");
    run("ip", "-n", this.switch, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
    run("ip", "-n", this.switch, "addr", "add", `${SUBNET}.1/24`, "dev", "br0");
    run("ip", "-n", this.switch, "link", "set", "br0", "up");
  }

  namespace(name) {
    const full = `${this.prefix}-${name}`;
    run("ip", "netns", "add", full);
    run("ip", "-n", full, "link", "set", "lo", "up");
    this.machines.push(full);
    return full;
  }

  /** A machine on the switch; with an address, or none until it asks for one. */
  machine(name, address = null) {
    const full = this.namespace(name);
    run("ip", "-n", this.switch, "link", "add", `port-${name}`, "type", "veth", "peer", "name", "eth0", "netns", full);
    run("ip", "-n", this.switch, "link", "set", `port-${name}`, "master", "br0", "up");
    run("ip", "-n", full, "link", "set", "eth0", "up");
    if (address) {
      run("ip", "-n", full, "addr", "add", `${address}/24`, "dev", "eth0");
      run("ip", "-n", full, "route", "add", "default", "dev", "eth0");
    }
    return full;
  }

  /** The DHCP server gives out these addresses from now on. */
  async leases(from, to) {
    for (const server of this.servers.splice(0)) {
      server.kill("SIGKILL");
      await once(server, "exit");
    }
    const options = ["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=br0", "--bind-interfaces", "--leasefile-ro", "--dhcp-authoritative", "--no-ping", `--dhcp-range=${SUBNET}.${from},${SUBNET}.${to},255.255.255.0,2m`, `--pid-file=${this.work}/dnsmasq.pid`, "--user=root", "--log-dhcp", "--log-facility=-"];
    const server = spawn("ip", ["netns", "exec", this.switch, "dnsmasq", ...options], { stdio: ["ignore", "ignore", "pipe"] });
    this.servers.push(server);
    const lines = createInterface({ input: server.stderr });
    await new Promise((done, fail) => {
      lines.on("line", (line) => line.includes("DHCP, IP range") && done());
      server.once("exit", () => fail(new Error("dnsmasq ended")));
    });
  }

  /** A machine asks for an address, and has no other any more; gives it. */
  lease(machine) {
    const script = `${this.work}/udhcpc`;
    fs.writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] || exit 0\nip addr flush dev eth0\nip addr add "$ip/24" dev eth0\nip route replace default dev eth0\necho "$ip" >${this.work}/lease\n`, { mode: 0o755 });
    run("ip", "netns", "exec", machine, "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "10", "-T", "1", "-s", script);
    return fs.readFileSync(`${this.work}/lease`, "utf8").trim();
  }

  /** A network that lets no multicast through to this machine, or out of it. */
  dropMulticast(machine) {
    run("ip", "netns", "exec", machine, "nft", "add table inet quiet; add chain inet quiet in { type filter hook input priority 0; }; add chain inet quiet out { type filter hook output priority 0; }; add rule inet quiet in meta pkttype multicast drop; add rule inet quiet out ip daddr 224.0.0.0/4 drop; add rule inet quiet out ip6 daddr ff02::fb drop");
  }

  /** The cable is pulled, or plugged in. */
  plug(name, isIn) {
    run("ip", "-n", this.switch, "link", "set", `port-${name}`, isIn ? "up" : "down");
  }

  end() {
    for (const server of this.servers) server.kill("SIGKILL");
    for (const machine of this.machines) {
      for (const pid of run("ip", "netns", "pids", machine).split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
      run("ip", "netns", "del", machine);
    }
  }
}

/** Chromium with the app on a machine of the network (phone.mjs). */
export class Phone {
  /** `names` are pairs: a name, and the address at which mDNS would find it. */
  static async on(machine, work, profile, ...names) {
    const phone = new Phone();
    phone.child = spawn("ip", ["netns", "exec", machine, "node", `${work}/phone.mjs`, `${work}/${profile}`, ...names], { stdio: ["pipe", "pipe", "inherit"] });
    phone.lines = createInterface({ input: phone.child.stdout })[Symbol.asyncIterator]();
    await phone.answer();
    return phone;
  }

  async answer() {
    const { value: line, done } = await this.lines.next();
    assert.ok(!done, "the phone is gone");
    const { value, error } = JSON.parse(line);
    if (error) throw new Error(error);
    return value;
  }

  does(...act) {
    this.child.stdin.write(`${JSON.stringify(act)}\n`);
    return this.answer();
  }

  becomes(status) {
    return this.does("wait", `[data-testid=strip][data-status=${status}]`);
  }

  async end() {
    this.child.stdin.end();
    await once(this.child, "exit");
  }
}

export { until };
