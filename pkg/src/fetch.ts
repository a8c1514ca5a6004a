/** From a call of `fetch` to its response: the engine decides, the reply is performed. */

import { FAILED, NEEDS, UNMATCHED } from "./engine.js";
import type { Core } from "./core.js";
import { InvalidRequestError, messageOf, StaleHandleError } from "./errors.js";
import { RatedReply, roughened } from "./faults/rough.js";
import { Exchange } from "./exchange.js";
import { incoming } from "./incoming.js";
import { localResponse } from "./local.js";
import { pause } from "./pause.js";
import { redirected } from "./redirect.js";
import { HandlerReply } from "./reply/handler.js";
import type { Answer, Reply } from "./reply/reply.js";
import { text } from "./reply/static.js";
import { asPlatform, MockResponse, platformResponse } from "./response.js";

/**
 * The `fetch` of a transport. A function of its own, because V8 lets what a constructor closes over
 * survive young collections.
 */
export function fetchOf(core: Core): typeof fetch {
  return function fetch(input: unknown, init?: RequestInit) {
    return fetchOn(core, input, init);
  };
}

/** Never throws: what goes wrong, the promise rejects with. */
function fetchOn(core: Core, input: unknown, init: RequestInit | null | undefined): Promise<Response> {
  try {
    core.assertUsable();
    const request = incoming(input, init, core.base);
    // A request that was aborted before it was made is never sent.
    if (request.signal?.aborted === true) return Promise.reject(request.signal.reason);
    return send(new Exchange(core, request), request.arriving);
  } catch (error) {
    return localResponse(error, input, init) ?? Promise.reject(error);
  }
}

/** Journals the request, lets the engine decide, and performs what it decided. */
export function send(exchange: Exchange, arriving?: Promise<Uint8Array<ArrayBuffer>>): Promise<Response> {
  const { admission } = exchange.core;
  if (admission !== undefined) return performLater(exchange, admission.decide(exchange, arriving));
  const answer = arrive(exchange);
  if (arriving !== undefined && answer !== FAILED) return sendLater(exchange, answer, arriving);
  return perform(exchange, answer === NEEDS ? decide(exchange) : answer);
}

/**
 * Journals the request, and lets the engine decide as far as the request line tells. Throws when the
 * engine cannot read that.
 */
export function arrive(exchange: Exchange): number {
  const { core } = exchange;
  core.journal.open(exchange);
  const answer = core.arrive(exchange);
  if (answer === FAILED && core.isMalformed()) throw notSent(exchange);
  core.arrived();
  if (answer >= 0) adopt(exchange, answer);
  return answer;
}

function performLater(exchange: Exchange, answer: number | Promise<number>): Promise<Response> {
  if (typeof answer === "number") return perform(exchange, answer);
  return answer.then(
    (later) => perform(exchange, later),
    (error: unknown) => fail(exchange, error),
  );
}

async function sendLater(
  exchange: Exchange,
  answer: number,
  arriving: Promise<Uint8Array<ArrayBuffer>>,
): Promise<Response> {
  try {
    exchange.body = await exchange.race(arriving);
  } catch (error) {
    exchange.body = null;
    return fail(exchange, error);
  }
  return perform(exchange, answer === NEEDS ? decide(exchange) : answer);
}

/** Keeps what the engine has decided, while it knows what the path captured. */
export function adopt(exchange: Exchange, number: number): void {
  const { core } = exchange;
  const { rules, isRough } = core;
  const rule = rules.owner(number);
  const reply = rules.reply(number);
  if (reply === undefined) throw new StaleHandleError("the rule was taken back while it was being asked");
  exchange.reply = reply;
  exchange.match(rule);
  exchange.number = number;
  if (rule?.captures === true) exchange.captures = core.engine.params(exchange.sequence);
  if (isRough || rule?.isRough === true) exchange.reply = roughened(exchange, reply);
}

/** Lets the engine decide with everything known. */
export function decide(exchange: Exchange): number {
  const { core } = exchange;
  exchange.hydrated = true;
  // If no rule matches, the diagnosis says where the nearest ones are.
  core.rules.tellSites();
  const answer = core.ask(
    (engine) => engine.decide(exchange.sequence, exchange.headerBlock(), exchange.bodyBytes()),
    exchange,
  );
  if (answer >= 0) adopt(exchange, answer);
  return answer;
}

/** Gives the reply that was decided for, or what stands for none. */
export function perform(exchange: Exchange, answer: number): Promise<Response> {
  const { core, reply } = exchange;
  if (reply !== undefined) return give(exchange, reply);
  return refuse(exchange, core.failure(answer as typeof UNMATCHED | typeof FAILED, exchange), answer);
}

function give(exchange: Exchange, reply: Reply): Promise<Response> {
  let answer: Answer | Promise<Answer>;
  try {
    answer = reply.answer(exchange);
  } catch (error) {
    return fail(exchange, error);
  }
  if (answer instanceof Promise) {
    return answer.then(
      (later) => respond(exchange, later),
      (error: unknown) => fail(exchange, error),
    );
  }
  return respond(exchange, answer);
}

function respond(exchange: Exchange, answer: Answer): Promise<Response> {
  const { delay } = answer.head;
  if (delay === 0) return respondNow(exchange, answer);
  return pause(exchange, delay).then(
    () => respondNow(exchange, answer),
    (error: unknown) => fail(exchange, error),
  );
}

function respondNow(exchange: Exchange, answer: Answer): Promise<Response> {
  const { head } = answer;
  // A response to HEAD has no content (RFC 9110 §9.3.2).
  const body = exchange.method === "HEAD" ? null : answer.body;
  exchange.answer(head);
  const { location, status } = head;
  if (location !== undefined && exchange.redirect !== "manual") return follow(exchange, location, status);
  const response = asPlatform(new MockResponse(exchange, head, body));
  return Promise.resolve(exchange.core.options.realResponse === true ? platformResponse(exchange, response) : response);
}

function follow(exchange: Exchange, location: string, status: number): Promise<Response> {
  let next: Exchange;
  try {
    next = redirected(exchange, location, status);
  } catch (error) {
    return fail(exchange, error);
  }
  exchange.finish("done");
  return send(next);
}

/** What a request gets that no rule answers. */
function refuse(exchange: Exchange, error: Error, number: number): Promise<Response> {
  const { unmatched = "error" } = exchange.core.options;
  exchange.refuse(number === UNMATCHED ? "unmatched" : "failed", messageOf(error));
  if (number !== UNMATCHED || unmatched === "error") return fail(exchange, error);
  const reply =
    typeof unmatched === "function"
      ? new HandlerReply(unmatched)
      : text(error.message, { status: unmatched, headers: { "x-should-retry": "false" } });
  const { admission, engine } = exchange.core;
  return give(exchange, admission === undefined ? reply : new RatedReply(reply, engine.fields()));
}

function fail(exchange: Exchange, error: unknown): Promise<never> {
  exchange.fail(error);
  return Promise.reject(error);
}

/** The engine cannot read the URL or the method, so for it the request has never arrived. */
export function notSent(exchange: Exchange): InvalidRequestError {
  const { code, message } = exchange.core.lastError();
  exchange.core.journal.withdraw(exchange);
  return new InvalidRequestError(code, message);
}
