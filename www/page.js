/** The demo page: choose an example, change it, run it, and look at what has happened. */

import { Editor } from "./editor.js";
import { EXAMPLES } from "./examples/index.js";
import { Results } from "./results.js";
import { Run } from "./run.js";

const element = (id) => document.getElementById(id);
const [runButton, restoreButton] = [element("run"), element("restore")];
const results = new Results();
const editor = new Editor(element("code"), element("coloured"), () => {
  restoreButton.hidden = editor.text === original;
});

/** The text of the chosen example, as it is in its file. */
let original = "";
let run;

runButton.addEventListener("click", () => (run === undefined ? start() : stop()));
restoreButton.addEventListener("click", () => {
  editor.text = original;
  editor.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  stop();
  start();
});
addEventListener("hashchange", choose);
listExamples();
await choose();

function start() {
  results.clear();
  results.state("running", "Running…");
  runButton.textContent = "Stop";
  const begun = performance.now();
  let virtual = 0;
  run = new Run(editor.text, `${chosen().name}.js`, {
    onLine: (level, text) => results.addLine(level, text),
    onSnapshot(snapshot) {
      virtual = snapshot.timeline.now;
      results.show(snapshot);
    },
    onEnd(error) {
      if (error !== undefined) results.addLine("error", error);
      const took = `in ${shown(performance.now() - begun)}, and ${shown(virtual)} of the transport's time`;
      if (error === undefined) results.state("done", `Done ${took}`);
      else results.state("failed", `Failed ${took}`);
      stop();
    },
  });
}

function stop() {
  if (run?.stop()) results.state("failed", "Stopped");
  run = undefined;
  runButton.textContent = "Run";
}

/** The example that the address names; the first one unless it names any. */
function chosen() {
  return EXAMPLES.find(({ name }) => `#${name}` === location.hash) ?? EXAMPLES[0];
}

async function choose() {
  stop();
  const { name, title, about } = chosen();
  for (const link of element("examples").querySelectorAll("a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  element("title").textContent = title;
  element("about").textContent = about;
  const response = await fetch(`examples/${name}.js`);
  const text = response.ok ? await response.text() : `// examples/${name}.js cannot be had: ${response.status}\n`;
  // Somebody may have chosen another one meanwhile.
  if (name !== chosen().name) return;
  original = text;
  editor.text = text;
  runButton.disabled = false;
  start();
}

function shown(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function listExamples() {
  element("examples").append(
    ...EXAMPLES.map(({ name, title }) => {
      const [item, link] = [document.createElement("li"), document.createElement("a")];
      link.href = `#${name}`;
      link.textContent = title;
      item.append(link);
      return item;
    }),
  );
}
