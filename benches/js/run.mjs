// Runs every scenario of every peer in processes of their own, round by round, and judges the goals.
//
//   node run.mjs [--quick] [--rounds N] [--only J1,J3] [--node PATH] [--package PATH] [--out PATH]
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { GOALS, judge } from "./goals.mjs";
import { table } from "./report.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const exec = promisify(execFile);

const { values: given } = parseArgs({
  options: {
    quick: { type: "boolean", default: (process.env.MOCKWIRE_BENCH_QUICK ?? "0") !== "0" },
    rounds: { type: "string" },
    only: { type: "string" },
    node: { type: "string", default: process.execPath },
    package: { type: "string", default: here("../../pkg/dist/index.js") },
    out: { type: "string", default: process.env.MOCKWIRE_BENCH_OUT ?? here("../../target/bench/js.json") },
  },
});
const rounds = Number(given.rounds ?? (given.quick ? 3 : 5));
const wanted = given.only?.split(",");
const goals = GOALS.filter(({ id }) => wanted === undefined || wanted.includes(id));

/** The jobs that the goals need, each once. */
function jobsOf(goals) {
  const jobs = new Map();
  for (const { needs } of goals) for (const job of needs) jobs.set(JSON.stringify(job), job);
  return [...jobs.values()];
}

async function perform(job) {
  const environment = { ...process.env, MOCKWIRE_BENCH_PACKAGE: pathToFileURL(resolve(given.package)).href };
  const args = ["--expose-gc", here("worker.mjs"), JSON.stringify({ ...job, quick: given.quick })];
  const { stdout } = await exec(given.node, args, { env: environment, timeout: 180_000, cwd: here(".") });
  return JSON.parse(stdout);
}

const samples = new Map();
const failed = new Set();
const jobs = jobsOf(goals);
for (let round = 0; round < rounds; round++) {
  for (const job of jobs) {
    const key = JSON.stringify(job);
    if (failed.has(key)) continue;
    try {
      const figures = await perform(job);
      samples.set(key, [...(samples.get(key) ?? []), figures]);
    } catch (error) {
      failed.add(key);
      samples.delete(key);
      console.error(`${key} failed:\n${error.stderr || error.message}`);
    }
  }
  console.error(`round ${round + 1} of ${rounds}`);
}

const rows = goals.flatMap((goal) => judge(goal, samples));
mkdirSync(dirname(given.out), { recursive: true });
writeFileSync(given.out, `${JSON.stringify(rows, null, 2)}\n`);
console.log(table(rows));
if (failed.size > 0) process.exitCode = 1;
