/** Keeps secrets out of everything that is printed or saved. Programmatic access sees them. */

import type { HeaderList } from "./headers.js";

/** Names of header fields, in lower case, whose values are secrets. */
export type Secrets = ReadonlySet<string>;

const REDACTED = "<redacted>";

const ALWAYS = [
  "api-key",
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-amz-security-token",
  "x-api-key",
  "x-goog-api-key",
];

const USUAL: Secrets = new Set(ALWAYS);

/** The usual secrets, and the test's own. */
export function secretsWith(own: readonly string[] | undefined): Secrets {
  return own === undefined ? USUAL : new Set([...ALWAYS, ...own.map((name) => name.toLowerCase())]);
}

/** The fields as pairs, with secrets replaced. */
export function printable(list: HeaderList, secrets: Secrets = USUAL): Array<[name: string, value: string]> {
  const result: Array<[string, string]> = [];
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!;
    result.push([name, secrets.has(name) ? REDACTED : list[at + 1]!]);
  }
  return result;
}
