/**
 * Does a medium hold as much as it says?
 *
 * @module
 */

import { createHash } from "node:crypto";
import { UpdateError } from "../core/mod.ts";
import type { Medium } from "./medium.ts";
import { sizeForPeople } from "./size_for_people.ts";

/** Bytes of one probe: what flash memory writes at once. */
const PROBE_BYTES = 4096;

/** The first power of two that is probed. */
const FIRST_POWER = 1 << 20;

/** Probes that lie evenly between beginning and end. */
const EVENLY = 32;

/**
 * Resolves when the medium has shown that it keeps different blocks apart, from its first to its last.
 * Media that were made to lie drop what lies behind their end, or write it over what is at the
 * beginning: a block at each power of two, and at the beginning itself, meets those that drop the upper
 * bits of an address. What was on the medium is destroyed.
 *
 * @throws {UpdateError} `verification` naming the first place that does not read back; what `signal` throws.
 */
export async function probeCapacity(medium: Medium, signal?: AbortSignal): Promise<void> {
  const nonce = crypto.randomUUID();
  const places = probePlaces(medium.size);
  for (const offset of places) medium.write(offset, probe(nonce, offset));
  await medium.sync();
  for (const offset of places) {
    signal?.throwIfAborted();
    if (!await holds(medium, offset, probe(nonce, offset))) {
      throw new UpdateError("verification", {
        operation: `testing ${medium.name}`,
        found: `what was written at ${sizeForPeople(offset)} of ${
          sizeForPeople(medium.size)
        } reads back otherwise`,
        advice: "it is worn out, or holds less than it says: use another one",
      });
    }
  }
}

/** Where probes lie, in order. */
function probePlaces(size: number): number[] {
  const last = Math.floor(size / PROBE_BYTES - 1) * PROBE_BYTES;
  const places = new Set([0, last]);
  for (let power = FIRST_POWER; power <= last; power *= 2) places.add(power);
  for (let part = 1; part < EVENLY; part++) {
    places.add(Math.floor(last / PROBE_BYTES / EVENLY * part) * PROBE_BYTES);
  }
  return [...places].sort((one, other) => one - other);
}

/** Bytes that are like no other place's, and no boot sector: its last two would be 0x55 and 0xaa. */
function probe(nonce: string, offset: number): Uint8Array {
  const one = createHash("sha256").update(`${nonce} ${offset}`).digest();
  const bytes = new Uint8Array(PROBE_BYTES);
  for (let at = 0; at < PROBE_BYTES; at += one.length) bytes.set(one, at);
  bytes.fill(0, 510, 512);
  return bytes;
}

async function holds(medium: Medium, offset: number, wanted: Uint8Array): Promise<boolean> {
  const wantedDigest = createHash("sha256").update(wanted).digest("hex");
  const hash = createHash("sha256");
  for await (const bytes of medium.readBack(offset, wanted.length)) hash.update(bytes);
  return hash.digest("hex") === wantedDigest;
}
