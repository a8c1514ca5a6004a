/** What a conversation remembers. */

import { InvalidArgumentError } from "./errors.js";
import { shown } from "./words.js";

/** Who is told of every change, and counts the requests. @internal */
export interface Keeper {
  /** Throws when nothing may be read or changed any more. */
  assertUsable(): void;
  setState(key: string, json: string): void;
  deleteState(key: string): void;
  clearState(): void;
  requestCount(): number;
}

/** A state that belongs to nothing. */
const NOBODY: Keeper = {
  assertUsable() {},
  setState() {},
  deleteState() {},
  clearState() {},
  requestCount: () => 0,
};

/**
 * JSON values by key, for handlers, conditions and the test to share. A transport has one
 * ({@link MockTransport.state}), each session of `mockwire/sessions` has one, and `new State()` makes one
 * that belongs to nothing.
 *
 * Values are kept as frozen copies: what was set is not changed by what becomes of the original, and what
 * is got cannot be changed but by setting another value.
 *
 * @example
 * const transport = new MockTransport<{ user: string }>();
 * transport.post("/login").reply((request) => {
 *   transport.state.set("user", request.json().name);
 *   return 204;
 * });
 * transport.get("/me").stateIs("user", "Ada").reply("Ada Lovelace");
 * transport.get("/me").reply(401);
 */
export class State<Values extends object = Record<string, any>> {
  readonly #keeper: Keeper;
  readonly #values = new Map<string, unknown>();

  /** @internal */
  constructor(keeper: Keeper = NOBODY) {
    this.#keeper = keeper;
  }

  /** The value under this key. */
  get<Key extends keyof Values & string>(key: Key): Values[Key] | undefined {
    this.#keeper.assertUsable();
    return this.#values.get(key) as Values[Key] | undefined;
  }

  /** Sets the value under this key, which has to be one of JSON. */
  set<Key extends keyof Values & string>(key: Key, value: Values[Key]): this {
    this.#keeper.assertUsable();
    if (typeof key !== "string") throw new InvalidArgumentError(`the keys of a state are texts, not ${shown(key)}`);
    const json = jsonOf(key, value);
    this.#keeper.setState(key, json);
    this.#values.set(key, frozen(JSON.parse(json)));
    return this;
  }

  /** Sets the value under this key to what the function makes of the one that is there, and returns it. */
  update<Key extends keyof Values & string>(
    key: Key,
    change: (value: Values[Key] | undefined) => Values[Key],
  ): Values[Key] {
    return this.set(key, change(this.get(key))).get(key)!;
  }

  /** Whether there is a value under this key. */
  has(key: keyof Values & string): boolean {
    this.#keeper.assertUsable();
    return this.#values.has(key);
  }

  /** Takes the value under this key away. Whether there was one. */
  delete(key: keyof Values & string): boolean {
    this.#keeper.assertUsable();
    const wasThere = this.#values.delete(key);
    if (wasThere) this.#keeper.deleteState(key);
    return wasThere;
  }

  /** Forgets everything: all values, and the count of the requests. */
  clear(): void {
    this.#keeper.assertUsable();
    this.#keeper.clearState();
    this.#values.clear();
  }

  /** All values by their keys. */
  toJSON(): Partial<Values> {
    this.#keeper.assertUsable();
    return Object.fromEntries(this.#values) as Partial<Values>;
  }

  /** How many requests the conversation has seen, matched or not; of a session, how many messages. */
  get requestCount(): number {
    this.#keeper.assertUsable();
    return this.#keeper.requestCount();
  }

  /** Forgets the values, of which the keeper knows. @internal */
  restart(): void {
    this.#values.clear();
  }
}

function jsonOf(key: string, value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    // It refers to itself, or has a number that JSON has not.
  }
  if (json !== undefined) return json;
  const message = `the state ${shown(key)} cannot be ${shown(value)}: it is a value of JSON`;
  throw new InvalidArgumentError(message, "MOCKWIRE_INVALID_JSON");
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
