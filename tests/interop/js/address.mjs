// Where the router is, from the environment: the stage's run.sh sets it.

export const url = `ws://127.0.0.1:${process.env.ROUTER_PORT}/ws`;
export const longpoll = `http://127.0.0.1:${process.env.ROUTER_PORT}/lp`;
// The seed of the one key that realm2 knows.
export const seed = process.env.ROUTER_KEY_SEED;
export const SERIALIZERS = ["json", "msgpack", "cbor"];
