// The worker: hears of videos from the pages, of displays from the desktop, of wishes from the popup, and brings them together.
// The browser ends it whenever it likes and starts it for any of these; all that must last is in the browser's storage.
import { CallFailed } from '@deskconn/client';
import { BRIGHTNESS, Desk, LOCK } from './desk.js';
import { Follower } from './follower.js';
import { type Memory, NOTHING, began, chosen, closed, ended, withoutSilent } from './raised.js';
import { type FromPopup, POPUP, type Snapshot, type ToPopup, isForget, isFromPage } from './said.js';
import { alignScripts } from './scripts.js';
import { type Pairing, forgetPairing, isOfSites, keepMemory, memory, pairing, settings } from './settings.js';

/** Looks again while a video is full screen or a brightness is to return: half a minute is the least that browsers allow. */
const LOOK = 'look';
const LOOK_MINUTES = 0.5;

const popups = new Set<chrome.runtime.Port>();
let isNeeded = false;
/** The desktop does not know this browser any more. Only who opens the popup has it asked again. */
let isRefused = false;

const desk = new Desk({
  onStatus: () => {
    const { status } = desk;
    if (status?.at === 'open') {
      isRefused = false;
      void look();
    } else if (status?.at === 'refused' && status.code === 'unknown_device') {
      isRefused = true;
      // What was raised there cannot be brought back.
      void look(() => NOTHING);
    }
    void show();
  },
  onBrightness: () => {
    void look();
    void show();
  },
});

const follower = new Follower({ memory, keep: keepMemory, wish: settings }, desk, (need) => {
  isNeeded = need;
  connect();
  if (need) void lookOften();
  else void chrome.alarms.clear(LOOK);
});

/** Has a connection as long as there is somebody for it. */
function connect(): void {
  desk.want((isNeeded && !isRefused) || popups.size > 0);
}

async function lookOften(): Promise<void> {
  // Made anew it would begin to count anew.
  if (!(await chrome.alarms.get(LOOK))) await chrome.alarms.create(LOOK, { periodInMinutes: LOOK_MINUTES });
}

async function look(change?: (memory: Memory) => Memory): Promise<void> {
  try {
    await follower.follow(change);
  } catch (error) {
    console.error('deskconn: the brightness could not follow', error);
  }
}

// --- pages and tabs ---------------------------------------------------------------------------------------------------------

chrome.runtime.onMessage.addListener((said: unknown, sender) => {
  const { tab, frameId, url } = sender;
  if (sender.id !== chrome.runtime.id) return;
  if (isForget(said) && url?.startsWith(chrome.runtime.getURL(''))) return void forget();
  if (tab?.id === undefined || frameId === undefined || !isFromPage(said)) return;
  const { id } = tab;
  void look((memory) => (said.kind === 'ended' ? ended(memory, id, frameId) : began(memory, id, frameId, Date.now())));
});
chrome.tabs.onRemoved.addListener((tab) => void look((memory) => closed(memory, tab)));
chrome.alarms.onAlarm.addListener(() => {
  desk.retry();
  void look((memory) => withoutSilent(memory, Date.now()));
});

/** What was raised returns first, if the desktop is there. */
async function forget(): Promise<void> {
  await look((memory) => ({ ...memory, viewers: [] }));
  await forgetPairing();
}

// --- the list of sites ------------------------------------------------------------------------------------------------------

chrome.permissions.onAdded.addListener(() => void alignScripts());
chrome.permissions.onRemoved.addListener(() => void alignScripts());
chrome.storage.local.onChanged.addListener((changes) => {
  if (isOfSites(changes)) void alignScripts();
  const { pairing } = changes;
  // Until it is confirmed the desktop would say that it knows nobody like this.
  const isUnderWay = (pairing?.newValue as Pairing | undefined)?.isConfirmed === false;
  if (!pairing || isUnderWay) return;
  isRefused = false;
  void desk.changed().then(() => look());
});

// --- the popup --------------------------------------------------------------------------------------------------------------

chrome.runtime.onConnect.addListener((port) => {
  if (port.name !== POPUP) return;
  popups.add(port);
  port.onMessage.addListener((wish: FromPopup) => void act(port, wish));
  port.onDisconnect.addListener(() => {
    popups.delete(port);
    connect();
  });
  connect();
  void show();
});

async function act(port: chrome.runtime.Port, wish: FromPopup): Promise<void> {
  try {
    if (wish.act === 'retry') return desk.retry();
    if (wish.act === 'lock') return await desk.lock();
    const [first] = chosen(await desk.displays(), { which: 'first' });
    if (first) await desk.set(first.id, wish.percent);
  } catch (error) {
    const failure = error instanceof CallFailed ? error.message : String(error);
    if (popups.has(port)) port.postMessage({ failure } satisfies ToPopup);
  }
}

let shown = 0;

/** Tells the popup how it stands. */
async function show(): Promise<void> {
  if (popups.size === 0) return;
  const turn = (shown += 1);
  const kept = await pairing();
  const may = desk.info?.procedures ?? [];
  const can = { brightness: may.includes(`${BRIGHTNESS}.set`), lock: may.includes(LOCK) };
  const snapshot: Snapshot = {
    desktop: kept ? (desk.info?.name ?? kept.membership.joined.name) : null,
    status: desk.status,
    brightness: can.brightness ? await brightness() : null,
    can,
  };
  // What is newer was asked for meanwhile.
  if (turn !== shown) return;
  for (const port of popups) port.postMessage({ snapshot } satisfies ToPopup);
}

async function brightness(): Promise<number | null> {
  if (!desk.isOpen) return null;
  try {
    return chosen(await desk.displays(), { which: 'first' })[0]?.percent ?? null;
  } catch {
    // It is not known; that the connection is gone is told by its status.
    return null;
  }
}

// --- whenever the worker starts ---------------------------------------------------------------------------------------------

/** Who has just installed it has to pair, unless this browser was paired before. */
async function welcome(reason: string): Promise<void> {
  if (reason === 'install' && !(await pairing())) await chrome.runtime.openOptionsPage();
}

// A browser starts the worker of an extension only for what it listens to.
chrome.runtime.onStartup.addListener(() => {});
chrome.runtime.onInstalled.addListener(({ reason }) => void welcome(reason));
void alignScripts();
void look();
