/** What the type checker knows. Compiled, never run; `@ts-expect-error` marks what it must refuse. */

import {
  type CapturedRequest,
  type Chaos,
  type Concurrency,
  type Damage,
  type Endpoint,
  type Filter,
  type Held,
  MockTransport,
  type PathParams,
  type Pending,
  type PermitEvent,
  type RateLimit,
  reply,
  type Rule,
  type Scope,
  type Script,
  type ServerSocket,
  type SocketMessage,
  State,
  type Timeline,
  type TimelineEntry,
  when,
} from "mockwire";
import { Cache, type CacheStats } from "mockwire/cache";
import { type CassetteFiles, fromHar, type HarImport, Recorder } from "mockwire/cassette";
import { type QueueStatus, RequestQueue } from "mockwire/queue";
import { type Answer, type Session, type SessionMessage, Sessions } from "mockwire/sessions";
import { har, type Retry, retries } from "mockwire/timeline";
import { type Finding, ResilienceError, type Verdict, verdict } from "mockwire/verdict";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(...equal: Equal<A, B> extends true ? [] : [never]): void;

// The names of captures, out of the path.
same<PathParams<"/users/:id">, { readonly id: string }>();
same<PathParams<"/users/:id/posts/{post}">, { readonly id: string; readonly post: string }>();
same<PathParams<"https://api.test:8080/v1/{model}:stream?alt=sse">, { readonly model: string }>();
same<PathParams<"http://localhost:3000/:id">, { readonly id: string }>();
same<keyof PathParams<"/files/**">, never>();
same<PathParams<string>, Record<string, string>>();
same<PathParams<RegExp>, Record<string, string>>();

const transport = new MockTransport({ journal: { requests: 10 }, redact: ["x-own"], unmatched: "error", timing: "manual" });
const slept: Promise<void> = transport.sleep(10, { signal: AbortSignal.abort() as AbortSignal | undefined });
const dues: number[] = transport.pending().map(({ due }: Pending) => due);

// @ts-expect-error unknown option
new MockTransport({ sed: 1 });
// @ts-expect-error neither a status nor a handler nor "error"
new MockTransport({ unmatched: "ignore" });

// Handlers know the params and the body.
transport.post("/users/:id").accepts<{ name: string }>().reply((request) => {
  const id: string = request.params.id;
  const { name } = request.json();
  same<typeof name, string>();
  // @ts-expect-error there is no such capture
  request.params.nope;
  // @ts-expect-error there is no such key
  request.json().nope;
  return { id, name };
});
transport.get(/x(?<id>\d)/).reply((request) => request.params["id"] ?? 404);
transport.get((request) => request.path === "/").reply(async () => reply.text("x"));
transport.get("/a").matching((request) => request.headers.has("a")).reply(() => new Response());
transport.get("/a").replySequence([503, { a: 1 }, (request) => request.url, new Response()], { end: "repeat" });

// Everything that replies.
const rule: Rule = transport.get("/a").reply(200, { a: 1 }, { "x-a": "1" });
interface User { readonly id: number }
const user: User = { id: 1 };
transport.get("/a").reply(user);
transport.get("/a").reply(reply.json(user, { status: 201 }));
transport.get("/a").stream(["a", new Uint8Array(1)], { headers: [["a", "b"]] });
transport.get("/a").stream(async function* () { yield "a"; });
transport.get("/a").passthrough(fetch);
// @ts-expect-error a header is a text
transport.get("/a").header("a", 1);
// @ts-expect-error ends are fail, repeat and cycle
transport.get("/a").replySequence([200], { end: "stop" });

// `fetch` is the platform's.
const platform: typeof fetch = transport.fetch;
const response: Response = await transport.fetch(new URL("https://api.test"), { method: "POST", body: new URLSearchParams() });

// Streams.
const script: Script = { steps: ["a", { wait: 5 }, { event: { data: { a: 1 } } }, { hold: "go" }], rate: { bytesPerSecond: 5 }, end: { fault: "timeout" } };
transport.get("/a").reply(reply.script(script, { status: 201, delay: 5 }));
transport.get("/a").reply(reply.events(["a", { event: "e", data: 1 }, { wait: 5 }], { gap: 5, repeat: Infinity }));
transport.get("/a").reply(reply.ndjson(async function* () { yield { a: 1 }; }));
transport.get("/a").stream(["a"], { chunking: "lines", end: "stall" });
// @ts-expect-error no such ending
reply.script({ end: "never" });
// @ts-expect-error no such step
reply.script({ steps: [{ pause: 5 }] });
transport.release("go");
await transport.advance(5);

// Reading back.
const last: CapturedRequest | undefined = transport.lastRequest();
const typed = last?.json<{ model: string }>().model;
same<typeof typed, string | undefined>();
const filters: Filter[] = ["/a", "POST /a", /a/, rule, when.json({}), (request) => request.sequence > 1];
const held: Held<{ readonly id: string }> = transport.get("/a/:id").hold();
const { request } = await held.next();
same<typeof request.params, { readonly id: string }>();
(await held.next()).reply(201, "x");

{
  using scope: Scope = transport.scope();
  scope.get("/a").reply(200);
}

