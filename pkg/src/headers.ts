/** Header fields: the snapshot a request or reply keeps, and the read-only `Headers` shown for it. */

import { InvalidRequestError, shown } from "./errors.js";
import { INSPECT } from "./inspect.js";
import { printable, type Secrets } from "./redact.js";

/** Name, value, name, value, ...: names in lower case, no name twice (but `set-cookie`). */
export type HeaderList = readonly string[];

/** Everything that the platform takes for header fields. */
export type HeadersInput = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

export const NO_HEADERS: HeaderList = Object.freeze([]);

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What Node does not send either: control characters (but tab), and what is no byte. */
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const OUTER_SPACE = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** A valid name in lower case, and the latest value under it that was found good, if that was short. */
interface Known {
  readonly name: string;
  value: string;
}

/** By how names were written: the same few dozen come again and again, and often with the same values. */
const known = new Map<string, Known>();
const KNOWN_LIMIT = 512;
const KNOWN_LENGTH = 256;

/** What came last as a record, and what was made of it: what comes next tends to be the same, and shares it then. */
export interface Latest {
  names: readonly string[];
  list: HeaderList;
}

/** A snapshot of the fields: what happens to `input` afterwards changes nothing. */
export function snapshot(input: unknown, latest?: Latest): HeaderList {
  if (input === undefined) return NO_HEADERS;
  if (typeof input !== "object" || input === null) {
    throw invalid("HEADER_NAME", `headers are a Headers, an array of pairs or a record, not ${shown(input)}`);
  }
  if (Symbol.iterator in input) return ofPairs(input as Iterable<unknown>);
  const names = Object.keys(input);
  const list = ofRecord(input as Record<string, unknown>, names, latest);
  if (latest !== undefined) {
    latest.names = names;
    latest.list = list;
  }
  return list;
}

function ofRecord(record: Readonly<Record<string, unknown>>, names: readonly string[], latest?: Latest): HeaderList {
  const size = names.length * 2;
  // Where none is joined to another, they stand where they stood the last time.
  const isAlike = latest !== undefined && latest.names.length === names.length && latest.list.length === size;
  let list: string[] | undefined;
  let end = 0;
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at]!;
    const value = record[name];
    if (list === undefined) {
      if (isAlike && name === latest.names[at] && value === latest.list[end + 1]) {
        end += 2;
        continue;
      }
      // With its final length: a list that grows keeps room for more than it will ever have.
      list = new Array<string>(size);
      for (let copied = 0; copied < end; copied += 1) list[copied] = latest!.list[copied]!;
    }
    end = append(list, end, name, value);
  }
  if (list === undefined) return isAlike ? latest.list : NO_HEADERS;
  if (end < size) list.length = end;
  return list;
}

function ofPairs(pairs: Iterable<unknown>): HeaderList {
  const list: string[] = [];
  for (const pair of pairs) {
    const parts = typeof pair === "object" && pair !== null && Symbol.iterator in pair ? [...(pair as Iterable<unknown>)] : [];
    if (parts.length !== 2) throw invalid("HEADER_NAME", `a header is a pair of name and value, not ${shown(pair)}`);
    append(list, list.length, String(parts[0]), parts[1]);
  }
  return list;
}

/** Adds a field, or joins its value to that of the same name; the new end of the list. */
function append(list: string[], end: number, given: string, value: unknown): number {
  const field = known.get(given) ?? checkedName(given);
  const { name } = field;
  const text = value === field.value ? field.value : checkedValue(field, value);
  if (name !== "set-cookie") {
    for (let at = 0; at < end; at += 2) {
      if (list[at] === name) {
        // Cookies are joined as they are parted (RFC 9113, section 8.2.3).
        list[at + 1] += `${name === "cookie" ? ";" : ","} ${text}`;
        return end;
      }
    }
  }
  list[end] = name;
  list[end + 1] = text;
  return end + 2;
}

