/**
 * What can be made of a timeline: an archive for the developer tools of browsers, a trace for Perfetto, and
 * a picture.
 *
 * @packageDocumentation
 */

import { InvalidArgumentError, type Timeline } from "../index.js";
import { machines } from "./machines.js";

/** A request that was made again after it had failed. */
export interface Retry {
  /** The number of the request. */
  readonly sequence: number;
  /** The number of the attempt before it. */
  readonly of: number;
  /** Which attempt it is: 2 for the first retry. */
  readonly attempt: number;
  /** How long the client waited after the end of the attempt before, in milliseconds. */
  readonly delay: number;
}

/**
 * The timeline as an HTTP archive (HAR 1.2), which browsers' developer tools and many others read: JSON,
 * indented.
 *
 * @example
 * await writeFile("test.har", har(transport.timeline({ bodies: true })));
 */
export function har(timeline: Timeline): string {
  return write("har", (writer) => writer.har(textOf(timeline)));
}

/** The timeline in the Trace Event Format, which https://ui.perfetto.dev and `chrome://tracing` show: JSON. */
export function chromeTrace(timeline: Timeline): string {
  return write("chromeTrace", (writer) => writer.chromeTrace(textOf(timeline)));
}

/**
 * The timeline as a picture: a waterfall, as SVG, with a lane for each exchange. It follows the light or dark
 * scheme of its reader, has no scripts, and draws the first 400 exchanges.
 */
export function waterfall(timeline: Timeline): string {
  return write("waterfall", (writer) => writer.waterfall(textOf(timeline)));
}

/**
 * The retries among the exchanges: requests with the method, URL and body of an earlier one that had ended
 * without success before they arrived.
 */
export function retries(timeline: Timeline): Retry[] {
  return JSON.parse(write("retries", (writer) => writer.retries(textOf(timeline)))) as Retry[];
}

type Writer = ReturnType<typeof machines>["TimelineWriter"];

function write(caller: string, call: (writer: Writer) => string): string {
  try {
    return call(machines().TimelineWriter);
  } catch (cause) {
    const { code, message } = cause as { readonly code?: string; readonly message: string };
    if (code === undefined) throw cause;
    throw new InvalidArgumentError(`${caller}() takes what transport.timeline() gives: ${message}`);
  }
}

function textOf(timeline: Timeline): string {
  return JSON.stringify(timeline) ?? "null";
}
