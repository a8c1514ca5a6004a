/** How a cassette is used. The names are those of the JSON that the crate reads, which checks them. */

import { InvalidArgumentError } from "../../index.js";
import { shown } from "../../words.js";

/**
 * What is done with a request:
 *
 * - `"replay"`: each entry answers one request; of those that match, the first that has not answered yet;
 * - `"repeat"`: the same, but the last entry that matches answers for good;
 * - `"strict"`: as `replay`;
 * - `"record"`: every request goes to the real transport;
 * - `"record-missing"`: what the cassette has is replayed, what it has not goes to the real transport, and is
 *   added.
 *
 * What a cassette that only replays does not have fails, with an `UnmatchedRequestError` that names the nearest
 * entries.
 */
export type RecordMode = "replay" | "repeat" | "strict" | "record" | "record-missing";

/**
 * What has to agree for an entry to answer: the method, the URL with its query, and the body, unless said
 * otherwise. JSON is compared as values.
 */
export interface MatchOn {
  /** Whether the method counts. */
  readonly method?: boolean;
  /** Whether the scheme, the host and the port count. */
  readonly origin?: boolean;
  /** Whether the query counts. */
  readonly query?: boolean;
  /** Parameters of the query that do not. */
  readonly ignoredQuery?: readonly string[];
  /** Header fields that count. */
  readonly headers?: readonly string[];
  /** How bodies are compared; `partial` JSON may have further members, and arrays further elements at their end. */
  readonly body?: "exact" | "partial" | "ignored";
  /** What of JSON bodies does not count: JSON pointers, in which `*` stands for any key or index. */
  readonly ignoredJson?: readonly string[];
}

/** What is never written, besides the usual secrets: the crate's `Redaction` says which those are. */
export interface Redaction {
  /** Whether the usual secrets are taken out: `true` unless given. */
  readonly usual?: boolean;
  /** Also the values of these header fields. */
  readonly headers?: readonly string[];
  /** Also these parameters of queries and forms. */
  readonly query?: readonly string[];
  /** Also what is at these places of JSON bodies: JSON pointers, in which `*` stands for any key or index. */
  readonly json?: readonly string[];
  /** Also these texts, wherever they stand. */
  readonly literals?: readonly string[];
}

/** How fast entries are replayed, in the transport's time: at once, as they were recorded, or so many times as fast. */
export type Speed = "instant" | "real" | { readonly scaled: number };

/** How a cassette is used. */
export interface CassetteOptions {
  /** `"replay"` unless given. */
  readonly mode?: RecordMode;
  readonly matchOn?: MatchOn;
  readonly redaction?: Redaction;
  /** `"instant"` unless given. */
  readonly speed?: Speed;
  /**
   * Records ids, dates, the fields of connections and the spaces of JSON as they come. Otherwise what is not
   * the same each time is made so, and the same traffic makes the same file.
   */
  readonly keepVolatile?: boolean;
  /** How many bytes of each body are recorded; what goes through is never cut. 16 MiB unless given. */
  readonly maxBodyBytes?: number;
  /** How many exchanges are recorded; further ones go through, and are counted. 10,000 unless given. */
  readonly maxEntries?: number;
}

/** The options as the machine reads them; what is unknown or wrong, it refuses. */
export function written(what: string, options: CassetteOptions): string {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`${what} takes an object with options, not ${shown(options)}`);
  }
  const { literals = [] } = options.redaction ?? {};
  // They are secrets, which no message may show.
  if (!Array.isArray(literals) || !literals.every((it) => typeof it === "string")) {
    throw new InvalidArgumentError(`${what}: \`redaction.literals\` is a list of texts`);
  }
  return JSON.stringify(options);
}
