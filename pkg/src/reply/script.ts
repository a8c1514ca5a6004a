/** Replies whose body plays a script: frames, pauses, and an ending. */

import { base64, copyOf, encode, isBytes } from "../bytes.js";
import { type EncodedScript, newPlayer, type Player } from "../engine.js";
import { InvalidReplyError, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { jsonOf } from "../json.js";
import type { LiveBody, Pieces } from "./body.js";
import { type Head, headOf, type ReplyInit } from "./head.js";
import { LiveReply } from "./live.js";
import { type Batch, Playing } from "./playing.js";
import type { Reply } from "./reply.js";

/** A server-sent event, as the server writes it (WHATWG HTML, section 9.2.5). Everything may be left out. */
export interface ServerSentEvent {
  /** Its type; clients take one without for a `message`. */
  readonly event?: string | undefined;
  /** The payload: text as it is, anything else as JSON. Clients do not see an event without. */
  readonly data?: unknown;
  readonly id?: string | undefined;
  /** How many milliseconds a client is to wait before it comes back. */
  readonly retry?: number | undefined;
  /** Lines that clients ignore, used to keep a connection alive. */
  readonly comment?: string | readonly string[] | undefined;
}

/** A frame (text, bytes, an event), a pause of so many milliseconds, or a name to wait for. */
export type Step =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly event: ServerSentEvent }
  | { readonly wait: number }
  | { readonly hold: string };

/** How frames come in time, and how the body ends. Times are milliseconds of the transport's time. */
export interface Pace {
  /** How long after the head the first frame comes. */
  readonly firstByte?: number;
  /** How long each frame but the first comes after the one before it. */
  readonly gap?: number;
  /** How fast the bytes come; a token counts as four bytes. It adds to `gap`. */
  readonly rate?:
    | { readonly bytesPerSecond: number }
    | { readonly framesPerSecond: number }
    | { readonly tokensPerSecond: number };
  /** Makes every pause longer or shorter by a random share of up to this much, from 0 to 1; see the option `seed`. */
  readonly jitter?: number;
  /** Cuts the bytes anew: after so many bytes, characters or lines, or after a random number of bytes. */
  readonly chunking?:
    | "lines"
    | { readonly bytes: number }
    | { readonly characters: number }
    | { readonly random: { readonly min: number; readonly max: number } }
    | { readonly sizes: readonly number[] };
  /** How often the frames come: once unless given. `Infinity` costs no memory: they are made as they are asked for. */
  readonly repeat?: number | "forever" | { readonly times: number };
  /** The protocol's own last words, such as `data: [DONE]\n\n`. */
  readonly terminal?: Exclude<Step, { readonly wait: number } | { readonly hold: string }>;
  /** Leaves `terminal` out. */
  readonly withoutTerminal?: boolean;
  /** Cuts the body off after so many bytes, also in the middle of a character. */
  readonly cutAt?: number;
  /**
   * How the body ends: `clean` unless given. `reset` and a fault fail it, as a lost connection does
   * (`TypeError: terminated`, with a `cause.code`). After a `stall` nothing comes any more, until the
   * client gives up: no time ends it.
   */
  readonly end?: "clean" | "reset" | "stall" | { readonly fault: Fault };
  /** What ends the lines of events: `lf` unless given. */
  readonly lineEnding?: "lf" | "cr" | "crlf";
  /** Fields after the body. They are there for other languages: `fetch` shows no trailers. */
  readonly trailers?: ReadonlyArray<readonly [name: string, value: string]>;
}

/** A failure of the connection, by its name in scripts. */
export type Fault =
  | "connectionClosed"
  | "connectionRefused"
  | "connectionReset"
  | "connectTimeout"
  | "dnsFailure"
  | "malformedResponse"
  | "timeout"
  | "tlsFailure";

/** What a streamed body does, in time. JSON that `mockwire::Script` writes is a script as well. */
export interface Script extends Pace {
  readonly steps?: readonly Step[];
}

const PACE = [
  "firstByte",
  "gap",
  "rate",
  "jitter",
  "chunking",
  "repeat",
  "terminal",
  "withoutTerminal",
  "cutAt",
  "end",
  "lineEnding",
  "trailers",
] as const satisfies ReadonlyArray<keyof Pace>;

/** What of these options is about the pace; `undefined` when nothing is. */
export function paceOf(options: Pace): Pace | undefined {
  const given = PACE.filter((name) => options[name] !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given.map((name) => [name, options[name]]));
}

/**
 * 200 with a body that plays this script. Each frame has a time, counted from the head of the response;
 * whoever reads late gets at once what is due. With a script of frames alone, no clock is touched.
 *
 * @example
 * transport.get("/events").reply(reply.script({
 *   steps: [{ event: { data: "one" } }, { wait: 50 }, { event: { data: "two" } }, { hold: "go" }],
 *   end: "reset",
 * }));
 * transport.release("go");
 */
