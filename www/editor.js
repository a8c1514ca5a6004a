/** A place for code: a text area, and the same text in colours behind it. */

/** Comments, strings, words of the language, numbers: in this order, what comes first wins. */
const TOKENS =
  /(?<comment>\/\/.*|\/\*[^]*?\*\/)|(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|(?<keyword>\b(?:async|await|break|case|catch|class|const|continue|else|export|false|finally|for|from|function|if|import|in|let|new|null|of|return|throw|true|try|typeof|undefined|while|yield)\b)|(?<number>\b\d[\d_.]*\b)/g;

export class Editor {
  #area;
  #coloured;
  #onChange;

  constructor(area, coloured, onChange) {
    this.#area = area;
    this.#coloured = coloured;
    this.#onChange = onChange;
    area.addEventListener("input", () => this.#changed());
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    this.#area.value = text;
    this.#changed();
  }

  focus() {
    this.#area.focus();
  }

  #changed() {
    // What ends in a line break shows one line more in the area.
    this.#coloured.replaceChildren(...colours(this.text), "\n");
    this.#onChange();
  }
}

/** The text in pieces: what is not coloured as text, the rest as elements. */
function* colours(text) {
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    const token = document.createElement("span");
    token.className = kind;
    token.textContent = match[0];
    yield text.slice(end, match.index);
    yield token;
    end = match.index + match[0].length;
  }
  yield text.slice(end);
}
