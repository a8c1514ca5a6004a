//! `cargo xtask pack`: from the Rust source to `target/npm/mockwire-<version>.tgz`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::hash::{self, Key};
use crate::sh::Cmd;
use crate::ui::{self, Align};
use crate::wasm_target::{self, TARGET, Toolchain};
use crate::{bindgen, lock, npm, paths};

/// What the code may use beyond the first wasm: what rustc turns on for this target. Named here so
/// that wasm-opt does not depend on a section that says so.
const WASM_FEATURES: [&str; 6] = [
    "bulk-memory",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
];

/// Arguments of the linker that leave out multi-value, so that wasm-bindgen does not use it: V8 compiles
/// the calls of functions with several results with its optimising compiler, all of them when it compiles
/// the module, which takes as long as the module itself.
const PLAIN_CALLS: [&str; 2] = [
    "--no-check-features",
    "--features=bulk-memory,mutable-globals,nontrapping-fptoint,reference-types,sign-ext",
];

/// A module of the package: the feature that it is built with, and what its files are named after.
struct Module {
    feature: &'static str,
    name: &'static str,
    /// How far it is optimised: for size, or for size before anything else.
    level: &'static str,
}

/// The engine, which the first transport compiles; and the rest, which whoever needs it compiles.
const MODULES: [Module; 2] = [
    Module {
        feature: "js",
        name: "mockwire",
        level: "s",
    },
    Module {
        feature: "js-extras",
        name: "extras",
        level: "z",
    },
];

impl Module {
    /// What the package takes in.
    fn file(&self) -> PathBuf {
        paths::at("pkg/wasm").join(format!("{}_bg.wasm", self.name))
    }
}

/// Builds the package unless the last one is still good, and says how large it is.
pub(crate) fn run() -> Result<()> {
    sizes(&tarball()?)
}

/// Builds the package, or finds that the last one is still good, and returns the tarball.
pub(crate) fn tarball() -> Result<PathBuf> {
    let toolchain = wasm_target::ensure()?;
    let _lock = lock::take("pack")?;
    let stamp = paths::at("target/npm/key");
    let key = key(&toolchain)?;
    let version = version();
    if let Ok(version) = &version {
        let tarball = named(version);
        if hash::is_current(&stamp, &key)
            && tarball.exists()
            && built().exists()
            && MODULES.iter().all(|module| module.file().exists())
        {
            ui::note(&format!(
                "nothing has changed since {}",
                paths::shown(&tarball)
            ));
            return Ok(tarball);
        }
    }
    wasm(&toolchain)?;
    npm::ci("pkg")?;
    MODULES.iter().try_for_each(optimise)?;
    Cmd::new("npm")
        .words("run build")
        .dir(paths::at("pkg"))
        .run()?;
    let tarball = named(&version?);
    std::fs::create_dir_all(paths::at("target/npm"))?;
    Cmd::new("npm")
        .words("pack --ignore-scripts --pack-destination")
        .arg(paths::at("target/npm"))
        .dir(paths::at("pkg"))
        .run()?;
    ensure!(
        tarball.exists(),
        "npm pack has not written {}",
        paths::shown(&tarball)
    );
    std::fs::write(&stamp, &key)?;
    Ok(tarball)
}

/// The directory that `npm run build` fills.
fn built() -> PathBuf {
    paths::at("pkg/dist")
}

fn named(version: &str) -> PathBuf {
    paths::at("target/npm").join(format!("mockwire-{version}.tgz"))
}

fn version() -> Result<String> {
    let text = std::fs::read_to_string(paths::at("pkg/package.json"))
        .context("reading pkg/package.json")?;
    let manifest: Value = serde_json::from_str(&text).context("reading pkg/package.json")?;
    Ok(manifest["version"]
        .as_str()
        .context("pkg/package.json has no version")?
        .to_owned())
}

/// Everything that the tarball is made of, and what it is made with.
fn key(toolchain: &Toolchain) -> Result<String> {
    let root = paths::root();
    let mut key = Key::new()
        .bytes(toolchain.identity()?.as_bytes())
        .bytes(bindgen::key()?.as_bytes())
        .tree(&root, &paths::at("src"), &[])?
        .tree(&root, &paths::at("pkg"), &["node_modules", "dist", "wasm"])?;
    let files = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "CHANGELOG.md",
        "xtask/src/pack.rs",
    ];
    for file in files.into_iter().chain(["LICENSE-MIT", "LICENSE-APACHE"]) {
        key = key.file(&root, &paths::at(file))?;
    }
    Ok(key.finish())
}

