/** What `build.mjs` puts in their places: the generated glue, and the module as text. */
declare module "mockwire-wasm" {
  export const Engine: {
    new (): object;
    withOptions(options: string): object;
    line(line: string): number;
    plainRule(rule: string): number;
    listen(test: (predicate: number, sequence: number) => boolean): void;
  };
  export const Player: {
    new (script: string, seed: number, sequence: number): object;
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
