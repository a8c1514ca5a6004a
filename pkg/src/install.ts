/** Standing in for the platform's `fetch` and `WebSocket`, for code that takes none. */

import { AlreadyInstalledError } from "./errors.js";
import type { MockWebSocketClass } from "./socket/websocket.js";

/** What is replaced. */
export interface Globals {
  readonly fetch: typeof fetch;
  readonly WebSocket: MockWebSocketClass;
}

/** What is shared by all copies of this package in a realm. */
interface Installed {
  readonly owner: object;
  readonly mocks: Globals;
  /** What was there before, where there was something: Node has had a `WebSocket` since version 22. */
  readonly originals: ReadonlyMap<keyof Globals, PropertyDescriptor | undefined>;
}

const KEY = Symbol.for("mockwire.installed");
const NAMES = ["fetch", "WebSocket"] as const;
const realm = globalThis as unknown as { [KEY]?: Installed | undefined };

/** Puts the mocks in the places of the globals. Nothing happens when the owner's are there already. */
export function install(owner: object, mocks: Globals): void {
  const present = realm[KEY];
  if (present?.owner === owner) return;
  if (present !== undefined) {
    throw new AlreadyInstalledError(
      "another transport is installed as the global fetch and WebSocket: uninstall or dispose it first",
    );
  }
  const originals = new Map(NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));
  realm[KEY] = { owner, mocks, originals };
  for (const name of NAMES) define(name, { value: mocks[name], enumerable: true, writable: true, configurable: true });
}

/** Puts the originals back, where the owner's mocks stand in their places. */
export function uninstall(owner: object): void {
  const present = realm[KEY];
  if (present?.owner !== owner) return;
  for (const name of NAMES) {
    // Whoever replaced it since then keeps what they put there.
    if ((globalThis as Partial<Record<string, unknown>>)[name] === present.mocks[name]) {
      define(name, present.originals.get(name));
    }
  }
  delete realm[KEY];
}

function define(name: keyof Globals, property: PropertyDescriptor | undefined): void {
  if (property === undefined) delete (globalThis as Partial<Record<string, unknown>>)[name];
  else Object.defineProperty(globalThis, name, property);
}
