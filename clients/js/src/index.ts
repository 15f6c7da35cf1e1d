// What programs use: pairing, the keys of a device, and WAMP inside Noise. README.md has an example.
export { Identity, fingerprint } from './identity.js';
export { type Link, parseCode, parseLink } from './link.js';
export { type Code, type Kind, SUBPROTOCOL } from './messages.js';
export { type FailureCode, type Introduction, type Joined, Joiner, PairingError, type Progress, type Secret, type Sight } from './pairing.js';
export { type FrameSocket, type PairOptions, pairOver } from './pair_over.js';
export { MAX_NAME_CHARS, cleanText } from './name.js';
export { NoiseError } from './noise.js';
export { CLOSE_NOISE_FAILED, NOISE_SUBPROTOCOL, type NoiseLogin, NoiseSocket, noiseWebSocket, type PlainSocket, type PlainSocketClass } from './noise_socket.js';
export { type Address, type Membership, type PairingRequest, authority, pairWith } from './membership.js';
export { CANCELED, CallFailed, LOST, NOT_AUTHORIZED, OFFLINE, QueuesUnsupported, TIMEOUT, TakenAway } from './failure.js';
export { type CallOptions, type CallResult, type Procedure, type PublishOptions, value } from './connection.js';
export { type DescribedItem, type Grant, type Info } from './info.js';
export type { Missing } from './asking.js';
export type { DeskEvent, ListenOptions, OfferOptions, StandingOptions } from './topics.js';
export { Desktop, type DesktopOptions, HEARTBEAT_MS, type Status } from './desktop.js';
export { MAX_PUBLICATION_BYTES, MAX_WAITING, Queue, QueueFull, TooLong, type QueuedOptions, type RefusedPublication } from './queue.js';
export { DatabaseShelf, type Shelf, type Waiting } from './shelf.js';
