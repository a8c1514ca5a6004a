/** What `build.mjs` puts in their places: the generated glue, and the module as text. */
declare module "mockwire-wasm" {
  export const Engine: {
    new (): object;
    withOptions(
      options: string,
      concurrency: Float64Array,
      rates: Float64Array,
      chaos: Float64Array,
      epoch: number,
    ): object;
    line(line: string): number;
    plainRule(rule: string): number;
    listen(
      test: (predicate: number, sequence: number) => boolean,
      read: (reading: number) => string | number,
      explain: (predicate: number) => readonly string[] | undefined,
    ): void;
    faultCode(fault: string): string;
    checkDamages(damages: Float64Array): void;
  };
  export const Player: {
    new (script: string, damages: Float64Array, seed: number, sequence: number): object;
    encodeEvent(event: string): Uint8Array<ArrayBuffer>;
  };
  export function initSync(options: { module: WebAssembly.Module }): unknown;
}

declare module "mockwire-wasm/base64" {
  const base64: string;
  export default base64;
}

declare module "mockwire-extras/base64" {
  const base64: string;
  export default base64;
}
