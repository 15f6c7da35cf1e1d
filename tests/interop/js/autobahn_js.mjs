// AutobahnJS against the router: over WebSocket with each serializer, or with the argument `longpoll` over long-poll, where it
// has JSON.

import autobahn from "autobahn";
import nacl from "tweetnacl";
import { SERIALIZERS, longpoll, seed, url } from "./address.mjs";
import { cases } from "./core.mjs";
import { Refused, Report } from "./report.mjs";
import "./xhr.mjs";

const polls = process.argv[2] === "longpoll";

const KINDS = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};

async function asked(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof autobahn.Error)) throw error;
    throw new Refused(error.error, error.args, error.kwargs);
  }
}

const result = (value) =>
  value instanceof autobahn.Result
    ? { args: value.args, kwargs: value.kwargs }
    : { args: value === null ? [] : [value], kwargs: {} };

function login(key, authid) {
  if (key === undefined) return { authid };
  const pair = nacl.sign.keyPair.fromSeed(Buffer.from(key, "hex"));
  return {
    authid: "joe",
    authmethods: ["cryptosign"],
    authextra: { pubkey: autobahn.auth_cryptosign.public_key(pair) },
    onchallenge: (_session, _method, extra) => autobahn.auth_cryptosign.sign_challenge(pair, extra),
  };
}

async function open(serializer, { realm = "realm1", seed: key, authid } = {}) {
  const websocket = { type: "websocket", url, serializers: [new KINDS[serializer]()] };
  const transport = polls ? { type: "longpoll", url: longpoll } : websocket;
  const connection = new autobahn.Connection({ transports: [transport], realm, max_retries: 0, ...login(key, authid) });
  let closed;
  const left = new Promise((resolve) => (closed = resolve));
  const opened = new Promise((resolve, reject) => {
    connection.onopen = (session, details) => resolve({ session, details });
    connection.onclose = (_reason, details) => {
      closed(details);
      reject(new Refused(details.reason, [details.message]));
      return true; // no further attempt
    };
  });
  connection.open();
  return { connection, left, ...(await opened) };
}

async function join(serializer, options) {
  const { connection, session, details, left } = await open(serializer, options);

  function endpoint(handler) {
    return async (args, kwargs, invocation) => {
      try {
        const given = { args, kwargs, details: invocation, progress: invocation.progress };
        const answer = await handler(given);
        return new autobahn.Result(answer.args ?? [], answer.kwargs ?? {});
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        throw new autobahn.Error(error.uri, error.args, error.kwargs);
      }
    };
  }

  return {
    id: session.id,
    welcome: details,
    async call(uri, args = [], kwargs = {}, callOptions = {}, onProgress = undefined) {
      const called = session.call(uri, args, kwargs, { ...callOptions, ...(onProgress && { receive_progress: true }) });
      // Progress is told by promises of the library `when` alone, which is optional.
      if (onProgress) called.then(undefined, undefined, (part) => onProgress(result(part)));
      return result(await asked(called));
    },
    cancellable(uri) {
      const called = session.call(uri);
      return { result: asked(called), cancel: (mode) => called.cancel({ mode }) };
    },
    publish: async (uri, args, kwargs, publishOptions) =>
      (await asked(session.publish(uri, args, kwargs, publishOptions)))?.id,
    async subscribe(uri, handler, subscribeOptions) {
      const onEvent = (args, kwargs, event) => handler({ args, kwargs, details: event });
      const subscription = await asked(session.subscribe(uri, onEvent, subscribeOptions));
      const undo = () => asked(session.unsubscribe(subscription));
      return Object.assign(undo, { revoked: subscription.on_unsubscribe });
    },
    async register(uri, handler, registerOptions) {
      const registration = await asked(session.register(uri, endpoint(handler), registerOptions));
      const undo = () => asked(session.unregister(registration));
      return Object.assign(undo, { revoked: registration.on_unregister });
    },
    async leave() {
      connection.close();
      await left;
    },
    left,
    hangUp: () => connection._transport.close(),
  };
}

const WITHOUT = [
  // It forgets a call that it cancels so, and takes the answer for a breach of the protocol.
  "cancellingWithoutWaitingAnswersTheCallerAtOnce",
  // It hands over neither trust levels nor what is said of a payload.
  "aCalleeLearnsHowFarItsCallerIsTrusted",
  "aSubscriberLearnsHowFarAPublisherIsTrusted",
  "anEncryptedPayloadComesThroughAsItIs",
];
const report = new Report();
for (const serializer of polls ? ["json"] : SERIALIZERS) {
  report.peer = `autobahn-js ${polls ? "longpoll" : serializer}`;
  const more = (options) => join(serializer, options);
  await report.checkAll(cases(serializer, WITHOUT), { a: await more(), b: await more(), join: more, serializer, seed });
}
report.end("autobahn-js");
