// The goals: which jobs each needs, and how their figures are judged.
import { REPLY } from "./fixtures.mjs";
import { atMost, compared, cost, faster, shown, worst } from "./report.mjs";
import { median } from "./measure.mjs";

const sequential = (peer, handlers = 1) => ({ scenario: "sequential", peer, handlers });
const job = (scenario, peer, more = {}) => ({ scenario, peer, ...more });
const OURS = "mockwire";

/** Each peer, the speed-up asked for with one handler, and with a thousand. */
const PEERS = [
  ["undici-fetch", 18, 90],
  ["undici-request", 3, 70],
  ["fetch-mock", 6, 60],
  ["msw", 50, 2000],
  ["nock", 580, null],
];
const CROWDED = PEERS.filter(([, , least]) => least !== null);
const TOUCHED = ["headers", "body", "clone"];
const KINDS = [["one", "one chunk for all", 0.95], ["each", "a chunk for each", 1.2]];
const STREAMED = [["msw", 3.5], ["nock", 6], ["fetch-mock", 3]];
const EACH = { kind: "each" };
const AS_TEXT = { kind: "each", read: "text" };
const IMPORTED = ["undici-fetch", "fetch-mock", "msw", "nock"];

export const GOALS = [
  {
    id: "J1",
    needs: [sequential(OURS), sequential("stub"), sequential("proto")],
    rows: (of) => [
      faster("J1", "sequential POST + json(), routed and recorded / stub", of(sequential(OURS), "us"), of(sequential("stub"), "us"), "us", 3),
      shown("J1-cpu", "the same in processor time", of(sequential(OURS), "cpu_us"), "us"),
      shown("J1-stub", "hand-written stub", of(sequential("stub"), "us"), "us"),
    ],
  },
  {
    id: "J2",
    needs: [sequential(OURS), ...PEERS.map(([peer]) => sequential(peer))],
    rows: (of) => withWorst("J2", PEERS.flatMap(([peer, least]) => [
      faster(`J2-${peer}`, `J1 against ${peer}`, of(sequential(OURS), "us"), of(sequential(peer), "us"), "us", least),
      shown(`J2-peer-${peer}`, peer, of(sequential(peer), "us"), "us"),
    ])),
  },
  {
    id: "J3",
    needs: TOUCHED.flatMap((part) => [job("touch", OURS, { part }), job("touch", "stub", { part })]),
    rows: (of) => withWorst("J3", TOUCHED.flatMap((part) => {
      const [ours, stub] = [OURS, "stub"].map((peer) => of(job("touch", peer, { part }), "us"));
      return [cost(`J3-${part}`, `caller touches ${part} / stub`, ours, stub, "us", 1.15), shown(`J3-stub-${part}`, "stub", stub, "us")];
    })),
  },
  {
    id: "J4",
    needs: [job("burst", OURS), job("burst", "stub")],
    rows: (of) => {
      const both = (field) => [of(job("burst", OURS), field), of(job("burst", "stub"), field)];
      return withWorst("J4", [
        cost("J4-wall", "10,000 at once / stub", ...both("ms"), "ms", 0.35),
        cost("J4-rss", "memory growth of the same / stub", ...both("growth_mb"), "MB", 0.4),
      ]);
    },
  },
  {
    id: "J5",
    needs: [OURS, "mockwire-engine", "proto", "stub", "fetch-mock", "msw"].map((peer) => job("cycle", peer)),
    rows: (of) => {
      const [ours, msw, fetchMock, stub] = [OURS, "msw", "fetch-mock", "stub"].map((peer) => of(job("cycle", peer), "ms"));
      return withWorst("J5", [
        atMost("J5-cold", "1000 times create + 1 request + dispose, from cold", ours, "ms", 20),
        faster("J5-msw", "the same against msw", ours, msw, "ms", 30),
        faster("J5-fetch-mock", "the same against fetch-mock", ours, fetchMock, "ms", 4),
        shown("J5-first", "of which the first", of(job("cycle", OURS), "first_ms"), "ms"),
        shown("J5-engine", "the same, and the request is looked for: by the engine, on every transport", of(job("cycle", "mockwire-engine"), "ms"), "ms"),
        shown("J5-engine-first", "of which the first, with the compilation of the module", of(job("cycle", "mockwire-engine"), "first_ms"), "ms"),
        shown("J5-proto", "the floor: the pure JavaScript prototype. It tells how fast the machine is today", of(job("cycle", "proto"), "ms"), "ms"),
        shown("J5-stub", "the same with a stub", stub, "ms"),
        shown("J5-peer-fetch-mock", "fetch-mock", fetchMock, "ms"),
        shown("J5-peer-msw", "msw", msw, "ms"),
      ]);
    },
  },
  {
    id: "J6",
    needs: [job("heap", OURS), job("heap", "stub")],
    rows: (of) => {
      const [ours, stub] = [OURS, "stub"].map((peer) => of(job("heap", peer), "bytes"));
      return [
        atMost("J6", "left behind per create + 1 request + dispose; at most stub + 16", ours, "B", median(stub) + 16),
        shown("J6-stub", "the same with a stub", stub, "B"),
      ];
    },
  },
  {
    id: "J7",
    needs: [...KINDS.map(([kind]) => ({ kind })), AS_TEXT].flatMap((how) => [job("stream", OURS, how), job("stream", "stub", how)]),
    rows: (of) => withWorst("J7", [
      ...KINDS.flatMap(([kind, what, least]) => {
        const [ours, stub] = [OURS, "stub"].map((peer) => of(job("stream", peer, { kind }), "us_per_event"));
        return [faster(`J7-${kind}`, `server-sent events, ${what} / stub`, ours, stub, "us", least), shown(`J7-stub-${kind}`, "stub", stub, "us")];
      }),
      compared("J7-text", "a chunk for each, iterated, decoded and split / stub", ...bothOf(of, "stub", AS_TEXT, "us_per_event"), "us"),
    ]),
  },
  {
    id: "J8",
    needs: [OURS, ...STREAMED.map(([peer]) => peer)].flatMap((peer) => [job("stream", peer, EACH), job("stream", peer, AS_TEXT)]),
    rows: (of) => withWorst("J8", STREAMED.flatMap(([peer, least]) => [
      faster(`J8-${peer}`, `a chunk for each event against ${peer}`, ...bothOf(of, peer, EACH, "us_per_event"), "us", least),
      compared(`J8-cpu-${peer}`, "the same in processor time", ...bothOf(of, peer, EACH, "cpu_us_per_event"), "us"),
      compared(`J8-text-${peer}`, "the same, iterated, decoded and split", ...bothOf(of, peer, AS_TEXT, "us_per_event"), "us"),
      shown(`J8-peer-${peer}`, peer, of(job("stream", peer, EACH), "us_per_event"), "us"),
    ])),
  },
  {
    id: "J9",
    needs: [job("handlers", OURS)],
    rows: (of) => [
      cost("J9", "1000 handlers / 1", of(job("handlers", OURS), "many"), of(job("handlers", OURS), "one"), "us", 1.1),
    ],
  },
  {
    id: "J10",
    needs: [sequential(OURS, 1000), ...CROWDED.map(([peer]) => sequential(peer, 1000))],
    rows: (of) => withWorst("J10", CROWDED.map(([peer, , least]) =>
      faster(`J10-${peer}`, `1000 handlers against ${peer}`, of(sequential(OURS, 1000), "us"), of(sequential(peer, 1000), "us"), "us", least))),
  },
  {
    id: "J11",
    needs: [job("wasm", OURS)],
    rows: (of) => withWorst("J11", [
      atMost("J11-time", "inside WebAssembly per exact-route request, 1000 handlers", of(job("wasm", OURS), "ns"), "ns", 250),
      atMost("J11-calls", "engine calls per such request", of(job("wasm", OURS), "calls"), "calls", 1),
      atMost("J11-bytes", "bytes passed in per such request (a body would be more)", of(job("wasm", OURS), "bytes_in"), "B", REPLY.length / 2),
    ]),
  },
  {
    id: "J12",
    needs: [sequential(OURS), sequential("proto")],
    rows: (of) => [
      faster("J12", "J1 against a pure JavaScript prototype", of(sequential(OURS), "us"), of(sequential("proto"), "us"), "us", 0.75),
      shown("J12-proto", "prototype: Map, call record, a Response never built", of(sequential("proto"), "us"), "us"),
    ],
  },
  {
    id: "J13",
    needs: [OURS, ...IMPORTED].map((peer) => job("importing", peer)),
    rows: (of) => [
      atMost("J13", "import, nothing used", of(job("importing", OURS), "ms"), "ms", 10),
      ...IMPORTED.map((peer) => shown(`J13-peer-${peer}`, `import ${peer}`, of(job("importing", peer), "ms"), "ms")),
    ],
  },
  {
    id: "J14",
    needs: [job("memory", OURS), job("memory", "proto")],
    rows: (of) => [
      atMost("J14", "bytes per registered handler: heap, external and wasm", of(job("memory", OURS), "bytes"), "B", 400),
      shown("J14-wasm", "of which wasm memory", of(job("memory", OURS), "wasm_bytes"), "B"),
      shown("J14-time", "time to register one", of(job("memory", OURS), "register_us"), "us"),
      shown("J14-proto", "the prototype's bytes", of(job("memory", "proto"), "bytes"), "B"),
    ],
  },
  {
    id: "W1js",
    needs: [job("echo", OURS), job("echo", "event-target")],
    rows: (of) => {
      const [ours, floor] = [OURS, "event-target"].map((peer) => of(job("echo", peer), "us"));
      return [
        cost("W1js", "WebSocket echo, both sides recorded / EventTarget pair", ours, floor, "us", 3),
        shown("W1js-floor", "hand-written EventTarget pair", floor, "us"),
      ];
    },
  },
];

/** Our figures and a peer's, of streams that are read alike. */
const bothOf = (of, peer, how, field) => [OURS, peer].map((name) => of(job("stream", name, how), field));

const withWorst = (id, rows) => [worst(id, rows), ...rows];

/** The rows of a goal; one without figures says so. */
export function judge(goal, samples) {
  const missing = goal.needs.filter((need) => !samples.has(JSON.stringify(need)));
  if (missing.length > 0) {
    console.error(`${goal.id}: no figures for ${missing.map(({ peer }) => peer).join(", ")}`);
    return [];
  }
  return goal.rows((need, field) => samples.get(JSON.stringify(need)).map((figures) => figures[field]));
}
