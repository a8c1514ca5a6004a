/** What the type checker knows of the providers. Compiled, never run; `@ts-expect-error` marks what it must refuse. */

import { type Condition, type ExchangeFacts, type Held, MockTransport, type RateLimit, type Reply, reply, type Rule, when } from "mockwire";
import {
  AmbiguousTurnError,
  Answer,
  type AnswerJson,
  type Answerable,
  anthropic,
  ApiError,
  type Conversation,
  Dialogue,
  gemini,
  type MessageBlock,
  type ModelApi,
  openai,
  Prompt,
  type WhenPrompted,
} from "mockwire/providers";

const transport = new MockTransport({ rateLimit: anthropic.rateLimit({ fixedWindow: 50, per: 60_000 }) });

// A rule: conditions, then the answer.
const rule: Rule = anthropic.messages(transport).lastUserMessage("hi").model("claude").times({ min: 1 }).reply("Hello");
const begun: WhenPrompted = openai.ChatCompletions.at(transport.scope(), "https://gateway.test/:org/chat");
const held: Held = begun.hold();
const rules: Rule[] = gemini.generateContent(transport).dialogue(new Dialogue().turn("hi", "Hello").end("repeat").inAnyOrder());
openai.responses(transport).retry(2, ApiError.overloaded().retryAfter(3000), Answer.text("At last."));
openai.chatCompletions(transport).replySequence(["one", ApiError.server(), { content: [{ type: "text", text: "two" }] }], { end: "cycle" });
anthropic.messages(transport).when((it) => it.header("x-a", "b").rateLimit(openai.rateLimit({ slidingWindow: 1, per: 5 }))).reply("Hello");
// @ts-expect-error no such condition
anthropic.messages(transport).lastUser("hi");
// @ts-expect-error a rule is not an answer
anthropic.messages(transport).reply(rule);
// @ts-expect-error `when` gives the rule back
anthropic.messages(transport).when(() => {});
// @ts-expect-error no transport
anthropic.messages({});

// What the model says may be made of the conversation, at once or later.
anthropic.messages(transport).reply(({ lastUserMessage = "", turn }) => `${turn.toFixed()}: ${lastUserMessage.trim()}`);
anthropic.messages(transport).matching((it: Conversation) => it.tools.length > 0).reply(async ({ json }) => (json.n > 1 ? ApiError.billing() : Answer.refusal("No")));
// @ts-expect-error it gives an answer
anthropic.messages(transport).reply(() => 7);

// Values.
const answer: Answer = new Answer().thinking("hm", "sig").tool("a", { b: 1 }, { id: "c" }).stop({ stopSequence: "END" }).split({ words: 2 }).script({ gap: 5, end: "stall", steps: [{ hold: "go" }] });
const json: AnswerJson = answer.toJSON();
const anything: Answerable[] = ["text", answer, ApiError.timeout(), json];
const prompt: Prompt = new Prompt().toolResultIs("a", { b: 1 }).hasTools();
const condition: Condition = openai.Responses.condition(prompt);
// @ts-expect-error no such reason
answer.stop("soon");
// @ts-expect-error no such split
answer.split({ letters: 1 });
// @ts-expect-error no such count
answer.usage({ tokens: 1 });
// @ts-expect-error the protocol has its own last words
answer.script({ terminal: "data: [DONE]\n\n" });
// @ts-expect-error no such kind
new ApiError("overload");

// A captured request.
const { model, maxTokens, messages }: Conversation = anthropic.conversation(transport.lastRequest()!);
const most: number | undefined = maxTokens;
for (const block of messages.flatMap(({ blocks }): readonly MessageBlock[] => blocks)) {
  if (block.type === "toolResult") block.content.trim();
  // @ts-expect-error only some blocks have a text
  else block.text;
}

// Replies of exchanges, and conditions that explain themselves.
const apis: ModelApi[] = [anthropic.Messages, openai.ChatCompletions, openai.Responses, gemini.GenerateContent];
const replies: Reply[] = [anthropic.reply(answer), ...apis.map((api) => api.reply("Hello"))];
const limit: RateLimit = gemini.rateLimit({ tokenBucket: 1, refill: 1, per: 5 });
const made = reply.fromExchange(({ request, at, date, seed, retryAfter }: ExchangeFacts) => ({ url: request.url, at, date, seed, wait: retryAfter ?? 0 }));
const brief = when.custom("brief", (request) => request.text().length < 9, () => [{ matcher: "length", expected: "9", actual: "7", passed: false }]);
// @ts-expect-error parts are checks
when.custom("brief", () => true, () => ["length"]);
const turns = (error: unknown): readonly number[] => (error instanceof AmbiguousTurnError ? error.turns : []);

export { anything, brief, condition, held, limit, made, model, most, replies, rules, turns };
