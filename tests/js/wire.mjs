/** Replies of the two providers, as small as their official clients accept. */

export const ANTHROPIC = {
  id: "msg_01",
  type: "message",
  role: "assistant",
  model: "claude-test",
  content: [{ type: "text", text: "Hello there" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 3 },
};

/** The events of a message that comes in these pieces of text. */
export const anthropicStream = (texts) => [
  {
    type: "message_start",
    message: { ...ANTHROPIC, content: [], stop_reason: null, usage: { input_tokens: 9, output_tokens: 1 } },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "ping" },
  ...texts.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 3 } },
  { type: "message_stop" },
].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

/** The same message, as the events of a stream. */
export const ANTHROPIC_STREAM = anthropicStream(["Hello", " there"]);

export const ANTHROPIC_RATE_LIMIT = {
  type: "error",
  error: { type: "rate_limit_error", message: "Too many requests" },
  request_id: "req_01",
};

export const OPENAI = {
  id: "chatcmpl-01",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "gpt-test",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hello there", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
};

/** The chunks of a completion that comes in these pieces of text. */
export const openaiStream = (texts) => [{ role: "assistant", content: "" }, ...texts.map((content) => ({ content })), {}]
  .map((delta, at, all) => ({
    id: OPENAI.id,
    object: "chat.completion.chunk",
    created: OPENAI.created,
    model: OPENAI.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: at === all.length - 1 ? "stop" : null }],
  }))
  .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
  .concat("data: [DONE]\n\n");

/** The same completion, as the chunks of a stream. */
export const OPENAI_STREAM = openaiStream(["Hello", " there"]);

export const OPENAI_RATE_LIMIT = {
  error: { message: "Too many requests", type: "requests", param: null, code: "rate_limit_exceeded" },
};

export const EVENT_STREAM = { headers: { "content-type": "text/event-stream; charset=utf-8" } };
