/**
 * Who makes the bytes of an environment block: GRUB's own tool where the node has it, else the codec.
 *
 * @module
 */

import { says } from "./_copies.ts";
import { BLOCK_BYTES, type BlockChanges, createBlock, editBlock } from "./block.ts";

/** Makes environment blocks; it never touches the files that GRUB reads. */
export interface BlockEditor {
  /**
   * A block of {@linkcode BLOCK_BYTES} with `changes` made in `block`; a new one is begun where
   * `block` is undefined.
   * @throws {UpdateError} `slot` where the values find no room.
   */
  edit(
    block: Uint8Array | undefined,
    changes: BlockChanges,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** The codec of this module: works on every node. */
export const ownEditor: BlockEditor = {
  edit(block, changes) {
    return Promise.resolve().then(() => editBlock(block ?? createBlock(), changes));
  },
};

/** Where `grub-editenv` may be; the first that runs is used. */
export const GRUB_EDITENV_PROGRAMS: readonly string[] = [
  "/usr/bin/grub-editenv",
  "/bin/grub-editenv",
];

/** A tool that takes longer than this many milliseconds is ended, and the codec does its work. */
const TOOL_LIMIT_MILLISECONDS = 10_000;

/** What {@linkcode GrubEditenv} works with. */
export interface GrubEditenvOptions {
  /** A directory of the agent's own, made where it is missing; best in memory. */
  readonly scratch: string;
  /** Absolute paths, {@linkcode GRUB_EDITENV_PROGRAMS} where not given. */
  readonly programs?: readonly string[];
}

/**
 * `grub-editenv`, the authority on the format, at work on a scratch file. Where it is missing or does
 * not do what was asked, the codec makes the same bytes.
 */
export class GrubEditenv implements BlockEditor {
  #scratch: string;
  #programs: readonly string[];

  /** Nothing is run until {@linkcode GrubEditenv.edit}. */
  constructor(options: GrubEditenvOptions) {
    this.#scratch = options.scratch;
    this.#programs = options.programs ?? GRUB_EDITENV_PROGRAMS;
  }

  /**
   * The edited block; the scratch file is gone afterwards.
   * @throws {UpdateError} `slot` where the values find no room.
   */
  async edit(
    block: Uint8Array | undefined,
    changes: BlockChanges,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const own = await ownEditor.edit(block, changes);
    for (const program of this.#programs) {
      const made = await this.#run(program, block, changes).catch(() => undefined);
      // an older or newer tool may word its comment differently: that is its right
      if (made?.length === BLOCK_BYTES && says(made, changes)) return made;
    }
    return own;
  }

  async #run(
    program: string,
    block: Uint8Array | undefined,
    changes: BlockChanges,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    await Deno.mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    const file = `${this.#scratch}/grubenv.scratch`;
    const entries = Object.entries(changes);
    const set = entries.filter(([, value]) => value !== undefined).map((pair) => pair.join("="));
    const unset = entries.filter(([, value]) => value === undefined).map(([name]) => name);
    try {
      // the tool refuses to edit what is not a block: it has to make one first
      if (block) await Deno.writeFile(file, block, { mode: 0o600 });
      else if (!await succeeds(program, [file, "create"])) return;
      if (unset.length && !await succeeds(program, [file, "unset", ...unset])) return;
      if (set.length && !await succeeds(program, [file, "set", ...set])) return;
      return await Deno.readFile(file);
    } finally {
      await Deno.remove(file).catch(() => {});
    }
  }
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  const { success } = await new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(TOOL_LIMIT_MILLISECONDS),
  }).output();
  return success;
}
