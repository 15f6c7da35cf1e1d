// What pages try against the daemon, and what must come of it: nothing.
//
// usage: node attacks.mjs DIRECTORY      as run.sh has set it up

import assert from "node:assert/strict";
import { ALLOWING, DAEMON, EVIL, NEIGHBOUR, stage, tries } from "./stage.mjs";

const OTHER_ORIGIN = "a page of another origin was refused";
const OTHER_HOST = "a request for another host was refused";
const WAMP = "wamp.2.json";

const scenes = {
  async "a page of the daemon's own origin opens the WebSocket and is asked who it is"({ page }) {
    const own = await page(`http://${DAEMON}/healthz`);
    assert.equal(own.answer.status(), 200);
    const { got, protocol, answer } = await own.evaluate(tries.websocket, [`ws://${DAEMON}/ws`, [WAMP]]);
    assert.deepEqual([got, protocol], ["open", WAMP]);
    // ABORT: being on this machine gives no rights.
    assert.match(answer, /^\[3,.*wamp\.error\.authentication_required/);
    await own.evaluate(tries.fetch, ["/healthz"]).then((it) => assert.deepEqual([it.status, it.body], [200, "ok\n"]));
    // Its own policy forbids it everything else, even if somebody slipped a script in.
    assert.deepEqual(await own.evaluate(tries.fetch, [EVIL]), { error: "TypeError" });
  },

  async "an allowed origin opens it, and that one alone: the attempts below can succeed"({ page, log }) {
    const evil = await page(EVIL);
    const opened = await evil.evaluate(tries.websocket, [`ws://${ALLOWING}/ws`, [WAMP]]);
    assert.deepEqual([opened.got, opened.protocol], ["open", WAMP]);
    const heard = log("allowing");
    const neighbour = await page(NEIGHBOUR);
    const refused = await neighbour.evaluate(tries.websocket, [`ws://${ALLOWING}/ws`, [WAMP]]);
    assert.equal(refused.got, "closed");
    await heard.says(OTHER_ORIGIN, NEIGHBOUR);
  },

  async "WebSockets of other origins, with and without subprotocols, to every path"({ page, log }) {
    for (const origin of [EVIL, NEIGHBOUR]) {
      const evil = await page(origin);
      for (const path of ["/ws", "/pair", "/"]) {
        for (const protocols of [[WAMP], ["deskconn.pair.1"], ["deskconn.noise.1"], null]) {
          const heard = log();
          const { got } = await evil.evaluate(tries.websocket, [`ws://${DAEMON}${path}`, protocols]);
          assert.equal(got, "closed", `${origin} ${path} ${protocols}`);
          await heard.says(OTHER_ORIGIN, `"${origin}"`, `path="${path}"`);
        }
      }
    }
  },

  async "a page of localhost is not one of 127.0.0.1"({ page, log }) {
    const localhost = await page("http://localhost:5020/healthz");
    const heard = log();
    // Past the page's own policy, as any page without one could.
    const evil = await page("http://localhost:8666/");
    assert.equal((await evil.evaluate(tries.websocket, [`ws://${DAEMON}/ws`, [WAMP]])).got, "closed");
    await heard.says(OTHER_ORIGIN, "http://localhost:8666");
    assert.equal((await localhost.evaluate(tries.websocket, ["ws://localhost:5020/ws", [WAMP]])).got, "open");
  },

  async "DNS rebinding: a name of the attacker's that points here"({ page, log }) {
    const heard = log();
    const rebound = await page("http://evil.test:5020/healthz");
    assert.equal(rebound.answer.status(), 421);
    assert.ok(!(await rebound.content()).includes("ok\n"));
    await heard.says(OTHER_HOST, '"evil.test:5020"');
    // The page has the origin of the address now, and the browser sees nothing wrong in what it does.
    for (const path of ["/healthz", "/pair", "/"]) {
      const { status, body } = await rebound.evaluate(tries.fetch, [path]);
      assert.equal(status, 421, body);
    }
    for (const path of ["/ws", "/pair"]) {
      const again = log();
      const { got } = await rebound.evaluate(tries.websocket, [`ws://evil.test:5020${path}`, [WAMP]]);
      assert.equal(got, "closed");
      await again.says(OTHER_HOST, `path="${path}"`);
    }
    const posted = await rebound.evaluate(tries.fetch, ["/healthz", { method: "POST", body: "x" }]);
    assert.equal(posted.status, 421);
  },

  async "fetch in every mode: no answer can be read"({ page, log }) {
    for (const origin of [EVIL, NEIGHBOUR]) {
      const evil = await page(origin);
      for (const path of ["/healthz", "/pair", "/ws"]) {
        for (const options of [
          {},
          { credentials: "include" },
          { method: "POST", body: "x" },
          { method: "PUT", headers: { "X-Header": "1" } },
          { mode: "no-cors" },
          { mode: "no-cors", method: "POST", body: "x" },
        ]) {
          const heard = log();
          const got = await evil.evaluate(tries.fetch, [`http://${DAEMON}${path}`, options]);
          assert.deepEqual(got, { error: "TypeError" }, `${path} ${JSON.stringify(options)}`);
          // A plain GET without CORS carries no Origin: there the browser itself keeps the answer from the page.
          if (options.mode !== "no-cors" || options.method) await heard.says(OTHER_ORIGIN, `"${origin}"`, `path="${path}"`);
        }
      }
    }
  },

  async "a form is posted and refused"({ page, log }) {
    const evil = await page(EVIL);
    const heard = log();
    const [answer] = await Promise.all([
      evil.waitForResponse(`http://${DAEMON}/pair`),
      evil.evaluate((address) => {
        document.body.innerHTML = `<form method=post action="${address}"><input name=code value=12345678></form>`;
        document.forms[0].submit();
      }, `http://${DAEMON}/pair`),
    ]);
    assert.equal(answer.status(), 403);
    await heard.says(OTHER_ORIGIN, `"${EVIL}"`, 'path="/pair"');
  },

  async "the daemon's pages cannot be framed, drawn or run"({ page }) {
    for (const origin of [EVIL, NEIGHBOUR]) {
      const evil = await page(origin);
      for (const [name, attribute] of [["img", "src"], ["script", "src"], ["link", "href"], ["video", "src"]]) {
        assert.equal(await evil.evaluate(tries.element, [name, attribute, `http://${DAEMON}/healthz`]), "error", name);
      }
      // A page that allows it is shown, so the test would see the daemon's.
      await evil.evaluate(tries.element, ["iframe", "src", `${origin}/`]);
      assert.match(await evil.frames().at(-1).content(), /nothing to see here/);
      for (const [name, attribute] of [["iframe", "src"], ["object", "data"], ["embed", "src"]]) {
        const before = evil.frames().length;
        await Promise.race([
          evil.waitForEvent("framenavigated", (frame) => frame !== evil.mainFrame()),
          evil.evaluate(tries.element, [name, attribute, `http://${DAEMON}/healthz`]),
        ]);
        for (const frame of evil.frames().slice(before)) {
          // One that is blocked may be gone by now.
          const shown = await frame.content().catch(() => "");
          assert.ok(!shown.includes("ok\n"), `${name} shows ${frame.url()}`);
          assert.ok(!frame.url().startsWith(`http://${DAEMON}`), `${name} shows ${frame.url()}`);
        }
      }
    }
  },

  async "a page without an origin is one of another origin"({ page, log }) {
    const evil = await page(EVIL);
    for (const address of [`ws://${DAEMON}/ws`, `ws://${ALLOWING}/ws`]) {
      const heard = log(address.includes(ALLOWING) ? "allowing" : "plain");
      assert.deepEqual(await evil.evaluate(tries.sandboxed, [address, WAMP]), ["null", "closed"]);
      await heard.says(OTHER_ORIGIN, '"null"');
    }
  },

  async "workers and event sources have the origin of their page"({ page, log }) {
    const evil = await page(EVIL);
    let heard = log();
    assert.equal(await evil.evaluate(tries.inWorker, [`ws://${DAEMON}/ws`, WAMP]), "closed");
    await heard.says(OTHER_ORIGIN, `"${EVIL}"`);
    assert.match(await evil.evaluate(tries.sharedWorker, `http://${DAEMON}/healthz`), /error|SecurityError/);
    heard = log();
    assert.equal(await evil.evaluate(tries.eventSource, `http://${DAEMON}/healthz`), "error");
    await heard.says(OTHER_ORIGIN, `"${EVIL}"`, 'path="/healthz"');
  },

  async "the owner finds in the audit log who knocked"({ audit }) {
    assert.match(audit(), /login\.failed.*a page of the origin .*evil\.test/);
  },
};

const show = await stage(process.argv[2]);
let failed = 0;
for (const [name, scene] of Object.entries(scenes)) {
  try {
    await scene(show);
    await show.closePages();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}
await show.close();
console.log(`browser: ${Object.keys(scenes).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
