/** What all providers have in common: conditions on conversations, dialogues, and what is wrong with them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { HandlerError, InvalidArgumentError, MockTransport, reply, UnmatchedRequestError, VerificationError, when } from "mockwire";
import { AmbiguousTurnError, Answer, anthropic, ApiError, Dialogue, gemini, openai, Prompt } from "mockwire/providers";
import { failureOf, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.anthropic.com/v1/messages";
const user = (content) => ({ role: "user", content });
const assistant = (content) => ({ role: "assistant", content });
const result = (id, content) => user([{ type: "tool_result", tool_use_id: id, content }]);
const call = (id, name, input = {}) => assistant([{ type: "tool_use", id, name, input }]);

/** What the model says; the history is what is given. */
async function ask(transport, messages, more = {}) {
  const body = JSON.stringify({ model: "claude-test", max_tokens: 64, messages, ...more });
  const response = await transport.fetch(URL_TEXT, { method: "POST", body });
  const { content, error } = await response.json();
  return content?.map(({ text, name }) => text ?? name).join() ?? error.type;
}

/** The condition of the nearest rule that failed first. */
function difference(error) {
  assert.ok(error instanceof UnmatchedRequestError, String(error));
  const { matcher, expected, actual } = error.diagnosis.nearest[0].checks.find(({ passed }) => !passed);
  return [matcher, expected, actual];
}

