// Builds dist/ from src/ and wasm/: one bundle for `import`, one for `require`, and their types.
//
// `wasm/` holds what `cargo xtask pack` generates: the wasm-bindgen glue and the module itself, which
// goes into the bundles as text, so that one import works everywhere.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(root, ...parts);

/**
 * The generated glue copies a string into wasm memory character by character as long as it is ASCII,
 * which is slower than `encodeInto` for all but the shortest. This sends the longer ones there at once.
 */
function withFasterStrings(glue) {
  const signature = "function passStringToWasm0(arg, malloc, realloc) {\n";
  const start = glue.indexOf(signature);
  const slowPath = glue.indexOf("let len = arg.length;", start);
  if (start < 0 || slowPath < 0 || !glue.includes("cachedTextEncoder.encodeInto", start)) {
    throw new Error("the wasm-bindgen glue has changed: look at `passStringToWasm0` and adapt `withFasterStrings`");
  }
  const fastPath = `if (realloc !== undefined && arg.length >= 24) {
        const room = arg.length * 3;
        const from = malloc(room, 1) >>> 0;
        const { written } = cachedTextEncoder.encodeInto(arg, getUint8ArrayMemory0().subarray(from, from + room));
        WASM_VECTOR_LEN = written;
        return realloc(from, room, written, 1) >>> 0;
    }
    `;
  return glue.slice(0, slowPath) + fastPath + glue.slice(slowPath);
}

/** Puts the generated files in the places of the modules that `src/wasm.d.ts` declares. */
const engine = {
  name: "engine",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^mockwire-wasm$/ }, () => ({ path: at("wasm", "mockwire.js"), namespace: "glue" }));
    onResolve({ filter: /^mockwire-wasm\/base64$/ }, () => ({
      path: at("wasm", "mockwire_bg.wasm"),
      namespace: "base64",
    }));
    onLoad({ filter: /.*/, namespace: "glue" }, ({ path }) => ({
      contents: withFasterStrings(readFileSync(path, "utf8")),
    }));
    onLoad({ filter: /.*/, namespace: "base64" }, ({ path }) => ({ contents: readFileSync(path), loader: "base64" }));
  },
};

async function bundle(format, outfile) {
  await build({
    entryPoints: [at("src", "index.ts")],
    tsconfig: at("tsconfig.json"),
    outfile: at("dist", outfile),
    bundle: true,
    format,
    target: "es2022",
    platform: "neutral",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    plugins: [engine],
  });
  const code = readFileSync(at("dist", outfile), "utf8");
  for (const forbidden of ["import.meta", "require(", "process.env"]) {
    if (code.includes(forbidden))
      throw new Error(`dist/${outfile} contains \`${forbidden}\`, which does not work everywhere`);
  }
}

/** Declarations for `import`, and the same ones named for `require`. */
function declarations() {
  execFileSync(
    process.execPath,
    [at("node_modules", "typescript", "bin", "tsc"), "--project", root, "--outDir", at("dist", "types")],
    {
      stdio: "inherit",
    },
  );
  cpSync(at("dist", "types"), at("dist", "types-cjs"), { recursive: true });
  for (const file of readdirSync(at("dist", "types-cjs"), { recursive: true })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = at("dist", "types-cjs", file);
    writeFileSync(path, readFileSync(path, "utf8").replace(/(from |import\()"(\.[^"]*)\.js"/g, '$1"$2.cjs"'));
    renameSync(path, path.replace(/\.d\.ts$/, ".d.cts"));
  }
}

for (const file of ["mockwire.js", "mockwire_bg.wasm"]) {
  if (!existsSync(at("wasm", file))) throw new Error(`pkg/wasm/${file} is not there: run \`cargo xtask pack\``);
}
rmSync(at("dist"), { recursive: true, force: true });
mkdirSync(at("dist"), { recursive: true });
await bundle("esm", "index.js");
await bundle("cjs", "index.cjs");
declarations();
for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) copyFileSync(at("..", licence), at("dist", licence));
