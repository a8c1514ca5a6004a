/** Who a session belongs to. */

import { InvalidArgumentError } from "../../index.js";
import { shown } from "../../words.js";

/** The client, the project, the user and the thread; what is left out is empty. */
export interface SessionKey {
  readonly client?: string;
  readonly project?: string;
  readonly user?: string;
  readonly thread?: string;
}

/** The names of a key, in the order in which the machine takes them. */
export type Names = [client: string, project: string, user: string, thread: string];

const NAMES = ["client", "project", "user", "thread"] as const satisfies ReadonlyArray<keyof SessionKey>;

/** Refuses what a caller without types may have passed. */
export function namesOf(key: SessionKey): Names {
  if (typeof key !== "object" || key === null) {
    throw new InvalidArgumentError(`a session's key is an object with ${NAMES.join(", ")}, not ${shown(key)}`);
  }
  for (const [name, value] of Object.entries(key)) {
    if (!(NAMES as readonly string[]).includes(name)) {
      throw new InvalidArgumentError(`a session's key has no \`${name}\`: known are ${NAMES.join(", ")}`);
    }
    if (value !== undefined && typeof value !== "string") {
      throw new InvalidArgumentError(`the ${name} of a session's key cannot be ${shown(value)}: it is a text`);
    }
  }
  return NAMES.map((name) => key[name] ?? "") as Names;
}

export function keyOf([client, project, user, thread]: Names): Required<SessionKey> {
  return Object.freeze({ client, project, user, thread });
}