describe("conditions on a conversation", () => {
  const TOOLS = { tools: [{ name: "weather", input_schema: { type: "object" } }] };
  const ROUND = [user("Is it warm?"), call("toolu_1", "weather"), result("toolu_1", '{"degrees": 21}')];
  const CASES = [
    ["last user message", (it) => it.lastUserMessage("hi"), [[user("hi")]], [[user("ho")]], ['"hi"', '"ho"']],
    ["last user message", (it) => it.lastUserMessageContains("war"), [[user("Is it warm?")]], [ROUND], ['containing "war"', "(missing)"]],
    ["message 2", (it) => it.nthMessage(2, "yes"), [[user("a"), assistant("yes"), user("b")]], [[user("a"), assistant("no"), user("b")]], ['"yes"', '"no"']],
    ["text", (it) => it.textContains("brief"), [[user("a")], { system: "Be brief." }], [[user("a")]], ['containing "brief"', '"a"']],
    ["system", (it) => it.system("Be brief."), [[user("a")], { system: [{ type: "text", text: "Be brief." }] }], [[user("a")]], ['"Be brief."', "(missing)"]],
    ["system", (it) => it.systemContains("brief"), [[user("a")], { system: "Be brief." }], [[user("a")], { system: "Be" }], ['containing "brief"', '"Be"']],
    ["model", (it) => it.model("claude-x"), [[user("a")], { model: "claude-x" }], [[user("a")]], ['"claude-x"', '"claude-test"']],
    ["tool result weather", (it) => it.toolResult("weather"), [ROUND], [[user("a")]], ["(present)", "(missing)"]],
    ["tool result toolu_1", (it) => it.toolResult("toolu_1"), [ROUND], [[user("a")]], ["(present)", "(missing)"]],
    ["tool result weather", (it) => it.toolResultContains("weather", "21"), [ROUND], [[...ROUND.slice(0, 2), result("toolu_1", "5")]], ['containing "21"', '"5"']],
    ["tool result weather /degrees", (it) => it.toolResultIs("weather", { degrees: 21 }), [ROUND], [[...ROUND.slice(0, 2), result("toolu_1", '{"degrees": 5}')]], ["21", "5"]],
    ["has tool results", (it) => it.hasToolResults(), [ROUND], [[user("a")]], ["true", "false"]],
    ["role tool", (it) => it.hasRole("tool"), [ROUND], [[user("a")]], ["(present)", "(missing)"]],
    ["has an assistant turn", (it) => it.hasAssistantTurn(), [ROUND], [[user("a")]], ["true", "false"]],
    ["call of tool weather", (it) => it.calledTool("weather"), [ROUND], [[user("a")]], ["(present)", "(missing)"]],
    ["has tools", (it) => it.hasTools(false), [[user("a")]], [[user("a")], TOOLS], ["false", "true"]],
    ["tool weather", (it) => it.offersTool("weather"), [[user("a")], TOOLS], [[user("a")]], ["(present)", "(missing)"]],
    ["turn", (it) => it.turn(2), [ROUND], [[user("a")]], ["2", "1"]],
    ["message count", (it) => it.messageCount(3), [ROUND], [[user("a")]], ["3", "1"]],
    ["stream", (it) => it.stream(false), [[user("a")]], [[user("a")], { stream: true }], ["false", "true"]],
  ];
  for (const [matcher, ask_, fits, misses, told] of CASES) {
    test(`${matcher}: ${ask_}`, withTransport(async (transport) => {
      ask_(anthropic.messages(transport)).reply("yes");
      assert.equal(await ask(transport, ...fits), "yes");
      assert.deepEqual(difference(await failureOf(ask(transport, ...misses))), [matcher, ...told]);
      // The same as a value, for a rule and for what was captured.
      const prompt = ask_(new Prompt());
      anthropic.messages(transport).prompt(prompt).priority(1).reply("as a value");
      assert.equal(await ask(transport, ...fits), "as a value");
      assert.deepEqual(transport.requests(anthropic.Messages.condition(prompt)).map(({ sequence }) => sequence), [1, 3]);
    }));
  }

  test("a function, which sees the whole conversation", withTransport(async (transport) => {
    const seen = [];
    anthropic.messages(transport).matching((it) => seen.push(it.messages.length) && it.maxTokens > 32 && it.json.metadata?.user_id === "ada").reply("yes");
    assert.equal(await ask(transport, [user("a")], { metadata: { user_id: "ada" } }), "yes");
    const error = await failureOf(ask(transport, [user("a")]));
    assert.match(error.message, /\(conversation\) => …/);
    // A request that cannot be read is not accepted, and the function not asked.
    await failureOf(transport.fetch(URL_TEXT, { method: "POST", body: "{" }));
    assert.deepEqual(seen, [1, 1]);
  }));

  test("what a function throws, the client gets", withTransport(async (transport) => {
    anthropic.messages(transport).matching(() => { throw new RangeError("odd"); }).reply("yes");
    const error = await failureOf(ask(transport, [user("a")]));
    assert.ok(error instanceof HandlerError && error.cause instanceof RangeError);
  }));

  test("the answer may be made of the conversation", withTransport(async (transport) => {
    anthropic.messages(transport).reply(async ({ lastUserMessage, turn }) => (lastUserMessage === "boom" ? ApiError.overloaded() : `${turn}: ${lastUserMessage}`));
    assert.equal(await ask(transport, [user("hi")]), "1: hi");
    assert.equal(await ask(transport, [user("hi"), assistant("1: hi"), user("again")]), "2: again");
    assert.equal(await ask(transport, [user("boom")]), "overloaded_error");
  }));

  test("among many rules the nearest one is told, and where it was registered", withTransport(async (transport) => {
    for (const n of [1, 2, 3, 4, 5]) anthropic.messages(transport).model(`claude-${n}`).lastUserMessage("hi").reply(String(n));
    const error = await failureOf(ask(transport, [user("ho")], { model: "claude-3" }));
    assert.match(error.diagnosis.nearest[0].rule, /model "claude-3" and last user message "hi"/);
    assert.match(error.diagnosis.nearest[0].site, /providers\.test\.mjs:\d+:\d+$/);
    assert.deepEqual(difference(error), ["last user message", '"hi"', '"ho"']);
  }));

  test("a rule at a gateway, and in a scope", withTransport(async (transport) => {
    const scope = transport.scope();
    openai.ChatCompletions.at(scope, "https://gateway.test/v9/:org/chat").model("gpt").once().reply("Hello");
    const body = JSON.stringify({ model: "gpt", messages: [user("hi")] });
    const response = await transport.fetch("https://gateway.test/v9/acme/chat", { method: "POST", body });
    assert.equal((await response.json()).choices[0].message.content, "Hello");
    scope.verify();
  }));

  test("what else a rule can say", withTransport(async (transport) => {
    anthropic.messages(transport).when((rule) => rule.header("x-plan", "pro").inScenario("login").thenState("in")).reply("pro");
    anthropic.messages(transport).and(when.header("x-plan", "trial")).reply("trial");
    const plan = async (name) => (await (await transport.fetch(URL_TEXT, { method: "POST", headers: { "x-plan": name }, body: "{}" })).json()).content[0].text;
    assert.deepEqual([await plan("trial"), await plan("pro"), transport.scenario("login")], ["trial", "pro", "in"]);
  }));
});

