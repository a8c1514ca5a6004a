/**
 * Plain rules that engines know by number. A suite that makes a transport for each test registers the
 * same rules again and again: from the second time on, no text crosses and nothing is parsed.
 */

import { type Engine, FAILED, FORGOTTEN, numberOfRule } from "./engine.js";
import { withSentHost } from "./host.js";

/** Instead of a number: the rule came once, and is worth a number when it comes again. */
const CAME_ONCE = -1;

/** How many texts are remembered; then it starts over. */
const LIMIT = 512;
const LONGEST = 1024;

const numbers = new Map<string, number>();

/** Registers a rule, `METHOD TARGET`, that gives this reply; its id. Throws when the target is no good. */
export function addPlainRule(engine: Engine, rule: string, status: number, reply: number): number {
  const number = numbers.get(rule);
  if (number === undefined) {
    const id = engine.addPlainRule(withSentHost(rule), status, reply);
    remember(rule, CAME_ONCE);
    return id;
  }
  let id = number === CAME_ONCE ? FORGOTTEN : engine.addKnownRule(number, status, reply);
  if (id === FORGOTTEN) id = engine.addKnownRule(remember(rule, numberOfRule(withSentHost(rule))), status, reply);
  if (id === FAILED) throw JSON.parse(engine.lastError());
  return id;
}

function remember(rule: string, number: number): number {
  if (rule.length > LONGEST) return number;
  if (numbers.size >= LIMIT) numbers.clear();
  numbers.set(rule, number);
  return number;
}
