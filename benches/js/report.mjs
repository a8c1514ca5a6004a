// Rows of the same shape as the native benchmarks', and a table for people.
import { median } from "./measure.mjs";

/** Above this, a ratio counts only if our worst round beats the peer's best round as well. */
const CLEAR_WIN = 1.5;

const spread = (values) => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

function row(id, what, values, unit, { ratio = null, bound = null, met = null, margin = Infinity } = {}) {
  const finished = { id, what, ...spread(values), unit, ratio, bound, met };
  // For `worst`; not enumerable, so that the file has the same fields as the native one.
  return Object.defineProperty(finished, "margin", { value: met === false ? Math.min(margin, 1) : margin });
}

/** A floor or a peer, shown so that the ratios can be checked. */
export const shown = (id, what, values, unit) => row(id, what, values, unit);

/** How many times faster ours is than a floor or a peer, where nothing is asked for. */
export const compared = (id, what, ours, peer, unit) => row(id, what, ours, unit, { ratio: median(peer) / median(ours) });

/** An absolute figure that is to stay at or below `most`. */
export function atMost(id, what, ours, unit, most) {
  const figure = median(ours);
  const margin = most / Math.max(figure, Number.EPSILON);
  return row(id, what, ours, unit, { bound: `<= ${+most.toFixed(2)}`, met: figure <= most, margin });
}

/** How many times `floor` ours costs, to stay at or below `most`. */
export function cost(id, what, ours, floor, unit, most) {
  const ratio = median(ours) / median(floor);
  const clear = most >= 1 / CLEAR_WIN || Math.max(...ours) < Math.min(...floor);
  return row(id, what, ours, unit, { ratio, bound: `<= ${most}x`, met: ratio <= most && clear, margin: most / ratio });
}

/** How many times faster ours is than the peer, to reach `least`. */
export function faster(id, what, ours, peer, unit, least) {
  const ratio = median(peer) / median(ours);
  const clear = least <= CLEAR_WIN || Math.max(...ours) < Math.min(...peer);
  return row(id, what, ours, unit, { ratio, bound: `>= ${least}x`, met: ratio >= least && clear, margin: ratio / least });
}

/** The judged row that is furthest from its goal, under the goal's plain name. */
export function worst(id, rows) {
  const judged = rows.filter(({ met }) => met !== null);
  const [found] = judged.toSorted((a, b) => a.met - b.met || a.margin - b.margin);
  return { ...found, id, what: `worst of its rows: ${found.id}` };
}

export function table(rows) {
  const heading = ["id", "median", "min", "max", "unit", "ratio", "goal", "met", "what"];
  const number = (value) => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(2));
  const cells = rows.map(({ id, what, median, min, max, unit, ratio, bound, met }) => [
    id,
    number(median),
    number(min),
    number(max),
    unit,
    ratio === null ? "" : `${number(ratio)}x`,
    bound ?? "",
    met === null ? "" : met ? "yes" : "NO",
    what,
  ]);
  const widths = heading.map((_, column) => Math.max(...[heading, ...cells].map((line) => line[column].length)));
  return [heading, ...cells].map((line) => line.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()).join("\n");
}
