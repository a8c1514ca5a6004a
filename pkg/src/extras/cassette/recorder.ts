/** A cassette in use: it answers from it, and records onto it. */

import type { RecorderMachine } from "mockwire-extras";
import {
  type CapturedRequest,
  type Handler,
  InvalidArgumentError,
  type Reply,
  reply,
  type Script,
  VerificationError,
} from "../../index.js";
import { encode } from "../../bytes.js";
import { shown } from "../../words.js";
import { machines } from "../machines.js";
import { told } from "./errors.js";
import { type CassetteFiles, nodeFiles } from "./files.js";
import { type CassetteOptions, written } from "./options.js";
import { platformFetch, recorded, type Track } from "./upstream.js";

/** How a {@link Recorder} works. */
export interface RecorderOptions extends CassetteOptions {
  /** The real transport: the platform's `fetch` unless given. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** What time it is, in milliseconds since any moment, for recordings: the platform's clock unless given. */
  readonly now?: () => number;
  /** Where files are: on Node's file system unless given. */
  readonly files?: CassetteFiles;
}

/** The reply of an entry, as the machine tells it. */
type Replayed = readonly [
  status: number,
  fields: readonly string[],
  delay: number,
  kind: "bytes" | "script",
  content: Uint8Array | string,
];

/**
 * A cassette in use: it answers requests from the cassette, or records what a real transport answers, or both,
 * as its mode says.
 *
 * However many requests come at once, each entry answers as often as it may. Recording changes nothing of what
 * the client gets: a body goes through piece by piece as it comes. What is not the same each time is made so,
 * and secrets are taken out, before anything is kept.
 *
 * @example
 * const recorder = await Recorder.open("tests/cassettes/summary.json", { mode: process.env.CASSETTES ?? "replay" });
 * transport.otherwise().reply(recorder.handler);
 * // ... the code under test, over `transport.fetch` ...
 * await recorder.save();
 */
export class Recorder {
  readonly #machine: RecorderMachine;
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #now: () => number;
  readonly #files: CassetteFiles;
  readonly #path: string | undefined;

  /**
   * A recorder with the cassette of this text, or with an empty one. Throws a `CassetteError` when the text is
   * no cassette.
   */
  constructor(cassette?: string, options?: RecorderOptions);
  /** @internal */
  constructor(cassette: Opened, options?: RecorderOptions);
  constructor(cassette?: string | Opened, options: RecorderOptions = {}) {
    const opened = cassette instanceof Opened ? cassette : undefined;
    const what = opened === undefined ? "new Recorder()" : "Recorder.open()";
    if (opened === undefined && cassette !== undefined && typeof cassette !== "string") {
      throw new InvalidArgumentError(`${what} takes the text of a cassette, not ${shown(cassette)}`);
    }
    const { fetch = platformFetch, now = () => performance.now(), files = nodeFiles, ...rest } = given(what, options);
    for (const [name, value] of Object.entries({ fetch, now })) {
      if (typeof value !== "function") throw new InvalidArgumentError(`${what}: \`${name}\` cannot be ${shown(value)}`);
    }
    const bytes = typeof cassette === "string" ? encode(cassette) : cassette?.bytes;
    const json = written(what, rest);
    this.#machine = told(() => new (machines().RecorderMachine)(bytes, opened?.path, json));
    this.#fetch = fetch;
    this.#now = now;
    this.#files = files;
    this.#path = opened?.path;
  }

  /**
   * A recorder with the cassette of this file. In a mode that records, there need be no file yet. Rejects with
   * a `CassetteError` when the file cannot be read, or is cut off, corrupt, of a newer version or something
   * else.
   */
  static async open(path: string | URL, options: RecorderOptions = {}): Promise<Recorder> {
    const name = pathOf(path);
    const { files = nodeFiles } = given("Recorder.open()", options);
    return new Recorder(new Opened(name, await files.read(name)), options);
  }

