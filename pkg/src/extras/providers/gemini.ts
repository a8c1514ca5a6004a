/** Google Gemini: `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`. */

import type { RateLimit } from "../../index.js";
import { ApiError } from "./api-error.js";
import { ModelApi, type RuleMaker } from "./model-api.js";
import type { WhenPrompted } from "./when-prompted.js";

/** The `generateContent` and `streamGenerateContent` methods of Gemini's models. */
export const GenerateContent: ModelApi = new ModelApi("GenerateContent");

/**
 * Begins a rule for `generateContent` and `streamGenerateContent` of any model at any host, also with the
 * longer paths of Vertex AI. `GenerateContent` has what else there is to it: an answer as a reply, a request as
 * a conversation.
 *
 * @example
 * gemini.generateContent(transport).model("gemini-3").reply("Hello");
 */
export function generateContent(transport: RuleMaker): WhenPrompted {
  return GenerateContent.on(transport);
}

/** A limit that refuses as the provider does: 429 `RESOURCE_EXHAUSTED`, which says in its body when to try again. */
export function rateLimit<Params, Body>(limit: RateLimit<Params, Body>): RateLimit<Params, Body> {
  return { ...limit, headers: "none", retryAfter: "none", refuseWith: GenerateContent.reply(ApiError.rateLimit()) };
}
