// The demo page in a real browser. `cargo xtask test --only page` serves it, and says where it is (PAGE) and which
// browser to use (CHROMIUM).

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { EXAMPLES } from "../../www/examples/index.js";

const { PAGE, CHROMIUM } = process.env;
assert(PAGE && CHROMIUM, "run this with `cargo xtask test --only page`");

/** What each example prints, how many requests it makes, and what the verdict says, when there is one. */
const SHOWN = {
  "first-test": { prints: ["the client got 201 {id: 7}", "verified"], requests: 1 },
  unmatched: { prints: ["JSON /model       expected \"small\"", "at unmatched.js:12:4"], requests: 1 },
  model: { prints: ['content_block_delta " nobody"', "message_stop"], requests: 1 },
  "broken-stream": { prints: ["[99,97,102,195] \"caf\"", "TypeError: terminated: ECONNRESET"], requests: 1 },
  retries: { prints: ["attempts at 0 1000 2000"], requests: 3, verdict: "2s too early" },
  outage: { prints: ["20 s UND_ERR_CONNECT_TIMEOUT again in 16000 ms", "36 s {ok: true}"], requests: 7, verdict: "was resilient" },
  limits: { prints: ["400 ms login is here", "at most 2 at once"], requests: 6 },
  websocket: { prints: ["closed with 4000, closing time", "server text \"two\""], requests: 1 },
};

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });
});
after(() => browser.close());

/** Opens the page at an example, and waits for the end of its first run; also what went wrong, and what was loaded. */
async function open(t, name, site = PAGE) {
  const page = await browser.newPage();
  t.after(() => page.close());
  const seen = { errors: [], urls: [] };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => seen.errors.push(message.text()));
  page.on("request", (request) => seen.urls.push(request.url()));
  await page.goto(`${site}#${name}`);
  await ended(page);
  return { page, seen };
}

const state = (page) => page.getByRole("status").textContent();
const output = (page) => page.locator("#output pre").textContent();

/** Waits until the run is over. */
async function ended(page) {
  await page.waitForFunction(() => ["done", "failed"].includes(document.getElementById("state").className));
}

/** Runs this code. */
async function run(page, code) {
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Run" }).click();
}

test("every example is there, and every one is tested", () => {
  assert.deepEqual(EXAMPLES.map(({ name }) => name), Object.keys(SHOWN));
});