export { dues, filters, platform, response, slept };

// WebSocket: the class is as good as the platform's, the server's side knows the params.
const endpoint: Endpoint<{ readonly room: string }> = transport.websocket("wss://api.test/chat/:room").bearer("x").once().protocol((offered) => offered[0]).accept(async (peer, request) => {
  const room: string = request.params.room;
  same<typeof peer.request.params.room, string>();
  // @ts-expect-error there is no such capture
  request.params.nope;
  peer.send(room);
  peer.send(new Uint8Array(1));
  // @ts-expect-error neither text nor bytes
  peer.send({ room });
  peer.onmessage = (message) => same<typeof message, string | Uint8Array<ArrayBuffer>>();
  for await (const message of peer) peer.send(message);
  const { code, wasClean } = await peer.closed;
  same<typeof code, number>();
  same<typeof wasClean, boolean>();
});
transport.websocket("/a").accept();
transport.websocket().accept({
  protocol: "v1",
  openAfter: 5,
  faultAfter: { messages: 3, fault: "connectionReset" },
  steps: [{ expect: "hi" }, { expect: { jsonPartial: { a: 1 } } }, { send: new Uint8Array(1) }, { send: { json: { a: 1 } } }, "echo", { close: null }],
});
// @ts-expect-error no such step
transport.websocket().accept({ steps: [{ wait: 5 }] });
// @ts-expect-error no such fault
transport.websocket().accept({ steps: [{ fault: "ECONNRESET" }] });
const refusal: Rule = transport.websocket(/x/).refuse(401, { error: "no" }, { "x-a": "1" });
transport.websocket("/a").fail("ECONNREFUSED").remove();
const sent: SocketMessage = await endpoint.waitForMessage((message) => message.json<{ a: number }>().a === 1, { timeout: 5 });
const frames: readonly SocketMessage[] = transport.lastRequest()!.messages;
const reached: number = endpoint.broadcast("x");
const peer: ServerSocket<{ readonly room: string }> = await endpoint.next();
const client = new transport.WebSocket("wss://api.test/chat/1", ["v1"]);
client.onmessage = ({ data, origin }) => same<typeof origin, string>();
client.addEventListener("close", ({ code, reason, wasClean }) => {
  same<typeof code, number>();
  same<typeof reason, string>();
  same<typeof wasClean, boolean>();
});
client.addEventListener("error", ({ error }) => same<typeof error, Error | undefined>());
new transport.WebSocket(new URL("wss://api.test"), { protocols: "v1", headers: { authorization: "Bearer x" } });
// @ts-expect-error not a binary type
client.binaryType = "buffer";
const platformClass: typeof WebSocket = transport.WebSocket;
const platformSocket: WebSocket = client;

// The other entry points.
const cache: Cache<{ readonly name: string }> = new Cache(transport, { maxEntries: 5, ttl: 5, maxWeight: 5, weigh: ({ name }) => name.length });
same<Awaited<ReturnType<typeof cache.getOrFetch>>, { readonly name: string }>();
const cached: { readonly name: string } | undefined = cache.get("a");
const counts: CacheStats = cache.stats;
cache.set("a", { name: "Ada" }).set("b", { name: "Bob" });
// @ts-expect-error another type
cache.set("a", 1);
// @ts-expect-error unknown option
new Cache(transport, { max: 5 });
await cache.getOrFetch("a", async (signal: AbortSignal) => ({ name: String(signal.aborted) }), { signal: AbortSignal.abort() });
const queue = new RequestQueue(transport, { workers: 2, maxWaiting: 5, ageing: 5 });
const added = queue.add(async (signal) => (await transport.fetch("https://api.test", { signal })).status, { priority: "critical" });
same<typeof added, Promise<number>>();
const status: QueueStatus = queue.status;
// @ts-expect-error how many workers?
new RequestQueue(transport, {});
// @ts-expect-error no such priority
queue.add(() => 1, { priority: "urgent" });
// @ts-expect-error no such end
queue.stop("now");
await queue.idle();
const sessions = new Sessions<{ readonly text: string }, { turns: number }>(transport, { limit: 5, batch: 2, burst: "preempt", duplicateWindow: 5 });
sessions.serve(async function* (turn) {
  same<typeof turn.messages, ReadonlyArray<SessionMessage<{ readonly text: string }>>>();
  const turns: number = turn.session.state.update("turns", (it = 0) => it + 1);
  yield `${turns}`;
});
sessions.serve(() => ["a", "b"], { workers: 2, signal: AbortSignal.abort() });
// @ts-expect-error pieces are texts
sessions.serve(() => [1]);
const session: Session<{ readonly text: string }, { turns: number }> = sessions.create({ user: "ada" });
const answer: Answer = await session.send({ text: "hi" }, { id: "m1" });
// @ts-expect-error another type
void session.send("hi");
// @ts-expect-error no such name
sessions.get({ name: "ada" });
export { answer, cached, counts, status };

