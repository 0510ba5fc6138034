/**
 * Signatures of files, written beside them.
 *
 * @module
 */

import { MAX_SIGNATURE_FILE_BYTES, reasonOf, UpdateError } from "../core/mod.ts";
import {
  MAX_KEY_FILE_BYTES,
  parseSignatures,
  PassphraseNeeded,
  PrivateKey,
  type SignatureFormat,
  signatureSuffix,
  signFile,
  WrongPassphrase,
} from "../trust/mod.ts";
import { readIfThere, readOperatorFile, writeOperatorFile } from "./operator_files.ts";
import { askPassphrase, passphraseIn } from "./passphrase.ts";

/** Most bytes of a file that is signed or checked: metadata are small. */
export const MAX_SIGNED_BYTES = 64 << 20;

/** What `sign` was told. */
export interface SignFlags {
  readonly key: string;
  readonly format: SignatureFormat;
  readonly trustedComment?: string;
  readonly add: boolean;
  readonly passphraseFile?: string;
}

/**
 * Resolves with the key's id and the files that have the signatures now.
 *
 * @throws {UpdateError} `usage` where key or files cannot be used.
 */
export async function signFiles(
  files: readonly string[],
  { format, add, trustedComment, ...flags }: SignFlags,
): Promise<{ id: string; signatures: readonly string[] }> {
  const key = await readPrivateKey(flags.key, flags.passphraseFile);
  const signatures: string[] = [];
  for (const file of files) {
    const message = await readOperatorFile("FILE", file, MAX_SIGNED_BYTES);
    const path = file + signatureSuffix(format);
    const before = add ? await signaturesIn(path) : new Uint8Array();
    const signature = signFile(key, message, format, trustedComment ?? comment(file));
    await writeOperatorFile("FILE", path, new Uint8Array([...before, ...signature]));
    signatures.push(path);
  }
  return { id: key.publicKey.id, signatures };
}

/** What is there, with the line feed that another signature needs before it. */
async function signaturesIn(path: string): Promise<Uint8Array> {
  const bytes = await readIfThere("FILE", path, MAX_SIGNATURE_FILE_BYTES) ?? new Uint8Array();
  if (bytes.length === 0) return bytes;
  try {
    const [{ bytes: raw }] = parseSignatures(bytes);
    if (raw.length === bytes.length) return new TextEncoder().encode(`${raw.toBase64()}\n`);
  } catch (error) {
    throw unusable("FILE", `${path}: ${reasonOf(error)}`, "remove it, or leave --add out", error);
  }
  return bytes.at(-1) === 10 ? bytes : new Uint8Array([...bytes, 10]);
}

async function readPrivateKey(path: string, passphraseFile?: string): Promise<PrivateKey> {
  const text = new TextDecoder().decode(await readOperatorFile("--key", path, MAX_KEY_FILE_BYTES));
  const given = passphraseFile === undefined ? undefined : await passphraseIn(passphraseFile);
  try {
    return PrivateKey.parse(text, given);
  } catch (error) {
    const asked = error instanceof PassphraseNeeded
      ? askPassphrase(`Passphrase of ${path}`)
      : undefined;
    if (asked === undefined) throw wrongKey(path, error);
    try {
      return PrivateKey.parse(text, asked);
    } catch (error) {
      throw wrongKey(path, error);
    }
  }
}

function wrongKey(path: string, cause: unknown): UpdateError {
  const advice = cause instanceof PassphraseNeeded
    ? "give --passphrase-file, or run it at a terminal"
    : cause instanceof WrongPassphrase
    ? "give the one that it was made with"
    : "name a private key that `keygen`, openssl or minisign has made";
  return unusable("--key", `${path}: ${reasonOf(cause)}`, advice, cause);
}

function unusable(flag: string, found: string, advice: string, cause: unknown): UpdateError {
  return new UpdateError("usage", { operation: `reading ${flag}`, found, advice, cause });
}

/** What minisign itself writes there. */
function comment(file: string): string {
  const seconds = Math.floor(Date.now() / 1000);
  return `timestamp:${seconds}\tfile:${file.slice(file.lastIndexOf("/") + 1)}`;
}
