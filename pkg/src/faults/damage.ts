/** Replies with something wrong with them: the engine damages frames, the rest is performed here. */

import { checkDamages, codeOf, type EncodedScript } from "../engine.js";
import { InvalidReplyError, shown } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { overridden } from "../headers.js";
import { networkError } from "../network-error.js";
import { pause } from "../pause.js";
import { type LiveBody, StaticBody } from "../reply/body.js";
import { NoReply } from "../reply/failure.js";
import { replyFrom, type Replyable } from "../reply/from.js";
import { forbidsBody, type Head, headOf } from "../reply/head.js";
import { isPromise } from "../reply/pieces.js";
import { type Answer, Reply } from "../reply/reply.js";
import { type Fault, ScriptBody, scriptOf } from "../reply/script.js";
import { StaticReply } from "../reply/static.js";

/**
 * What goes wrong with a reply; as JSON the same in Rust. What is done to a body leaves alone one that a
 * generator or another transport makes, and statuses without one.
 */
export type Damage =
  /** The frame with this number, from 0, comes twice. */
  | { readonly duplicateFrame: number }
  /** There is no response, but this failure. */
  | { readonly fault: Fault }
  /** The head comes so many milliseconds later. */
  | { readonly late: number }
  /** A byte in the middle of the body is one that UTF-8 does not have. */
  | "malformed"
  /** There is no response, ever. */
  | "noAnswer"
  /** The connection is reset after so many bytes of the body. */
  | { readonly resetAt: number }
  /** The body comes in pieces of so many bytes, with a pause of so many milliseconds before each. */
  | { readonly slowDrip: { readonly bytes: number; readonly gap: number } }
  /** This status instead, without a body. */
  | { readonly status: number }
  /** The body ends after so many bytes, as if that were all. */
  | { readonly truncateAt: number }
  /** `content-length` says so many bytes more than come; then the connection is closed. */
  | { readonly wrongLength: number };

/**
 * A reply with something wrong with it.
 *
 * @example
 * transport.get("/a").reply(reply.damaged({ text: "hello" }, { resetAt: 9 }));
 * transport.get("/b").replySequence([reply.damaged("hello", "malformed"), "hello"]);
 */
export function damaged(value: Replyable, damage: Damage): Reply {
  return damagedBy(replyFrom(value), checkedDamage("damaged()", damage));
}

/** What is done instead of, or to, an answer. */
type Deed =
  | { readonly kind: "body"; readonly encoded: readonly number[]; readonly surplus: number | undefined }
  | { readonly kind: "fault"; readonly code: string }
  | { readonly kind: "late"; readonly by: number }
  | { readonly kind: "never" }
  | { readonly kind: "status"; readonly status: number };

/** A damage that was checked. */
export type CheckedDamage = Deed;

/** The places of these names are what the engine knows them by. */
const ENCODED = ["duplicateFrame", "malformed", "resetAt", "slowDrip", "truncateAt", "wrongLength", "status"];

/** Throws when a damage makes no sense; `where` is who was given it. */
export function checkedDamage(where: string, damage: Damage): CheckedDamage {
  const fail = (why: string, cause?: unknown): never => {
    const given = JSON.stringify(damage) ?? shown(damage);
    const { code = "MOCKWIRE_INVALID_OPTION" } = (cause ?? {}) as { code?: string };
    throw new InvalidReplyError(code, `${where}: ${given} is no damage: ${why}`, { cause });
  };
  const [name, value] = typeof damage === "string" ? [damage, 0] : (Object.entries(damage ?? {})[0] ?? ["", 0]);
  const isAmount = (amount: unknown): amount is number => typeof amount === "number" && amount >= 0 && amount < Infinity;
  const { bytes, gap } = (name === "slowDrip" ? (value ?? {}) : { bytes: value, gap: 0 }) as { bytes: unknown; gap: unknown };
  if (name === "noAnswer") return { kind: "never" };
  try {
    if (name === "fault") return { kind: "fault", code: codeOf(value as string) };
    if (!isAmount(bytes) || !isAmount(gap)) return fail("how much is a number from 0");
    if (name === "late") return { kind: "late", by: bytes };
    const kind = ENCODED.indexOf(name);
    if (kind < 0) return fail("there is none of that name");
    checkDamages([kind, bytes, gap]);
    if (name === "status") return { kind: "status", status: bytes };
    return { kind: "body", encoded: [kind, bytes, gap], surplus: name === "wrongLength" ? bytes : undefined };
  } catch (cause) {
    if (cause instanceof InvalidReplyError) throw cause;
    return fail((cause as Error).message, cause);
  }
}