function checkedName(given: string): Known {
  if (!NAME.test(given)) throw invalid("HEADER_NAME", `${shown(given)} is an invalid header name.`);
  const field: Known = { name: given.toLowerCase(), value: "" };
  if (known.size >= KNOWN_LIMIT) known.clear();
  known.set(given, field);
  return field;
}

function checkedValue(field: Known, value: unknown): string {
  if (typeof value === "symbol") throw invalid("HEADER_VALUE", `a header value is text, not ${shown(value)} (of ${field.name}).`);
  const text = typeof value === "string" ? value : String(value);
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  const trimmed = first <= 32 || last <= 32 ? text.replace(OUTER_SPACE, "") : text;
  if (BAD_VALUE.test(trimmed)) {
    throw invalid("HEADER_VALUE", `${shown(text)} is an invalid header value (of ${field.name}).`);
  }
  if (trimmed.length <= KNOWN_LENGTH) field.value = trimmed;
  return trimmed;
}

function invalid(part: "HEADER_NAME" | "HEADER_VALUE", message: string): InvalidRequestError {
  return new InvalidRequestError(`MOCKWIRE_INVALID_${part}`, message);
}

/** The value of a field, or `undefined`. `name` is in lower case. */
export function valueOf(list: HeaderList, name: string): string | undefined {
  for (let at = 0; at < list.length; at += 2) {
    if (list[at] === name) return list[at + 1];
  }
  return undefined;
}

/** The list with a field that it did not have. */
export function withField(list: HeaderList, name: string, value: string): HeaderList {
  return valueOf(list, name) === undefined ? list.concat(name, value) : list;
}

/** The list with these fields, instead of those that it had of the same names. */
export function overridden(list: HeaderList, fields: HeaderList): HeaderList {
  return [...without(list, (name) => valueOf(fields, name) !== undefined), ...fields];
}

/** The list without some fields. */
export function without(list: HeaderList, excluded: (name: string) => boolean): HeaderList {
  return pairs(list)
    .filter(([name]) => !excluded(name))
    .flat();
}

export function pairs(list: HeaderList): Array<[name: string, value: string]> {
  const result: Array<[string, string]> = [];
  for (let at = 0; at < list.length; at += 2) result.push([list[at]!, list[at + 1]!]);
  return result;
}

/** The fields as the engine takes them: lines that end in CR LF. */
export function block(list: HeaderList): string {
  let text = "";
  for (let at = 0; at < list.length; at += 2) text += `${list[at]}: ${list[at + 1]}\r\n`;
  return text;
}

/** A platform `Headers` that cannot be changed, as those of a fetched response; printed without secrets. */
export function readOnlyHeaders(list: HeaderList, secrets: Secrets): Headers {
  // Made on first use: to touch `Headers` is to load the platform's `fetch`, and importing should be free.
  ReadOnly ??= readOnlyClass();
  return new ReadOnly(pairs(list), secrets);
}

let ReadOnly: ReturnType<typeof readOnlyClass> | undefined;

function readOnlyClass(): new (init: Array<[string, string]>, secrets: Secrets) => Headers {
  class ReadOnlyHeaders extends Headers {
    #secrets: Secrets | undefined;

    constructor(init: Array<[string, string]>, hidden: Secrets) {
      super(init);
      this.#secrets = hidden;
    }

    override append(): never {
      throw new TypeError("immutable");
    }

    override delete(): never {
      throw new TypeError("immutable");
    }

    override set(): never {
      throw new TypeError("immutable");
    }

    [INSPECT](_depth: number, options: object, inspect?: (value: unknown, options: object) => string): string {
      const fields = Object.fromEntries(printable([...this].flat(), this.#secrets));
      return `Headers ${inspect?.(fields, options) ?? JSON.stringify(fields)}`;
    }
  }
  Object.defineProperty(ReadOnlyHeaders.prototype, "constructor", { value: Headers });
  return ReadOnlyHeaders;
}