// Cassettes.
declare const files: CassetteFiles;
const recorder: Recorder = await Recorder.open("chat.json", { mode: "record", fetch, files, matchOn: { body: "partial" }, speed: { scaled: 2 } });
transport.otherwise().reply(recorder.handler);
transport.get("/users/:id").accepts<{ name: string }>().reply(recorder.handler);
const { cassette, skipped }: HarImport = fromHar("", { redaction: { headers: ["x-own"] } });
const numbers: number[] = skipped.map(({ number }) => number);
new Recorder(cassette, { now: () => 0 });
// @ts-expect-error no such mode
new Recorder(cassette, { mode: "rewind" });
// @ts-expect-error bytes are no text
new Recorder(new Uint8Array());
// @ts-expect-error an archive is read whole
fromHar("", { speed: "real" });
export { numbers };

// State.
const typed2 = new MockTransport<{ user: { name: string }; turns?: number }>();
same<ReturnType<typeof typed2.state.toJSON>, { user?: { name: string }; turns?: number }>();
const user2: { name: string } | undefined = typed2.state.get("user");
typed2.state.set("user", { name: "Ada" }).update("turns", (turns = 0) => turns + 1);
// @ts-expect-error no such key
typed2.state.get("nope");
// @ts-expect-error another type
typed2.state.set("user", "Ada");
typed2.get("/").stateIs("user", { name: "Ada" }).hasState("turns").withoutState("x").matching(when.stateIs("a", 1)).reply((_, { state }) => state.get("user"));
const anything: number = transport.state.get("turn") + 1;
const alone: State<{ a: number }> = new State<{ a: number }>().set("a", 1);
const judged: Verdict = verdict(transport, { rule, groupBy: ({ headers }) => headers.get("x-call") ?? undefined, jitter: 1 });
judged.expectMaxAttempts(3);
for (const finding of judged.findings) {
  if (finding.kind === "retried-too-early") same<typeof finding.asked.field, "retry-after" | "retry-after-ms">();
  // @ts-expect-error not every finding has one
  finding.waited;
}
const found: Finding | undefined = judged.calls[0]?.findings[0];
const waited: number | null | undefined = judged.callOf(1)?.attempts[0]?.waited;
// @ts-expect-error unknown option
verdict(transport, { tolerance: 1 });
const violated: Error = new ResilienceError("", judged.calls);
const answeredAt: number | undefined = transport.lastRequest()?.answeredAt;
export { answeredAt, found, violated, waited };
export { alone, anything, user2 };

// Timelines.
const timeline: Timeline = transport.timeline({ bodies: true });
const headAt: number | undefined = timeline.entries[0]?.head?.at;
same<NonNullable<TimelineEntry["end"]>["outcome"], "cancelled" | "done" | "failed" | "unmatched">();
const retried: Retry[] = retries(timeline);
const archive: string = har(timeline);
// @ts-expect-error not a timeline
har(transport);
// @ts-expect-error unknown option
transport.timeline({ body: true });
export { archive, headAt, retried };

// Limits and faults.
const limit: RateLimit = { tokenBucket: 10, refill: 1, per: 1000, tokens: (request) => request.json().n, headers: "openai", retryAfter: "date" };
new MockTransport({
  concurrency: { max: 3, perHost: 1, key: ({ url }) => url, maxWaiting: 9, priority: () => "critical", ageing: 100 },
  rateLimit: [limit, { slidingWindow: 3, per: 5, refuseWith: 503 }],
  chaos: [{ share: 0.1, damage: { fault: "dnsFailure" } }],
  epoch: new Date(),
});
transport.get("/users/:id").rateLimit({ fixedWindow: 1, per: 5, key: ({ params }) => params.id }).chaos([]).reply(200);
transport.post("/a").accepts<{ tokens: number }>().rateLimit({ fixedWindow: 1, per: 5, tokens: (request) => request.json().tokens }).reply(200);
// @ts-expect-error neither a window nor a bucket
transport.get().rateLimit({ per: 5 });
// @ts-expect-error no such priority
new MockTransport({ concurrency: { priority: () => "urgent" } });
// @ts-expect-error no such damage
new MockTransport({ chaos: [{ share: 0.1, damage: { broken: 1 } }] });
const chaos: Chaos = [{ share: 0.5, damage: "malformed" }];
const damage: Damage = { slowDrip: { bytes: 1, gap: 10 } };
transport.get("/a").replySequence([reply.damaged({ a: 1 }, damage), reply.error({ fault: "tlsFailure" }), reply.error("ESOMETHING"), reply.never()]);
// @ts-expect-error no such fault
reply.error({ fault: "ECONNRESET" });
const standing: Concurrency | undefined = transport.concurrency();
const peaks: number[] = standing?.keys.map(({ peak, available }) => peak + available) ?? [];
const events: PermitEvent[] = transport.permitEvents().drain();
for await (const { kind, sequence, key, at } of transport.permitEvents()) {
  same<typeof kind, "waiting" | "acquired" | "released" | "abandoned">();
  same<[typeof sequence, typeof key, typeof at], [number, string, number]>();
}
transport.outage("api.test");
transport.outage("api.test", { until: 5, fault: "connectionClosed" });
transport.kill("api.test");
transport.restart("api.test");
const queued: number = transport.lastRequest()!.queued;
