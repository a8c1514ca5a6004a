/** Where cassettes are kept: on Node's file system, unless the host has something else. */

import { CassetteError } from "./errors.js";

/** A place for files. Whoever has no Node, or wants cassettes elsewhere, gives one of their own. */
export interface CassetteFiles {
  /** The bytes of a file; `undefined` when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Replaces a file by what `change` makes of its bytes, in one step, so that nobody ever sees half of it;
   * and nobody else may change it meanwhile. Where `change` throws, the file stays as it is.
   */
  update(path: string, change: (now: Uint8Array | undefined) => string): Promise<void>;
}

/** What is used of Node. */
interface NodeFiles {
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
  open(path: string, flags: "wx"): Promise<NodeFile>;
  readFile(path: string): Promise<Uint8Array>;
  realpath(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly force: true }): Promise<void>;
  stat(path: string): Promise<{ readonly mode: number }>;
}

interface NodeFile {
  chmod(mode: number): Promise<void>;
  close(): Promise<void>;
  sync(): Promise<void>;
  writeFile(text: string): Promise<void>;
}

/** How long to wait for whoever else is writing, and how often to look. */
const PAUSE = 10;
const PAUSES = 1000;

/** Node's files, as those of the crate: the new file is made beside the old one, and takes its place. */
export const nodeFiles: CassetteFiles = {
  async read(path) {
    const fs = await node();
    return named(path, "UNREADABLE", () => existing(fs, path));
  },

  async update(path, change) {
    const fs = await node();
    await named(path, "UNWRITABLE", async () => {
      // Through a symbolic link: the file is replaced, not the link.
      const target = await fs.realpath(path).catch(() => path);
      await fs.mkdir(directory(target), { recursive: true });
      const lock = `${target}.lock`;
      const file = await locked(fs, path, lock);
      let isPlaced = false;
      try {
        const now = await existing(fs, target);
        const text = change(now);
        if (now !== undefined && text === new TextDecoder("utf-8", { ignoreBOM: true }).decode(now)) return;
        await file.writeFile(text);
        if (now !== undefined) await file.chmod((await fs.stat(target)).mode);
        await file.sync();
        await file.close();
        await fs.rename(lock, target);
        isPlaced = true;
      } finally {
        await file.close().catch(() => {});
        if (!isPlaced) await fs.rm(lock, { force: true });
      }
    });
  },
};

/** Loaded when it is needed, and in no way that a bundler for browsers would follow. */
async function node(): Promise<NodeFiles> {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): NodeFiles | undefined } };
  const load = (name: string): Promise<NodeFiles> => import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  return process?.getBuiltinModule?.("node:fs/promises") ?? load("node:fs/promises");
}

async function existing(fs: NodeFiles, path: string): Promise<Uint8Array | undefined> {
  try {
    return await fs.readFile(path);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The new file, which only one can make. */
async function locked(fs: NodeFiles, path: string, lock: string): Promise<NodeFile> {
  for (let pause = 0; pause < PAUSES; pause += 1) {
    try {
      return await fs.open(lock, "wx");
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
  throw new CassetteError(
    "MOCKWIRE_CASSETTE_LOCKED",
    `the cassette ${path} is being written by somebody else: if nobody is, a process has died doing it, and ${lock} is to be deleted`,
  );
}

/** Whatever the file system says, with the path and a code. */
async function named<T>(path: string, code: "UNREADABLE" | "UNWRITABLE", work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isOfSystem(cause)) throw cause;
    const word = code === "UNREADABLE" ? "read" : "written";
    throw new CassetteError(`MOCKWIRE_CASSETTE_${code}`, `the cassette ${path} cannot be ${word}: ${cause.message}`, { cause });
  }
}

function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && typeof (error as { syscall?: unknown }).syscall === "string";
}

function directory(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end < 0 ? "." : path.slice(0, end + 1);
}
