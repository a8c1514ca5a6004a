// One scenario of one peer in a process of its own. Prints one line of JSON.
import * as scenarios from "./scenarios.mjs";

const job = JSON.parse(process.argv[2]);
const figures = await scenarios[job.scenario](job);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
