// Builds dist/ from src/ and wasm/: for each entry point that package.json exports, one bundle for
// `import`, one for `require`, and their types.
//
// `wasm/` holds what `cargo xtask pack` generates: two modules with their wasm-bindgen glue. They go into
// the bundles as text, so that one import works everywhere: the engine into `index.js`, the other one into
// `extras.js`, which all entry points in src/extras share.

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

/** What stands for the generated files in src/, by the names of those. */
const MODULES = { "mockwire-wasm": "mockwire", "mockwire-extras": "extras" };

/** The entry points besides the main one: `./cache` of package.json is src/extras/cache.ts. */
const EXTRAS = Object.keys(JSON.parse(readFileSync(at("package.json"), "utf8")).exports)
  .filter((name) => name !== "." && name !== "./package.json")
  .map((name) => name.slice("./".length));

/** Puts the generated files in their places. */
const modules = {
  name: "modules",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^mockwire-\w+$/ }, ({ path }) => ({
      path: at("wasm", `${MODULES[path]}.js`),
      namespace: "glue",
    }));
    onResolve({ filter: /^mockwire-\w+\/base64$/ }, ({ path }) => ({
      path: at("wasm", `${MODULES[dirname(path)]}_bg.wasm`),
      namespace: "base64",
    }));
    onLoad({ filter: /.*/, namespace: "glue" }, ({ path }) => ({
      contents: withFasterStrings(readFileSync(path, "utf8")),
    }));
    onLoad({ filter: /.*/, namespace: "base64" }, ({ path }) => ({ contents: readFileSync(path), loader: "base64" }));
  },
};

/**
 * Leaves to the main bundle, and to the one with the second module, what is theirs: a class is one class,
 * whichever entry point it comes from.
 */
const shared = (extension) => ({
  name: "shared",
  setup({ onResolve }) {
    onResolve({ filter: /^(\.\.\/)+index\.js$/ }, () => ({ path: `./index${extension}`, external: true }));
    onResolve({ filter: /\/machines\.js$/ }, () => ({ path: `./extras${extension}`, external: true }));
  },
});

async function bundle(source, name, format) {
  const extension = format === "esm" ? ".js" : ".cjs";
  const outfile = `${name}${extension}`;
  const { metafile } = await build({
    entryPoints: [at("src", source)],
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
    metafile: true,
    absWorkingDir: root,
    plugins: name === "index" ? [modules] : [modules, shared(extension)],
  });
  const code = readFileSync(at("dist", outfile), "utf8");
  for (const forbidden of ["import.meta", /require\((?!"\.\/)/, "process.env"]) {
    if (code.search(forbidden) >= 0)
      throw new Error(`dist/${outfile} contains \`${forbidden}\`, which does not work everywhere`);
  }
  if (name !== "index" && "src/errors.ts" in metafile.inputs)
    throw new Error(`dist/${outfile} has error classes of its own: import them from "../index.js"`);
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

for (const module of Object.values(MODULES)) {
  for (const file of [`${module}.js`, `${module}_bg.wasm`]) {
    if (!existsSync(at("wasm", file))) throw new Error(`pkg/wasm/${file} is not there: run \`cargo xtask pack\``);
  }
}
rmSync(at("dist"), { recursive: true, force: true });
mkdirSync(at("dist"), { recursive: true });
for (const format of ["esm", "cjs"]) {
  await bundle("index.ts", "index", format);
  await bundle("extras/machines.ts", "extras", format);
  for (const name of EXTRAS) await bundle(`extras/${name}.ts`, name, format);
}
declarations();
for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) copyFileSync(at("..", licence), at("dist", licence));