/// Compiles the library, once for each module, and makes its JavaScript glue.
fn wasm(toolchain: &Toolchain) -> Result<()> {
    let bindgen = bindgen::ensure()?;
    let out = paths::at("pkg/wasm");
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    MODULES
        .iter()
        .try_for_each(|module| compile(module, toolchain, &bindgen.cli, &out))
}

fn compile(module: &Module, toolchain: &Toolchain, bindgen: &Path, out: &Path) -> Result<()> {
    // `--crate-type` here and not in Cargo.toml: with more than one crate type there, cargo leaves
    // out link-time optimisation without a word.
    let build = "rustc --locked --release --lib --crate-type cdylib --features";
    toolchain
        .cargo(build)?
        .arg(module.feature)
        .arg("--target")
        .arg(TARGET)
        .env("CARGO_ENCODED_RUSTFLAGS", options()?)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", module.level)
        .run()?;
    // Without a default module path, no `import.meta` gets into the CommonJS bundle.
    Cmd::new(bindgen)
        .words("--target web --omit-default-module-path --out-name")
        .arg(module.name)
        .arg("--out-dir")
        .arg(out)
        .arg(
            paths::wasm_target_dir()
                .join(TARGET)
                .join("release/mockwire.wasm"),
        )
        .run()
}

/// Options of the compiler. They also keep the directories of this machine out of the panic messages.
fn options() -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let crates = home
        .context("there is no home directory")?
        .join("registry/src");
    let mut options = vec![format!("--remap-path-prefix={}=.", paths::root().display())];
    options.extend(PLAIN_CALLS.map(|argument| format!("-Clink-arg={argument}")));
    // One directory for each registry, named after it.
    for registry in std::fs::read_dir(&crates).into_iter().flatten() {
        let registry = registry?.path();
        options.push(format!("--remap-path-prefix={}=crates", registry.display()));
    }
    Ok(options.join("\u{1f}"))
}

/// Keeps functions with one caller apart, as the compiler has left them: what hot code calls rarely would be
/// compiled with it.
const COLD_APART: &str = "--one-caller-inline-max-function-size=0";

/// Makes a module smaller and faster, in place.
fn optimise(module: &Module) -> Result<()> {
    let wasm_opt = paths::at("pkg/node_modules/.bin/wasm-opt");
    ensure!(
        wasm_opt.exists(),
        "pkg/package.json does not name `binaryen` among devDependencies"
    );
    let wasm = module.file();
    let smaller = wasm.with_extension("opt");
    let features = WASM_FEATURES.map(|name| format!("--enable-{name}"));
    Cmd::new(wasm_opt)
        .words("-O2 --strip-debug --strip-producers")
        .arg(COLD_APART)
        .words(&features.join(" "))
        .arg(&wasm)
        .arg("-o")
        .arg(&smaller)
        .run()?;
    Ok(std::fs::rename(&smaller, &wasm)?)
}

/// Prints what a user will load, as it lies on disk and as it travels.
fn sizes(tarball: &Path) -> Result<()> {
    const SCRIPT: &str = "const fs = require('fs'), zlib = require('zlib');\
        for (const file of process.argv.slice(1)) {\
            const bytes = fs.readFileSync(file);\
            console.log(bytes.length, zlib.gzipSync(bytes, { level: 9 }).length);\
        }";
    let is_code = |file: &PathBuf| {
        let name = file.to_string_lossy();
        [".js", ".mjs", ".cjs", ".wasm"]
            .iter()
            .any(|ending| name.ends_with(ending))
    };
    let mut files: Vec<_> = MODULES.iter().map(Module::file).collect();
    files.extend(
        hash::files_below(&built(), &[])?
            .into_iter()
            .filter(is_code),
    );
    let measure = files
        .iter()
        .fold(Cmd::new("node").words("-e").arg(SCRIPT), Cmd::arg);
    let measured = measure.read()?;
    let heading = ["file", "bytes", "gzip"].map(str::to_owned).to_vec();
    let mut rows = vec![heading];
    for (file, figures) in files.iter().zip(measured.lines()) {
        let mut row = vec![paths::shown(file)];
        row.extend(figures.split(' ').map(str::to_owned));
        rows.push(row);
    }
    let packed = std::fs::metadata(tarball)?.len().to_string();
    rows.push(vec![paths::shown(tarball), packed, String::from("-")]);
    ui::table(&[Align::Left, Align::Right, Align::Right], &rows);
    Ok(())
}
