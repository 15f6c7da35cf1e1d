// Texts in the user's language, for scripts and for elements with `data-text`.
import type { Status } from '@deskconn/client';

export function text(name: string, ...parts: string[]): string {
  return chrome.i18n.getMessage(name, parts) || name;
}

/** Puts texts into the page: `data-text` is the name of one, `data-label` that of what a screen reader says. */
export function translate(): void {
  document.documentElement.lang = chrome.i18n.getUILanguage();
  document.title = text('name');
  for (const element of document.querySelectorAll<HTMLElement>('[data-text]')) element.textContent = text(element.dataset['text']!);
  for (const element of document.querySelectorAll<HTMLElement>('[data-label]')) {
    element.setAttribute('aria-label', text(element.dataset['label']!));
  }
}

/** How it stands with the desktop, as a sentence. */
export function standing(desktop: string | null, status: Status | null): string {
  if (desktop === null) return text('not_paired');
  switch (status?.at) {
    case 'open': return text('connected', desktop);
    case 'waiting': return text('waiting', desktop, status.reason);
    case 'refused': return status.code === 'unknown_device' ? text('unknown_device', desktop) : text('refused', desktop, status.reason);
    default: return text('connecting', desktop);
  }
}

export function part<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}`);
  return element as T;
}
