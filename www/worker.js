/** Runs the code that it is sent, and tells what that prints and what happens on the transport that it shows. */

import { inWords } from "./inspect.js";
import { Watch } from "./watch.js";

/** How often a run that takes its time is looked at, in milliseconds. */
const LOOK_EVERY = 100;

for (const level of ["debug", "info", "log", "warn", "error"]) {
  console[level] = (...values) => postMessage({ kind: "line", level, text: values.map(inWords).join(" ") });
}

addEventListener("unhandledrejection", ({ reason }) => console.error(reason));

addEventListener("message", async ({ data: { code, name } }) => {
  const watch = new Watch((snapshot) => postMessage({ kind: "snapshot", snapshot }));
  globalThis.show = (transport) => watch.begin(transport);
  const timer = setInterval(() => watch.look(), LOOK_EVERY);
  let error;
  try {
    await import(moduleOf(code, name));
  } catch (thrown) {
    error = inWords(thrown);
  }
  clearInterval(timer);
  try {
    watch.end();
  } catch (thrown) {
    error ??= inWords(thrown);
  }
  postMessage({ kind: "end", error });
});

/** The code as something to import: with the package where this page has it, and with its name in stacks. */
function moduleOf(code, name) {
  const packageOf = (_, before, quote, entry = "/index") =>
    `${before}${quote}${new URL(`pkg/dist${entry}.js`, location.href)}${quote}`;
  const text = code.replace(/(\bfrom\s*|\bimport\s*\(?\s*)(["'])mockwire(\/[a-z]+)?\2/g, packageOf);
  return URL.createObjectURL(new Blob([`${text}\n//# sourceURL=${name}`], { type: "text/javascript" }));
}