describe("a captured request as a conversation", () => {
  test("everything that it says", withTransport(async (transport) => {
    anthropic.messages(transport).reply("ok");
    const messages = [user("a"), call("toolu_1", "weather", { city: "Paris" }), user([{ type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "21" }], is_error: true }, { type: "text", text: "so?" }, { type: "image", source: {} }])];
    const tools = [{ name: "weather", description: "of a city", input_schema: { type: "object", required: ["city"] } }];
    await ask(transport, messages, { system: ["Be", "brief."].map((text) => ({ type: "text", text })), tools, thinking: { type: "enabled", budget_tokens: 2048 } });
    const { json, tool, toolResult, ...values } = anthropic.conversation(transport.lastRequest());
    assert.deepEqual(values, {
      model: "claude-test", system: "Be\nbrief.", systemBlocks: 2, maxTokens: 64, stream: false, thinkingBudget: 2048, turn: 2, lastUserMessage: "so?",
      messages: [
        { role: "user", text: "a", blocks: [{ type: "text", text: "a" }] },
        { role: "assistant", text: "", blocks: [{ type: "toolCall", id: "toolu_1", name: "weather", arguments: { city: "Paris" } }] },
        { role: "user", text: "so?", blocks: [
          { type: "toolResult", id: "toolu_1", name: "weather", content: "21", isError: true },
          { type: "text", text: "so?" },
          { type: "other", value: { type: "image", source: {} } },
        ] },
      ],
      toolResults: [{ type: "toolResult", id: "toolu_1", name: "weather", content: "21", isError: true }],
      tools: [{ name: "weather", description: "of a city", schema: { type: "object", required: ["city"] } }],
      text: "Be\nbrief.\na\n\nso?",
    });
    assert.deepEqual([json.model, tool("weather").name, tool("x"), toolResult("weather"), toolResult("toolu_1"), toolResult("x")], ["claude-test", "weather", undefined, "21", "21", undefined]);
  }));

  test("one that is no JSON is a typed error", withTransport(async (transport) => {
    transport.post("*").reply(200);
    await transport.fetch(URL_TEXT, { method: "POST", body: "{" });
    for (const api of [anthropic.Messages, openai.ChatCompletions, openai.Responses, gemini.GenerateContent]) {
      assert.throws(() => api.conversation(transport.lastRequest()), (error) => error instanceof InvalidArgumentError && error.code === "MOCKWIRE_INVALID_JSON");
    }
  }));
});