export function script(script: Script, init?: ReplyInit): Reply {
  const { steps = [] } = Object(script) as Script;
  if (typeof script !== "object" || script === null || !Array.isArray(steps)) {
    const given = Array.isArray(steps) ? shown(script) : `\`steps\` that are ${shown(steps)}`;
    throw new InvalidReplyError("MOCKWIRE_INVALID_OPTION", `script() takes an object with an array of \`steps\`, not ${given}`);
  }
  const hasEvents = steps.some((step) => typeof step === "object" && step !== null && "event" in step);
  const head = headOf(init, hasEvents ? "text/event-stream" : undefined);
  return scripted(head, script);
}

export function scripted(head: Head, script: Script): Reply {
  return new LiveReply(head, new ScriptBody({ json: jsonOf(written(script), "a script", InvalidReplyError), damages: [] }));
}

/** How many frames of a script are made beforehand, when they are always the same. */
const KEPT_FRAMES = 4096;

/** How many frames are made at once, when they are made for one client. */
const BATCH = 64;

/** A body that plays a script. */
export class ScriptBody implements LiveBody {
  readonly #script: EncodedScript;
  /** How many bytes the steps give, played once. */
  readonly length: number;
  /** All of it, when it is the same for everybody. */
  readonly #batches: readonly Batch[] | undefined;

  constructor(script: EncodedScript) {
    this.#script = script;
    const player = begin(script, 0, 0);
    try {
      this.length = player.length;
      if (player.isConstant) this.#batches = allOf(player);
    } finally {
      player.free();
    }
  }

  open(exchange: Exchange): Pieces {
    if (this.#batches !== undefined) return new Playing(exchange, this.#batches, undefined);
    const { seed = 0 } = exchange.core.options;
    const player = begin(this.#script, seed, exchange.sequence);
    return new Playing(exchange, [player.batch(BATCH)], player);
  }

  script(): EncodedScript {
    return this.#script;
  }
}

function begin(script: EncodedScript, seed: number, sequence: number): Player {
  try {
    return newPlayer(script, seed, sequence);
  } catch (cause) {
    const { code = "MOCKWIRE_INVALID_OPTION", message } = cause as { code?: string; message?: string };
    throw new InvalidReplyError(code, `a script: ${message}`, { cause });
  }
}

/** All batches; `undefined` when they are many, or depend on when a name is released. */
function allOf(player: Player): Batch[] | undefined {
  const batches: Batch[] = [];
  for (let frames = 0; frames < KEPT_FRAMES; frames += batches.at(-1)![1].length / 2) {
    const batch = player.batch(KEPT_FRAMES);
    if (batch[2] === "hold") return undefined;
    batches.push(batch);
    if (batch[2] === "end") return batches;
  }
  return undefined;
}

/** These frames as a script. */
export function scriptOf(frames: readonly Uint8Array[]): EncodedScript {
  const steps = frames.filter(({ byteLength }) => byteLength > 0).map((frame) => ({ base64: base64(frame) }));
  return { json: JSON.stringify({ steps }), damages: [] };
}

/** The script as the engine reads it. */
function written({ steps = [], repeat, terminal, ...rest }: Script): object {
  return {
    ...rest,
    steps: steps.map(stepOf),
    repeat: typeof repeat === "number" ? (repeat === Infinity ? "forever" : { times: repeat }) : repeat,
    terminal: terminal === undefined ? undefined : stepOf(terminal),
  };
}

function stepOf(step: Step): object {
  if (typeof step === "string") return frameOf(step);
  if (isBytes(step)) return { base64: base64(copyOf(step)) };
  if (typeof step !== "object" || step === null) {
    throw new InvalidReplyError(
      "MOCKWIRE_INVALID_BODY",
      `a step of a script is text, bytes, or an object with text, base64, event, wait or hold, not ${shown(step)}`,
    );
  }
  if ("text" in step) return frameOf(step.text);
  return "event" in step ? { event: eventOf(step.event) } : step;
}

/** JSON cannot write what is no Unicode text, which is then sent as the platform sends it. */
function frameOf(text: string): object {
  return typeof text === "string" && /[\ud800-\udfff]/.test(text) ? { base64: base64(encode(text)) } : { text };
}

/** The payload as its text, in the order in which JavaScript has it. */
export function eventOf(event: ServerSentEvent): object {
  const { data } = event;
  return data == null || typeof data === "string" ? event : { ...event, data: jsonOf(data, "the data of an event", InvalidReplyError) };
}
