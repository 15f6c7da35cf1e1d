// As much of XMLHttpRequest as AutobahnJS needs for long-poll, which Node does not have. AutobahnJS makes a request of each
// message and waits for none, so that they may overtake each other. Here what is sent has one connection, and stays in its
// order; what waits for messages has another one.

import { Agent, request } from "node:http";

const agents = new Map();

function agent(url) {
  if (!agents.has(url.pathname)) agents.set(url.pathname, new Agent({ keepAlive: true, maxSockets: 1 }));
  return agents.get(url.pathname);
}

class XMLHttpRequest {
  readyState = 0;
  status = 0;
  statusText = "";
  responseText = "";
  #headers = {};

  open(method, url) {
    this.method = method;
    this.url = new URL(url);
  }

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  send(body = "") {
    const headers = { ...this.#headers, "Content-Length": Buffer.byteLength(body) };
    const sent = request(this.url, { method: this.method, headers, agent: agent(this.url), timeout: this.timeout });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => this.#done(0, "failed", ""));
    sent.on("response", (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => this.#done(response.statusCode, response.statusMessage, Buffer.concat(pieces).toString()));
      response.on("error", () => this.#done(0, "failed", ""));
    });
    sent.end(body);
  }

  #done(status, statusText, responseText) {
    if (this.readyState === 4) return;
    Object.assign(this, { readyState: 4, status, statusText, responseText });
    this.onreadystatechange();
  }
}

globalThis.XMLHttpRequest = XMLHttpRequest;
