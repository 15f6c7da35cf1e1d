// Calls, subscribes and registers at the desktop it runs on, in JavaScript with wampy on Node.
//
// usage: node greeter.mjs SOCKET      $XDG_RUNTIME_DIR/deskconn/deskconn.sock

import net from "node:net";
import { Wampy } from "wampy";

/** RawSocket with JSON on the Unix socket, in the shape of the WebSocket that wampy expects. */
class UnixSocket {
  protocol = "wamp.2.json";
  readyState = 0;
  #bytes = Buffer.alloc(0);
  #socket;

  constructor() {
    // 7F: RawSocket; F: messages of up to 16 MiB; 1: JSON. The desktop answers in the same form.
    this.#socket = net.connect(process.argv[2], () => this.#socket.write(Buffer.of(0x7f, 0xf1, 0, 0)));
    this.#socket.on("data", (bytes) => this.#received(Buffer.concat([this.#bytes, bytes])));
    this.#socket.on("error", (error) => this.onerror?.({ error, message: error.message }));
    this.#socket.on("close", () => this.onclose?.({ code: 1000, wasClean: (this.readyState = 3) === 3 }));
  }

  #received(bytes) {
    if (this.readyState === 0 && bytes.length >= 4) {
      if ((bytes[1] & 0x0f) !== 1) throw new Error("the desktop takes no JSON here");
      this.readyState = 1;
      bytes = bytes.subarray(4);
      this.onopen?.({});
    }
    // A message: its kind (0), its length in three bytes, its text.
    while (this.readyState === 1 && bytes.length >= 4 && bytes.length >= 4 + bytes.readUIntBE(1, 3)) {
      const end = 4 + bytes.readUIntBE(1, 3);
      if (bytes[0] === 0) this.onmessage?.({ data: bytes.toString("utf8", 4, end) });
      bytes = bytes.subarray(end);
    }
    this.#bytes = bytes;
  }

  send(text) {
    const message = Buffer.from(`\0\0\0\0${text}`);
    message.writeUIntBE(message.length - 4, 1, 3);
    this.#socket.write(message);
  }

  close() {
    this.#socket.end();
  }
}

const wampy = new Wampy("ws://desktop/ws", { realm: "deskconn", ws: UnixSocket });
await wampy.connect();
const { argsList } = await wampy.call("org.deskconn.info.get");
console.log(`joined ${argsList[0].name} as ${argsList[0].role}`);
await wampy.subscribe("org.deskconn.app.news", ({ argsList }) => console.log("news:", argsList[0]));
await wampy.register("org.deskconn.app.greet", ({ argsList }) => ({ argsList: [`Hello, ${argsList[0]}!`] }));
console.log("ready");