describe("dialogues", () => {
  const weather = new Dialogue()
    .turn("Is it warm?", Answer.tool("weather", { city: "Paris" }))
    .turn(new Prompt().toolResultContains("weather", "21"), "Yes, it is.")
    .turn("Thanks", "You are welcome.");
  const HISTORY = [user("Is it warm?"), call("toolu_1", "weather"), result("toolu_1", "21"), assistant("Yes, it is."), user("Thanks")];

  test("turn by turn, by the history, however often and for however many", withTransport(async (transport) => {
    const rules = anthropic.messages(transport).dialogue(weather);
    const round = () => Promise.all([1, 3, 5, 3].map((length) => ask(transport, HISTORY.slice(0, length))));
    assert.deepEqual(await round(), ["weather", "Yes, it is.", "You are welcome.", "Yes, it is."]);
    assert.deepEqual(rules.map(({ calls }) => calls), [1, 2, 1]);
    transport.verify();
  }));

  test("a turn that is another names the nearest, and the first thing that differs", withTransport(async (transport) => {
    anthropic.messages(transport).dialogue(weather);
    assert.deepEqual(difference(await failureOf(ask(transport, [user("Is it cold?")]))), ["last user message", '"Is it warm?"', '"Is it cold?"']);
    const cold = [...HISTORY.slice(0, 2), result("toolu_1", "5")];
    assert.deepEqual(difference(await failureOf(ask(transport, cold))), ["tool result weather", 'containing "21"', '"5"']);
    const error = await failureOf(ask(transport, cold));
    assert.match(error.message, /✓ turn +2\n +✗ tool result weather +expected containing "21"\n +actual +"5"/);
  }));

  test("after the last turn the end rule says what comes", async () => {
    const fourth = [...HISTORY, assistant("You are welcome."), user("Thanks")];
    const end = (how) => {
      let told;
      return withTransport(async (transport) => {
        anthropic.messages(transport).dialogue(how === undefined ? weather : weather.end(how));
        told = await ask(transport, fourth).catch(difference);
      })().then(() => told);
    };
    assert.deepEqual(await end(), ["turn", "3", "4"]);
    assert.deepEqual(await end("fail"), ["turn", "3", "4"]);
    assert.equal(await end("repeat"), "You are welcome.");
    assert.deepEqual(await end("cycle"), ["last user message", '"Is it warm?"', '"Thanks"']);
  });

  test("a turn that never comes fails verification", withTransport(async (transport) => {
    anthropic.messages(transport).dialogue(weather);
    await ask(transport, HISTORY.slice(0, 1));
    assert.throws(() => transport.verify(), (error) => error instanceof VerificationError && /turn 2|turn 3/.test(error.message));
  }));

  test("in any order the prompts alone say which it is, and who fits two gets neither", withTransport(async (transport) => {
    anthropic.messages(transport).dialogue(
      new Dialogue().turn(new Prompt().lastUserMessageContains("one"), "1").turn(new Prompt().lastUserMessageContains("two"), "2").inAnyOrder(),
    );
    assert.deepEqual([await ask(transport, [user("two")]), await ask(transport, [user("one")])], ["2", "1"]);
    const error = await failureOf(ask(transport, [user("one and two")]));
    assert.ok(error instanceof HandlerError && error.cause instanceof AmbiguousTurnError);
    assert.deepEqual([error.cause.code, error.cause.turns], ["MOCKWIRE_AMBIGUOUS_TURN", [1, 2]]);
    assert.match(error.message, /fits the turns 1 and 2 of the dialogue/);
    // Who fits none is told the nearest.
    assert.deepEqual(difference(await failureOf(ask(transport, [user("three")]))), ["last user message", 'containing "one"', '"three"']);
    assert.throws(() => transport.verify(), /three/);
  }));

  test("in a scenario each answered request moves it on", withTransport(async (transport) => {
    anthropic.messages(transport).dialogue(new Dialogue().turn("Knock knock.", "Who is there?").turn(new Prompt(), "Not funny.").inScenario("joke"));
    assert.equal(await ask(transport, [user("Knock knock.")]), "Who is there?");
    assert.equal(transport.scenario("joke"), "turn 2");
    assert.equal(await ask(transport, [user("Lettuce.")]), "Not funny.");
    const error = await failureOf(ask(transport, [user("Knock knock.")]));
    assert.deepEqual(error.diagnosis.nearest[0].excluded, { wrong_state: { scenario: "joke", expected: "started", actual: "over" } });
  }));

  test("the same dialogue at every provider", withTransport(async (transport) => {
    const dialogue = new Dialogue().turn("hi", "Hello").turn("bye", "Bye");
    for (const api of [anthropic.messages, openai.chatCompletions, openai.responses, gemini.generateContent]) api(transport).dialogue(dialogue);
    const post = async (url, body) => (await transport.fetch(url, { method: "POST", body: JSON.stringify(body) })).text();
    assert.match(await post("https://a.test/v1/messages", { messages: [user("hi")] }), /"Hello"/);
    assert.match(await post("https://a.test/v1/chat/completions", { messages: [user("hi"), assistant("Hello"), user("bye")] }), /"Bye"/);
    assert.match(await post("https://a.test/v1/responses", { input: "hi" }), /"Hello"/);
    const contents = [["user", "hi"], ["model", "Hello"], ["user", "bye"]].map(([role, text]) => ({ role, parts: [{ text }] }));
    assert.match(await post("https://a.test/v1beta/models/g:generateContent", { contents }), /"Bye"/);
  }));
});

describe("what is wrong is said where it is written", () => {
  const transport = new MockTransport();
  const messages = () => anthropic.messages(transport);
  const invalid = (code = "MOCKWIRE_INVALID_OPTION") => (error) => error instanceof InvalidArgumentError && error.code === code;
  const circular = {};
  circular.self = circular;
  for (const [what, make, code] of [
    ["an answer that is none", () => messages().reply(7)],
    ["an answer with a misspelt member", () => messages().reply({ contents: [] }), "MOCKWIRE_INVALID_JSON"],
    ["an unknown stop", () => anthropic.reply(Answer.text("a").stop("soon")), "MOCKWIRE_INVALID_JSON"],
    ["an unknown split", () => anthropic.reply(Answer.text("a").split({ letters: 1 })), "MOCKWIRE_INVALID_JSON"],
    ["an unknown kind of error", () => anthropic.reply(new ApiError("overload")), "MOCKWIRE_INVALID_JSON"],
    ["a text that is none", () => anthropic.reply(Answer.text(7)), "MOCKWIRE_INVALID_JSON"],
    ["tokens that are no count", () => anthropic.reply(Answer.text("a").usage({ output: -1 })), "MOCKWIRE_INVALID_JSON"],
    ["arguments that are no JSON", () => anthropic.reply(Answer.tool("a", circular)), "MOCKWIRE_INVALID_JSON"],
    ["a prompt that is none", () => messages().prompt(7)],
    ["a message with the number -1", () => messages().nthMessage(-1, "a").reply("b"), "MOCKWIRE_INVALID_JSON"],
    ["no transport", () => anthropic.messages({})],
    ["no function", () => messages().matching("a")],
    ["a change that gives no rule", () => messages().when(() => undefined).reply("a")],
    ["a dialogue without turns", () => messages().dialogue(new Dialogue())],
    ["what is no dialogue", () => messages().dialogue([])],
    ["an unknown end", () => messages().dialogue(new Dialogue().turn("a", "b").end("stop")), "MOCKWIRE_INVALID_JSON"],
    ["no array", () => messages().replySequence("a")],
  ]) {
    test(what, () => assert.throws(make, invalid(code)));
  }

  test("what cannot be sent is said when it is", withTransport(async (it) => {
    anthropic.messages(it).reply(Answer.text("a").header("bad name", "x"));
    const error = await failureOf(ask(it, [user("a")]));
    assert.ok(error instanceof HandlerError && error.cause instanceof InvalidArgumentError);
    assert.equal(error.cause.code, "MOCKWIRE_INVALID_HEADER_NAME");
  }));

  test("a script that cannot be played", withTransport(async (it) => {
    anthropic.messages(it).reply(Answer.text("a").stream(true).script({ jitter: 7 }));
    const error = await failureOf(transportFetch(it));
    assert.match(String(error.cause ?? error), /jitter/);
  }));
  const transportFetch = (it) => it.fetch(URL_TEXT, { method: "POST", body: "{}" });
});

