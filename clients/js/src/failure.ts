// How a call ends when it does not succeed, as a sentence that a person can act on.

/** The call was not sent, because there is no connection now: it is not kept for later, when nobody means it any more. */
export const OFFLINE = 'org.deskconn.error.offline';
/** The connection was lost before the answer came; whether it was done is not known. */
export const LOST = 'wamp.error.network_failure';
/** Nobody answered in the time that was given. */
export const TIMEOUT = 'wamp.error.timeout';
/** The caller took the call back. */
export const CANCELED = 'wamp.error.canceled';
/** The role of this device does not allow it, or not any more. */
export const NOT_AUTHORIZED = 'wamp.error.not_authorized';

const SENTENCES: Record<string, string> = {
  [OFFLINE]: 'there is no connection to the desktop',
  [LOST]: 'the connection was lost before the answer came',
  [TIMEOUT]: 'the desktop did not answer in time',
  [CANCELED]: 'the call was taken back',
  [NOT_AUTHORIZED]: 'this device may not do that',
  'wamp.error.no_such_procedure': 'nobody offers that now',
};

/** A call, subscription or registration that failed; thrown by a procedure of one's own it is the answer. */
export class CallFailed extends Error {
  /**
   * @param uri the WAMP error, such as `org.deskconn.error.unavailable` (docs/API.md has the list)
   * @param sentence what a person is told; the URI's own sentence when left out
   */
  constructor(readonly uri: string, sentence?: string, readonly kwargs: Record<string, unknown> = {}) {
    super(sentence ?? SENTENCES[uri] ?? uri);
    this.name = 'CallFailed';
  }

  /** From whatever a WAMP library threw. */
  static from(error: unknown): CallFailed {
    if (error instanceof CallFailed) return error;
    const { errorUri, argsList, argsDict } = (error ?? {}) as Partial<Record<'errorUri' | 'argsList' | 'argsDict', unknown>>;
    // What wampy finds out by itself, it has not sent.
    if (error instanceof Error && error.name === 'UriError') return new CallFailed('wamp.error.invalid_uri');
    if (typeof errorUri !== 'string') return new CallFailed(LOST);
    const sentence = Array.isArray(argsList) && typeof argsList[0] === 'string' ? argsList[0] : undefined;
    return new CallFailed(errorUri, sentence, isDict(argsDict) ? argsDict : {});
  }
}

/** A publication of a queue was not sent: the router would not know it again if it had to be sent twice. */
export class QueuesUnsupported extends CallFailed {
  constructor() {
    super('wamp.error.feature_not_supported', 'this router does not take publications once (x_publication_queue is missing among its features)');
    this.name = 'QueuesUnsupported';
  }
}

/**
 * A subscription or registration that stood, and that somebody took over or took from this device by hand; {@link uri} is the
 * reason that was given, such as `wamp.registration.taken_over`. It is not asked for again, in no session.
 */
export class TakenAway extends CallFailed {
  constructor(reason: string) {
    super(reason, `the desktop has taken it away: ${reason}`);
    this.name = 'TakenAway';
  }
}

export function isDict(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
