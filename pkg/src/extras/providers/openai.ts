/** OpenAI: Chat Completions and Responses. */

import type { RateLimit } from "../../index.js";
import { ApiError } from "./api-error.js";
import { ModelApi, type RuleMaker } from "./model-api.js";
import type { WhenPrompted } from "./when-prompted.js";

/** The Chat Completions API. */
export const ChatCompletions: ModelApi = new ModelApi("ChatCompletions");

/** The Responses API. */
export const Responses: ModelApi = new ModelApi("Responses");

/**
 * Begins a rule for `POST /v1/chat/completions` at any host; with `ChatCompletions.at(transport, target)`,
 * elsewhere. `ChatCompletions` has what else there is to it: an answer as a reply, a request as a conversation.
 *
 * @example
 * openai.chatCompletions(transport).reply(Answer.tool("add", { a: 1, b: 2 }));
 */
export function chatCompletions(transport: RuleMaker): WhenPrompted {
  return ChatCompletions.on(transport);
}

/** Begins a rule for `POST /v1/responses` at any host; see {@link Responses}. */
export function responses(transport: RuleMaker): WhenPrompted {
  return Responses.on(transport);
}

/**
 * A limit that tells how it stands, and refuses, as the provider does: `x-ratelimit-*` on every response, and
 * 429 `rate_limit_exceeded` with a true `retry-after` and `retry-after-ms`.
 */
export function rateLimit<Params, Body>(limit: RateLimit<Params, Body>): RateLimit<Params, Body> {
  const refuseWith = ChatCompletions.reply(ApiError.rateLimit());
  return { ...limit, headers: "openai", retryAfter: "milliseconds", refuseWith };
}
