/** Damage by chance. */

import { InvalidArgumentError, shown } from "../errors.js";
import { type CheckedDamage, checkedDamage, type Damage } from "./damage.js";

/**
 * Damage by chance, drawn from the transport's `seed` for each request: each to such a share of them, 0.1
 * being every tenth. A request meets one at most; together the shares are 1 at most.
 *
 * @example
 * new MockTransport({ seed: 7, chaos: [{ share: 0.2, damage: { status: 503 } }, { share: 0.1, damage: "malformed" }] });
 */
export type Chaos = ReadonlyArray<{ readonly share: number; readonly damage: Damage }>;

/** A chaos whose damages were checked; the engine checks the shares, and draws. */
export interface CheckedChaos {
  readonly shares: readonly number[];
  readonly damages: readonly CheckedDamage[];
}

export function checkedChaos(where: string, chaos: Chaos): CheckedChaos {
  const isChance = (chance: Chaos[number] | null | undefined) => typeof chance?.share === "number" && "damage" in chance;
  if (!Array.isArray(chaos) || !chaos.every(isChance)) {
    throw new InvalidArgumentError(`${where} takes an array of { share, damage }, not ${shown(chaos)}`);
  }
  const damages = (chaos as Chaos).map(({ damage }) => checkedDamage(where, damage));
  return { shares: (chaos as Chaos).map(({ share }) => share), damages };
}
