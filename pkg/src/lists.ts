/** Lists that most often have one item: each transport has several of them. */

export const NONE: [] = [];

/** The list with one more. Lists that begin with their first item take no room for many: most have only that. */
export function withOne<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}
