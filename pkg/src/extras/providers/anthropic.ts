/** Anthropic Messages: `POST /v1/messages`. */

import type { CapturedRequest, RateLimit, Reply } from "../../index.js";
import type { Answerable } from "./answer.js";
import { ApiError } from "./api-error.js";
import type { Conversation } from "./conversation.js";
import { ModelApi, type RuleMaker } from "./model-api.js";
import type { WhenPrompted } from "./when-prompted.js";

/** The Messages API. */
export const Messages: ModelApi = new ModelApi("Messages");

/**
 * Begins a rule for `POST /v1/messages` at any host; with `Messages.at(transport, target)`, elsewhere. Whether
 * the answer comes as JSON or as a stream is what the request asks for.
 *
 * @example
 * anthropic.messages(transport).lastUserMessage("hi").reply(Answer.text("Hello").usage({ output: 12 }));
 */
export function messages(transport: RuleMaker): WhenPrompted {
  return Messages.on(transport);
}

/** What the model says, as a reply: for sequences of other replies, for requests that are held, for handlers. */
export function reply(answer: Answerable): Reply {
  return Messages.reply(answer);
}

/** What a captured request asks of the model. Throws an `InvalidArgumentError` when its body is no JSON. */
export function conversation(request: CapturedRequest<any, any>): Conversation {
  return Messages.conversation(request);
}

/**
 * A limit that tells how it stands, and refuses, as the provider does: `anthropic-ratelimit-*` on every
 * response, and 429 with a `rate_limit_error` and a true `retry-after`.
 *
 * @example
 * new MockTransport({ rateLimit: anthropic.rateLimit({ fixedWindow: 50, per: 60_000 }) });
 */
export function rateLimit<Params, Body>(limit: RateLimit<Params, Body>): RateLimit<Params, Body> {
  return { ...limit, headers: "anthropic", refuseWith: reply(ApiError.rateLimit()) };
}
