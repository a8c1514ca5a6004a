/**
 * What a failing test prints is a feature: compared word for word with the files in `snapshots`.
 * `UPDATE_SNAPSHOTS=1 npm test` writes them anew.
 */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { UnmatchedRequestError, VerificationError, when } from "mockwire";
import { failureOf, withTransport } from "./support.mjs";

/** Lines and columns change with this file; everything else may not. */
function normal(text) {
  return text.replace(/unmatched\.test\.mjs:\d+:\d+/g, "unmatched.test.mjs:L:C");
}

function matchesSnapshot(name, text) {
  const file = new URL(`snapshots/${name}.txt`, import.meta.url);
  if (process.env.UPDATE_SNAPSHOTS) {
    mkdirSync(new URL(".", file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }
  assert.equal(`${text}\n`, readFileSync(file, "utf8"));
}

async function messageOf(transport, url, init) {
  const error = await failureOf(transport.fetch(url, init));
  assert.ok(error instanceof UnmatchedRequestError);
  assert.ok(!(error instanceof TypeError), "it does not look like a network error");
  assert.equal(error.code, "MOCKWIRE_UNMATCHED");
  return normal(error.message);
}

test("the nearest rules, with what each asked for and what there was", withTransport(async (transport) => {
  transport.post("https://api.test/v1/messages").header("x-api-key", "other").jsonAt("/model", "small").reply(200);
  transport.post("/v1/messages").query("beta", "true").jsonPartial({ stream: true }).reply(200);
  transport.get("/v1/messages").reply(200);
  transport.get("/v1/models/:id").reply(200);
  const message = await messageOf(transport, "https://api.test/v1/messages", {
    method: "POST",
    headers: { "x-api-key": "secret", "content-type": "application/json" },
    body: JSON.stringify({ model: "large", stream: false }),
  });
  matchesSnapshot("nearest", message);
}));

test("no rules at all", withTransport(async (transport) => {
  matchesSnapshot("none", await messageOf(transport, "https://api.test/"));
}));

test("rules that would fit, but are out of play", withTransport(async (transport) => {
  transport.get("/a").once().reply(200);
  transport.get("/a").inScenario("login").whenState("in").reply(200);
  await transport.fetch("https://api.test/a");
  matchesSnapshot("excluded", await messageOf(transport, "https://api.test/a"));
}));

test("functions and patterns by name", withTransport(async (transport) => {
  transport.get(/\/users\/\d+$/).matching(function isTuesday() { return false; }).reply(200);
  transport.get("/users/x").not(when.hasHeader("x-a")).reply(200);
  matchesSnapshot("functions", await messageOf(transport, "https://api.test/users/x", { headers: { "x-a": "1" } }));
}));

test("the diagnosis is there as data, too", withTransport(async (transport) => {
  transport.get("/b").reply(200);
  const { diagnosis } = await failureOf(transport.fetch("https://api.test/a"));
  assert.deepEqual([diagnosis.request, diagnosis.sequence, diagnosis.rules], ["GET https://api.test/a", 1, 1]);
  const [{ rule, site, distance, checks }] = diagnosis.nearest;
  assert.match(site, /unmatched\.test\.mjs:\d+:\d+$/);
  assert.ok(distance > 0);
  assert.match(rule, /GET \/b/);
  assert.deepEqual(checks.filter((check) => !check.passed).map(({ matcher, expected, actual }) => [matcher, expected, actual]), [["path", "/b", "/a"]]);
}));

test("a verification names the rule that was not called, and the request that came nearest", withTransport(async (transport) => {
  transport.post("/v1/messages").jsonAt("/model", "small").times(2).reply(200);
  transport.otherwise().reply(404);
  await transport.fetch("https://api.test/v1/messages", { method: "POST", body: '{"model":"small"}' });
  await transport.fetch("https://api.test/v1/messages", { method: "POST", body: '{"model":"large"}' });
  const error = await failureOf(() => transport.verify());
  assert.ok(error instanceof VerificationError);
  matchesSnapshot("verification", normal(error.message));
}));