test("the values say the same in JSON", () => {
  const answer = new Answer().thinking("hm", "sig").say("a").tool("b", { c: 1 }, { id: "call_1" }).stop({ stopSequence: "END" }).split({ bytes: 3 }).header("x-a", "b")
    .thenError(ApiError.overloaded().retryAfter(1500));
  const json = JSON.parse(JSON.stringify(answer));
  assert.deepEqual(json, {
    content: [{ type: "thinking", text: "hm", signature: "sig" }, { type: "text", text: "a" }, { type: "toolCall", name: "b", id: "call_1", arguments: { c: 1 } }],
    stop: { stopSequence: "END" }, split: { bytes: 3 }, headers: [["x-a", "b"]], error: { kind: "overloaded", retryAfter: 1500 },
  });
  assert.deepEqual(JSON.parse(JSON.stringify(new Answer(json))), json);
  assert.deepEqual(JSON.parse(JSON.stringify(new Prompt().model("m").toolResult("t"))), [{ of: "model", equal: "m" }, { of: { toolResult: "t" }, there: true }]);
  // Each method gives another value.
  const hello = Answer.text("Hello");
  hello.tool("a");
  assert.deepEqual(JSON.parse(JSON.stringify(hello)), { content: [{ type: "text", text: "Hello" }] });
});

test("a reply of an exchange is a value, of which the client gets what the function makes", withTransport({ seed: 7, epoch: 1000 }, async (transport) => {
  const told = reply.fromExchange(({ request, at, date, seed, retryAfter = null }) => reply.json({ path: request.path, at, date, seed, retryAfter }));
  transport.get("/a").replySequence([told, 204, told]);
  transport.get("/b").rateLimit({ slidingWindow: 1, per: 500, refuseWith: told }).reply(204);
  const get = async (path) => (await transport.fetch(`https://api.test${path}`)).text();
  assert.deepEqual(JSON.parse(await get("/a")), { path: "/a", at: 0, date: 1000, seed: 7, retryAfter: null });
  await get("/a");
  await transport.sleep(100);
  assert.deepEqual(JSON.parse(await get("/a")), { path: "/a", at: 100, date: 1100, seed: 7, retryAfter: null });
  await get("/b");
  await transport.sleep(100);
  assert.deepEqual(JSON.parse(await get("/b")).retryAfter, 400);
  transport.get("/c").reply(reply.fromExchange(() => { throw new RangeError("odd"); }));
  const error = await failureOf(get("/c"));
  assert.ok(error instanceof HandlerError && error.cause instanceof RangeError);
}));

test("what goes over the wire is what the crate writes: the same bytes, at the same time", async () => {
  const cases = JSON.parse(readFileSync(new URL("../behaviour/providers.json", import.meta.url), "utf8"));
  const apis = { ...anthropic, ...openai, ...gemini };
  assert.ok(cases.length > 20);
  for (const { api, url, request, answer, response: expected } of cases) {
    await withTransport({ seed: 7 }, async (transport) => {
      transport.otherwise().reply(apis[api].reply(answer));
      const response = await transport.fetch(url, { method: "POST", body: JSON.stringify(request) });
      const { status } = response;
      const headers = [...response.headers].sort();
      const body = await response.text();
      assert.deepEqual({ status, headers, body, at: transport.now() }, expected, `${api} ${JSON.stringify(answer)}`);
    })();
  }
});