  /**
   * Answers a request from the cassette, or passes it on and records it: what a rule is given.
   *
   * @example transport.otherwise().reply(recorder.handler)
   */
  readonly handler: Handler<any, any> = (request) => this.#answer(request);

  /** The text of the cassette as it would be saved now. Exchanges that are going on are not in it yet. */
  get cassette(): string {
    return told(() => this.#machine.text(undefined, this.#path));
  }

  /**
   * Writes the cassette to the file that it was opened from; nothing in a mode that does not record.
   *
   * The file is replaced in one step: a process that dies meanwhile leaves it as it was. What others have added
   * to it since it was opened stays. Rejects with a `CassetteError` when the file cannot be read or written, or
   * somebody else has been writing it for ten seconds.
   */
  async save(): Promise<void> {
    if (this.#path === undefined) {
      throw new InvalidArgumentError("the recorder has no file: use `Recorder.open()`, or write its `cassette`");
    }
    if (!this.#machine.records()) return;
    await this.#files.update(this.#path, (now) => told(() => this.#machine.text(now, this.#path)));
  }

  /** The numbers of the entries that have not answered, from 1. */
  get unused(): number[] {
    return [...this.#machine.unused()];
  }

  /** Throws when an entry of the cassette has not answered, with those that have not. */
  assertAllUsed(): void {
    const report = this.#machine.unusedReport();
    if (report !== undefined) throw new VerificationError(report);
  }

  /** How many exchanges are being recorded: the client has not taken their bodies to the end. */
  get goingOn(): number {
    return this.#machine.goingOn();
  }

  /** How many exchanges were not recorded, as there were too many (`maxEntries`). */
  get dropped(): number {
    return this.#machine.dropped();
  }

  #answer(request: CapturedRequest<any, any>): Reply {
    const { method, url, headers, sequence } = request;
    const fields = [...headers].flat();
    const asked = told(() => this.#machine.ask(method, url, fields, request.bytes(), sequence, this.#now())) as number | Replayed;
    if (typeof asked !== "number") return replayed(asked);
    // Its failures are the client's, and no failures of a handler.
    return reply.passthrough((request) => recorded(call(this.#fetch, request), this.#track(asked), request.signal));
  }

  #track(number: number): Track {
    const machine = this.#machine;
    return {
      head: ({ status, headers }) => machine.head(number, status, [...headers].flat(), this.#now()),
      data: (piece) => machine.data(number, piece, this.#now()),
      end: (how) => machine.end(number, how),
    };
  }
}

/** What a file has, if it is there. */
class Opened {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;

  constructor(path: string, bytes: Uint8Array | undefined) {
    this.path = path;
    this.bytes = bytes;
  }
}

/** What it throws at once is no different from what it rejects with. */
async function call(fetch: (request: Request) => Promise<Response>, request: Request): Promise<Response> {
  return fetch(request);
}

function replayed([status, fields, delay, kind, content]: Replayed): Reply {
  const headers: Array<[string, string]> = [];
  for (let at = 0; at < fields.length; at += 2) headers.push([fields[at]!, fields[at + 1]!]);
  const init = { status, headers, delay };
  if (kind === "script") return reply.script(JSON.parse(content as string) as Script, init);
  const bytes = content as Uint8Array;
  return bytes.byteLength === 0 ? reply.empty(status, init) : reply.bytes(bytes, init);
}

function given(what: string, options: RecorderOptions): RecorderOptions {
  if (typeof options === "object" && options !== null) return options;
  throw new InvalidArgumentError(`${what} takes an object with options, not ${shown(options)}`);
}

function pathOf(path: string | URL): string {
  if (typeof path === "string" && path !== "") return path;
  if (path instanceof URL && path.protocol === "file:") {
    const name = decodeURIComponent(path.pathname);
    // `/C:/cassettes/chat.json`
    return /^\/[A-Za-z]:\//.test(name) ? name.slice(1) : name;
  }
  throw new InvalidArgumentError(`Recorder.open() takes a path or a file: URL, not ${shown(path)}`);
}
