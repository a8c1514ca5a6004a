/** What a timeline leaves out. */

type Present<T extends object> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The properties that say something: neither nothing, nor zero, nor an empty list. */
export function present<T extends object>(given: T, says: (value: unknown) => boolean = isSome): Present<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => says(value))) as Present<T>;
}

/** Of times, zero says something. */
export function isTime(value: unknown): boolean {
  return value !== undefined;
}

function isSome(value: unknown): boolean {
  return value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0);
}
