/** Standing in for `globalThis.fetch`, for code that takes no `fetch`. */

import { AlreadyInstalledError } from "./errors.js";

/** What is shared by all copies of this package in a realm. */
interface Installed {
  readonly owner: object;
  readonly original: typeof fetch;
  readonly mock: typeof fetch;
}

const KEY = Symbol.for("mockwire.installed");
const realm = globalThis as { [KEY]?: Installed | undefined; fetch: typeof fetch };

/** Puts `mock` in the place of the global `fetch`. Nothing happens when the owner's is there already. */
export function install(owner: object, mock: typeof fetch): void {
  const present = realm[KEY];
  if (present?.owner === owner) return;
  if (present !== undefined) {
    throw new AlreadyInstalledError(
      "another transport is installed as the global fetch: uninstall or dispose it first",
    );
  }
  realm[KEY] = { owner, original: realm.fetch, mock };
  realm.fetch = mock;
}

/** Puts the original back, if the owner's mock stands in its place. */
export function uninstall(owner: object): void {
  const present = realm[KEY];
  if (present?.owner !== owner) return;
  // Whoever replaced it since then keeps what they put there.
  if (realm.fetch === present.mock) realm.fetch = present.original;
  delete realm[KEY];
}
