// Every way a pairing can fail: what happened, and what to do now.
import type { FailureCode } from '@deskconn/client';

export interface Explained {
  title: string;
  next: string;
  /** Whether the same link or code may serve again, or the desktop has to show a new one. */
  again: 'same' | 'new';
}

const NEW_CODE = 'Run “deskconnctl pair” at the desktop and scan the new code.';

const EXPLAINED: Record<FailureCode, Explained> = {
  closed: { title: 'The desktop is not pairing now', next: NEW_CODE, again: 'new' },
  busy: { title: 'The desktop is pairing another device', next: 'Wait until that is done, then try again.', again: 'same' },
  expired: { title: 'The time for pairing was over', next: NEW_CODE, again: 'new' },
  refused: { title: 'The request was not approved', next: `Somebody at the desktop said no, or nobody answered within a minute. ${NEW_CODE}`, again: 'new' },
  mismatch: { title: 'The code was wrong', next: `If it was typed right, somebody may be in between. ${NEW_CODE}`, again: 'new' },
  wrong_code: { title: 'The code was wrong', next: `If it was typed right, somebody may be in between. ${NEW_CODE}`, again: 'new' },
  version: { title: 'Phone and desktop speak different versions', next: 'Reload this page. If it stays like this, update deskconn on the desktop.', again: 'same' },
  malformed: { title: 'The desktop sent something unexpected', next: 'Reload this page and try again. If it stays like this, update deskconn on the desktop.', again: 'same' },
  other_desktop: { title: 'Another desktop answers here', next: 'The link was shown by one desktop and another one answers at its address. Scan the code of the desktop that you want.', again: 'new' },
  other_certificate: { title: 'Somebody is in between', next: 'The connection does not end at the desktop. Do not pair on this network.', again: 'new' },
  bad_key: { title: 'Somebody may be in between', next: 'The desktop shows keys that cannot be its own. Do not pair on this network.', again: 'new' },
  bad_signature: { title: 'Somebody may be in between', next: 'The desktop could not prove who it is. Do not pair on this network.', again: 'new' },
  link_expired: { title: 'The link is too old', next: NEW_CODE, again: 'new' },
  gone: { title: 'The connection ended', next: 'The desktop answers, but takes no device with this code now. If its code is still shown there, try again; else run “deskconnctl pair” for a new one.', again: 'same' },
  unreachable: { title: 'The desktop does not answer', next: 'Check that the phone is in the same network as the desktop, and that deskconn runs there; then try again.', again: 'same' },
  timeout: { title: 'The desktop did not answer in time', next: 'Check that the phone is in the same network as the desktop, then try again.', again: 'same' },
};

/** What to say of a failure; an unknown code is explained like a broken connection. */
export function explain(code: string): Explained {
  return Object.hasOwn(EXPLAINED, code) ? EXPLAINED[code as FailureCode] : EXPLAINED.gone;
}
