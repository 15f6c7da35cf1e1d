// What the tests use of wampy, which brings no types.
declare module 'wampy' {
  export class Wampy {
    constructor(url: string, options: Record<string, unknown>);
    connect(): Promise<{ realm?: string }>;
    call(uri: string, args?: unknown): Promise<{ argsList: unknown[] }>;
    disconnect(): Promise<void>;
  }
}
declare module 'wampy/JsonSerializer.js' {
  export class JsonSerializer { encode(data: unknown): unknown; decode(data: unknown): Promise<unknown> | unknown }
}
declare module 'wampy/CborSerializer.js' {
  export class CborSerializer { encode(data: unknown): unknown; decode(data: unknown): Promise<unknown> | unknown }
}
