/** What a run shows: its output, and what has happened on its transport. */

import { requestItem } from "./request.js";

export class Results {
  #state = document.getElementById("state");
  #output = part("output", "pre");
  #waterfall = part("waterfall", "img");
  #requests = part("requests", "ol");
  #verdict = part("verdict", "pre");
  #parts = [this.#output, this.#waterfall, this.#requests, this.#verdict];
  #picture;

  clear() {
    for (const { article } of this.#parts) article.hidden = true;
    for (const { content } of [this.#output, this.#requests, this.#verdict]) content.replaceChildren();
    this.#show(undefined);
  }

  /** How it goes: `running`, `done` or `failed`; and in words. */
  state(kind, text) {
    this.#state.className = kind;
    this.#state.textContent = text;
  }

  addLine(level, text) {
    const line = document.createElement("span");
    line.className = level;
    line.textContent = `${text}\n`;
    this.#output.content.append(line);
    this.#output.article.hidden = false;
  }

  show({ timeline, picture, verdict }) {
    if (timeline.entries.length > 0) this.#show(picture, timeline.entries.length);
    this.#requests.content.replaceChildren(...timeline.entries.map(requestItem));
    this.#requests.article.hidden = timeline.entries.length === 0;
    this.#verdict.content.replaceChildren(...marked(verdict ?? ""));
    this.#verdict.article.hidden = verdict === undefined;
  }

  #show(picture, count) {
    if (this.#picture !== undefined) URL.revokeObjectURL(this.#picture);
    this.#picture = picture && URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
    const { article, content } = this.#waterfall;
    article.hidden = picture === undefined;
    if (picture === undefined) return content.removeAttribute("src");
    content.src = this.#picture;
    content.alt = `A waterfall of ${count === 1 ? "one request" : `${count} requests`}; the list below has the same in words.`;
  }
}

function part(id, kind) {
  const article = document.getElementById(id);
  return { article, content: article.querySelector(kind) };
}

/** The lines of a verdict, those with a mark in its colour. */
function marked(text) {
  return text.split(/^/m).map((line) => {
    const shown = document.createElement("span");
    shown.className = { "✗": "error", "!": "warn" }[line.trim()[0]] ?? "log";
    shown.textContent = line;
    return shown;
  });
}
