/**
 * The package's second WebAssembly module: what no request needs while it is answered. All that is in
 * this folder shares it, and nothing else loads it.
 */

import * as glue from "mockwire-extras";
import base64 from "mockwire-extras/base64";
import { decode } from "../base64.js";

let isCompiled = false;

/** The machines, which decide. The first call compiles them, synchronously, in a few milliseconds. @internal */
export function machines(): typeof glue {
  if (!isCompiled) {
    glue.initSync({ module: new WebAssembly.Module(decode(base64)) });
    isCompiled = true;
  }
  return glue;
}
