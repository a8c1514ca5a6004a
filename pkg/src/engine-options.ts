/** The options of a transport as the engine takes them. */

import type { Core } from "./core.js";
import type { EncodedOptions } from "./engine.js";
import { checkedChaos } from "./faults/chaos.js";
import type { CheckedDamage } from "./faults/damage.js";
import { encodedConcurrency } from "./limits/concurrency.js";
import { ratesOf } from "./limits/rate-limit.js";
import { encodeNumbers } from "./predicates.js";
import type { Reply } from "./reply/reply.js";

export interface EngineOptions {
  /** What crosses when the engine is made: nothing, where everything is as usual. */
  readonly encoded: EncodedOptions | undefined;
  /** What the rate limits of the whole transport refuse with; their numbers are their places. */
  readonly refusals: readonly Reply[];
  /** What chance may do to any reply. */
  readonly chaos: readonly CheckedDamage[] | undefined;
  /** Which date time begins at, in milliseconds since 1970. */
  readonly epoch: number;
}

const USUAL: EngineOptions = { encoded: undefined, refusals: [], chaos: undefined, epoch: Date.UTC(2025, 0) };

/** Functions among the options get numbers of this transport that stay. */
export function engineOptions(core: Core): EngineOptions {
  const { journal, redact, seed, concurrency, rateLimit, chaos, epoch, timing } = core.options;
  const isUsual =
    journal === undefined &&
    redact === undefined &&
    seed === undefined &&
    concurrency === undefined &&
    rateLimit === undefined &&
    chaos === undefined &&
    epoch === undefined &&
    timing !== "real";
  if (isUsual) return USUAL;
  const checked = checkedChaos("new MockTransport(): the option `chaos`", chaos ?? []);
  const rates = ratesOf(rateLimit, "new MockTransport(): the option `rateLimit`");
  const places = concurrency === undefined ? [] : encodedConcurrency(concurrency);
  // Where the platform moves the time, the date is the platform's.
  const begin = epoch?.valueOf() ?? (timing === "real" ? Date.now() : USUAL.epoch);
  const encoded: EncodedOptions = {
    json: JSON.stringify({ journal, redact, seed }),
    concurrency: encodeNumbers(core, places).numbers,
    rates: encodeNumbers(core, rates.flatMap((rate, number) => rate.encoded(number))).numbers,
    chaos: Float64Array.from(checked.shares),
    epoch: begin,
  };
  core.keepFunctions();
  return { encoded, refusals: rates.map(({ refusal }) => refusal), chaos: checked.damages, epoch: begin };
}