/** As `damaged`, for a damage that was checked. */
export function damagedBy(reply: Reply, damage: CheckedDamage): Reply {
  if (!(reply instanceof NoReply)) return new DamagedReply(reply, damage);
  if (damage.kind === "late") return reply.later(damage.by);
  // Only what replaces a reply changes anything about none.
  if (damage.kind === "body") return reply;
  return new DamagedReply(new StaticReply(headOf({ delay: reply.delay }), null), damage);
}

class DamagedReply extends Reply {
  readonly #reply: Reply;
  readonly #damage: CheckedDamage;
  /** What became of the last body: most replies have only one. */
  #latest: { readonly of: object | null; readonly body: ScriptBody } | undefined;

  constructor(reply: Reply, damage: CheckedDamage) {
    super();
    this.#reply = reply;
    this.#damage = damage;
  }

  override get status(): number {
    return this.#damage.kind === "status" ? this.#damage.status : this.#reply.status;
  }

  override get template(): string | undefined {
    return this.#reply.template;
  }

  override get contentType(): string | undefined {
    return this.#reply.contentType;
  }

  override answer(exchange: Exchange): Answer | Promise<Answer> {
    const answer = this.#reply.answer(exchange);
    return isPromise(answer)
      ? (answer as Promise<Answer>).then((later) => this.#damaged(later, exchange))
      : this.#damaged(answer as Answer, exchange);
  }

  #damaged(answer: Answer, exchange: Exchange): Answer | Promise<Answer> {
    const damage = this.#damage;
    const { head, body } = answer;
    switch (damage.kind) {
      case "body":
        return this.#withDamagedBody(answer, damage.encoded, damage.surplus);
      case "fault":
        return fails(exchange, head.delay, damage.code);
      case "late":
        return { head: { ...head, delay: head.delay + damage.by }, body };
      case "never":
        return comesNever(exchange, head.delay);
      case "status":
        return { head: headOf({ status: damage.status, delay: head.delay }), body: null };
    }
  }

  #withDamagedBody({ head, body }: Answer, damage: readonly number[], surplus: number | undefined): Answer {
    const script = forbidsBody(head.status) ? undefined : scripted(body);
    if (script === undefined) return { head, body };
    if (this.#latest === undefined || this.#latest.of !== body) {
      const { json, damages } = script;
      this.#latest = { of: body, body: new ScriptBody({ json, damages: [...damages, ...damage] }) };
    }
    const damaged = this.#latest.body;
    return { head: surplus === undefined ? head : withLength(head, damaged.length + surplus), body: damaged };
  }
}

async function fails(exchange: Exchange, delay: number, code: string): Promise<never> {
  if (delay > 0) await pause(exchange, delay);
  throw networkError(code, exchange.address);
}

async function comesNever(exchange: Exchange, delay: number): Promise<never> {
  if (delay > 0) await pause(exchange, delay);
  return exchange.race(new Promise<never>(() => {}));
}

function withLength(head: Head, length: number): Head {
  return { ...head, headers: overridden(head.headers, ["content-length", String(length)]) };
}

/** A body as a script; `undefined` when somebody else makes it. */
function scripted(body: StaticBody | LiveBody | null): EncodedScript | undefined {
  if (body === null) return scriptOf([]);
  return body instanceof StaticBody ? scriptOf([body.bytes]) : body.script?.();
}
