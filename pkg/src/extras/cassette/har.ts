/** HTTP archives (HAR 1.2), of which cassettes are made, and which are made of cassettes. */

import { InvalidArgumentError } from "../../index.js";
import { shown } from "../../words.js";
import { machines } from "../machines.js";
import { told } from "./errors.js";
import { type CassetteOptions, written } from "./options.js";

/** What is left out of what an archive has. */
export type HarOptions = Pick<CassetteOptions, "keepVolatile" | "redaction">;

/** What was read from an archive. */
export interface HarImport {
  /** The text of the cassette, for a {@link Recorder} or for a file. */
  readonly cassette: string;
  /** The entries that no cassette can hold: WebSockets, requests without a response, bodies that were not saved. */
  readonly skipped: readonly SkippedEntry[];
}

/** An entry of an archive that no cassette can hold. */
export interface SkippedEntry {
  /** Its place in the archive, from 1. */
  readonly number: number;
  /** The method, and the URL without its query. */
  readonly request: string;
  /** Why. */
  readonly reason: string;
}

/**
 * The cassette of an HTTP archive, as browsers' developer tools and proxies write it: without its secrets,
 * and with what is not the same each time made so, unless the options say otherwise. Throws a `CassetteError`
 * when the text is no archive.
 *
 * @example
 * const { cassette, skipped } = fromHar(readFileSync("page.har", "utf8"));
 * const recorder = new Recorder(cassette);
 */
export function fromHar(har: string, options: HarOptions = {}): HarImport {
  const text = checked("fromHar()", har);
  const json = written("fromHar()", options);
  return JSON.parse(told(() => machines().RecorderMachine.fromHar(text, json))) as HarImport;
}

/** The text of a cassette as an HTTP archive. Throws a `CassetteError` when it is no cassette. */
export function toHar(cassette: string): string {
  const text = checked("toHar()", cassette);
  return told(() => machines().RecorderMachine.toHar(text));
}

function checked(what: string, text: unknown): string {
  if (typeof text === "string") return text;
  throw new InvalidArgumentError(`${what} takes the text of a file, not ${shown(text)}`);
}
