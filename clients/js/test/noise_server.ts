// The desktop's end of Noise inside WebSocket, on loopback: a responder, and whatever a test does with it.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { x25519 } from '@noble/curves/ed25519.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type WebSocket, WebSocketServer } from 'ws';
import { Assembler, Responder, type Session, fragments } from '../src/noise.js';
import { NOISE_SUBPROTOCOL, prologue } from '../src/noise_socket.js';

export const DESKTOP_SECRET = new Uint8Array(32).fill(4);
export const DESKTOP = { noise: x25519.getPublicKey(DESKTOP_SECRET), did: new Uint8Array(32).fill(0xd1) };
export const DEVICE_SECRET = new Uint8Array(32).fill(3);

/** A device's session, seen from the desktop. */
export class Guest {
  readonly received: Uint8Array[] = [];
  #assembler = new Assembler(1 << 24);
  #wake: (() => void) | null = null;

  constructor(readonly socket: WebSocket, readonly session: Session, readonly initiator: Uint8Array, readonly offered: string) {
    socket.on('message', (data: Buffer) => {
      const message = this.#assembler.take(session.decrypt(new Uint8Array(data)));
      if (!message) return;
      this.received.push(message);
      this.#wake?.();
    });
  }

  async next(): Promise<Uint8Array> {
    while (this.received.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.received.shift()!;
  }

  send(message: Uint8Array): void {
    for (const part of fragments(message)) this.socket.send(this.session.encrypt(part));
  }
}

export interface ServerOptions {
  secret?: Uint8Array;
  /** What is chosen of the offered subprotocols. */
  choose?: (offered: string[]) => string;
  /** Touches the second message of the handshake. */
  change?: (message: Uint8Array) => Uint8Array | string;
  subprotocol?: string | false;
  onGuest?: (guest: Guest) => void;
}

export async function serve(options: ServerOptions = {}): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => options.subprotocol ?? NOISE_SUBPROTOCOL });
  server.on('connection', (socket) => {
    socket.binaryType = 'nodebuffer';
    socket.once('message', (data: Buffer) => {
      const responder = new Responder(options.secret ?? DESKTOP_SECRET, prologue(DESKTOP.did));
      let first: ReturnType<Responder['read']>;
      try {
        first = responder.read(new Uint8Array(data));
      } catch {
        return socket.close(1008);
      }
      const offered = new TextDecoder().decode(first.payload);
      const { message, session } = responder.write(utf8ToBytes((options.choose ?? ((all) => all[0]!))(offered.split(','))));
      const guest = new Guest(socket, session, first.initiator, offered);
      socket.send(options.change ? options.change(message) : message);
      options.onGuest?.(guest);
    });
  });
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, 'close');
  };
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`, stop };
}