for (const [name, { prints, requests, verdict }] of Object.entries(SHOWN)) {
  test(`the example ${name} runs, and shows what has happened`, async (t) => {
    const { page, seen } = await open(t, name);
    assert.match(await state(page), /^Done in .* of the transport's time$/);
    for (const line of prints) assert.ok((await output(page)).includes(line), `${line} in ${await output(page)}`);
    assert.equal(await page.locator("#requests li").count(), requests);
    const picture = page.locator("#waterfall img");
    assert.ok(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
    assert.match(await picture.getAttribute("alt"), /^A waterfall of /);
    assert.equal(await page.locator("#verdict").isVisible(), verdict !== undefined);
    if (verdict !== undefined) assert.ok((await page.locator("#verdict pre").textContent()).includes(verdict));
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(seen.urls.filter((url) => !url.startsWith(PAGE) && !url.startsWith(`blob:${PAGE}`)), []);
  });
}

test("a request can be opened, and tells no secret", async (t) => {
  const { page } = await open(t, "first-test");
  await page.locator("summary").click();
  const details = await page.locator("#requests dl").textContent();
  assert.match(details, /first-test\.js:\d+:\d+/);
  assert.match(details, /authorization: <redacted>/);
  assert.match(details, /"born": 1815/);
  assert.doesNotMatch(await page.locator("#requests").innerHTML(), /Bearer/);
});

test("code that is changed is run, and can be had back", async (t) => {
  const { page } = await open(t, "first-test");
  const original = await page.getByLabel("Code").inputValue();
  const undo = page.getByRole("button", { name: "Undo changes" });
  assert.equal(await undo.isVisible(), false);
  await page.getByLabel("Code").fill('console.log("changed", { n: 1n, f: NaN }, new Uint8Array(2));');
  await page.keyboard.press("Control+Enter");
  await ended(page);
  assert.equal(await output(page), 'changed {n: "1",f: "NaN"} Uint8Array [0,0]\n');
  assert.equal(await page.locator("#requests").isVisible(), false);
  await undo.click();
  assert.equal(await page.getByLabel("Code").inputValue(), original);
  assert.equal(await undo.isVisible(), false);
});

test("another example is chosen by a link, and by the address", async (t) => {
  const { page } = await open(t, "first-test");
  await page.getByRole("link", { name: "Limits" }).click();
  await page.getByRole("heading", { name: "Limits" }).waitFor();
  await ended(page);
  assert.equal(await page.locator("nav [aria-current]").textContent(), "Limits");
  await page.goBack();
  await page.getByRole("heading", { name: "A first test" }).waitFor();
});

test("mistakes are told: what is thrown, what is no JavaScript, and what is not there", async (t) => {
  const { page } = await open(t, "first-test");
  const mistakes = {
    'throw new RangeError("too far");': /RangeError: too far/,
    "const = 1;": /SyntaxError: /,
    'import { nothing } from "mockwire";': /SyntaxError: .*nothing/,
    'import "mockwire/nowhere";': /TypeError: /,
    "show(7);": /TypeError: show\(\) takes a MockTransport, not 7/,
  };
  for (const [code, told] of Object.entries(mistakes)) {
    await run(page, code);
    await ended(page);
    assert.match(await state(page), /^Failed in /, code);
    assert.match(await output(page), told, code);
  }
});

test("a promise that nobody waits for is told when it fails", async (t) => {
  const { page } = await open(t, "first-test");
  await run(page, `
    Promise.reject(new Error("lost"));
    await new Promise((resolve) => addEventListener("unhandledrejection", resolve));`);
  await ended(page);
  assert.equal(await output(page), "Error: lost\n");
});

test("what was seen before an error, or before the transport is disposed, stays", async (t) => {
  const { page } = await open(t, "first-test");
  const code = `
    import { MockTransport } from "mockwire";
    const transport = new MockTransport();
    show(transport);
    transport.get("https://api.test/").reply("well");
    await transport.fetch("https://api.test/");`;
  for (const end of ["throw 1;", "transport.dispose();"]) {
    await run(page, code + end);
    await ended(page);
    assert.equal(await page.locator("#requests li").count(), 1, end);
  }
});

test("a run that does not end can be stopped, and the page goes on", async (t) => {
  const { page } = await open(t, "first-test");
  await run(page, 'console.log("begun"); for (;;);');
  await page.getByText("begun", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  assert.equal(await state(page), "Stopped");
  await run(page, "console.log(6 * 7);");
  await ended(page);
  assert.equal(await output(page), "42\n");
});

test("no request leaves the page, whatever the code does", async (t) => {
  let requests = 0;
  const url = await listening(t, (_, response) => {
    requests += 1;
    response.setHeader("access-control-allow-origin", "*").end();
  });
  const code = `
    const ways = [
      () => fetch("${url}"),
      () => new Promise((resolve, reject) => {
        const socket = new WebSocket("${url.replace("http", "ws")}");
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("no socket"));
      }),
      () => import("${url}"),
    ];
    for (const way of ways) console.log(await way().then(() => "sent", () => "refused"));`;

  const { page } = await open(t, "first-test");
  await run(page, code);
  await ended(page);
  assert.equal(await output(page), "refused\nrefused\nrefused\n");
  assert.equal(requests, 0);

  // The control: without the page's policy, it is reached.
  const lawless = await listening(t, async (request, response) => {
    const from = await fetch(new URL(request.url, PAGE));
    assert.match(from.headers.get("content-security-policy"), /^default-src 'none'/);
    response.setHeader("content-type", from.headers.get("content-type")).end(Buffer.from(await from.arrayBuffer()));
  });
  const { page: other } = await open(t, "first-test", lawless);
  await run(other, code);
  await ended(other);
  assert.match(await output(other), /^sent\n/);
  assert.notEqual(requests, 0);
});

/** Where a server listens that lives as long as the test. */
async function listening(t, listener) {
  const server = createServer(listener);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}/`;
}
