// A session of wampy, in the form of core.mjs.

import nacl from "tweetnacl";
import { Wampy } from "wampy";
import { CborSerializer } from "wampy/CborSerializer.js";
import { JsonSerializer } from "wampy/JsonSerializer.js";
import { MsgpackSerializer } from "wampy/MsgpackSerializer.js";
import { sign } from "wampy/cryptosign.js";
import WebSocket from "ws";
import { url } from "./address.mjs";
import { Refused } from "./report.mjs";

const SERIALIZERS = { json: JsonSerializer, msgpack: MsgpackSerializer, cbor: CborSerializer };

// Refusals of wampy have the URI in `errorUri`; other failures stay what they are.
async function asked(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error?.errorUri === undefined) throw error;
    throw new Refused(error.errorUri, error.argsList, error.argsDict);
  }
}

const plain = ({ argsList = [], argsDict = {}, details }) => ({ args: argsList, kwargs: argsDict, details });

function login(seed, authid) {
  if (seed === undefined && authid === undefined) return {};
  // A name goes out only with a method and something that would prove it.
  const anonymous = { authmethods: ["anonymous"], authMode: "auto", authPlugins: { anonymous: () => "" } };
  if (seed === undefined) return { authid, ...anonymous };
  const { publicKey } = nacl.sign.keyPair.fromSeed(Buffer.from(seed, "hex"));
  return {
    authid: "joe",
    authmethods: ["cryptosign"],
    authextra: { pubkey: Buffer.from(publicKey).toString("hex") },
    authMode: "auto",
    authPlugins: { cryptosign: sign(seed) },
  };
}

export async function join(serializer, { realm = "realm1", seed, authid } = {}) {
  let socket;
  // wampy keeps its socket to itself; a peer that dies must be able to drop it.
  class Socket extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols);
      socket = this;
    }
  }
  const payloadSerializers = Object.fromEntries(Object.entries(SERIALIZERS).map(([name, Kind]) => [name, new Kind()]));
  const kinds = { serializer: payloadSerializers[serializer], payloadSerializers };
  const options = { realm, ws: Socket, ...kinds, ...login(seed, authid) };
  let closed;
  const left = new Promise((resolve) => (closed = resolve));
  const wampy = new Wampy(url, { ...options, autoReconnect: false, onClose: closed });
  const welcome = await asked(wampy.connect());

  function endpoint(handler) {
    return async (invocation) => {
      const progress = (args) => invocation.result_handler({ argsList: args, options: { progress: true } });
      try {
        const { args, kwargs, options } = await handler({ ...plain(invocation), progress });
        return { argsList: args ?? [], argsDict: kwargs ?? {}, ...(options && { options }) };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        throw { error: error.uri, argsList: error.args, argsDict: error.kwargs };
      }
    };
  }

  return {
    // With MessagePack, numbers beyond 32 bits are BigInts for wampy.
    id: Number(wampy.getSessionId()),
    welcome,
    async call(uri, args = [], kwargs = {}, callOptions = {}, onProgress = undefined) {
      const more = onProgress ? { progress_callback: (part) => onProgress(plain(part)) } : {};
      return plain(await asked(wampy.call(uri, { argsList: args, argsDict: kwargs }, { ...callOptions, ...more })));
    },
    // A call in parts: `send` gives the further ones.
    callInParts(uri, args, onProgress) {
      const options = { progress_callback: (part) => onProgress(plain(part)) };
      const { result, sendData } = wampy.progressiveCall(uri, args, options);
      return { result: asked(result).then(plain), send: (more, isLast) => sendData(more, { progress: !isLast }) };
    },
    cancellable(uri) {
      const result = asked(wampy.call(uri));
      const { reqId } = wampy.getOpStatus();
      return { result, cancel: (mode) => wampy.cancel(reqId, { mode }) };
    },
    async publish(uri, args, kwargs, publishOptions) {
      const published = await asked(wampy.publish(uri, { argsList: args, argsDict: kwargs }, publishOptions));
      return Number(published.publicationId);
    },
    async subscribe(uri, handler, subscribeOptions) {
      const onEvent = (event) => handler(plain(event));
      const { subscriptionKey } = await asked(wampy.subscribe(uri, onEvent, subscribeOptions));
      return () => asked(wampy.unsubscribe(subscriptionKey, onEvent));
    },
    async register(uri, handler, registerOptions) {
      await asked(wampy.register(uri, endpoint(handler), registerOptions));
      return () => asked(wampy.unregister(uri));
    },
    left,
    leave: () => wampy.disconnect(),
    hangUp: () => socket.terminate(),
  };
}
