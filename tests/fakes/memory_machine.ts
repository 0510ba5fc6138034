/**
 * A whole node in memory: the real flows, slot store, boot environment and state store over a
 * {@linkcode MemoryDisk}, and the model of GRUB for what happens between two boots.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { GrubBootEnv } from "../../mod/boot/mod.ts";
import {
  activate,
  apply,
  type Artifact,
  type Boot,
  type HealthCheck,
  healthcheck,
  LABELS,
  type Mounts,
  type Node,
  type Partitions,
  type Policy,
  type Release,
  type Slot,
  SLOTS,
  sumsOf,
  UpdateError,
  type UpdateEvent,
  type UpdateSource,
} from "../../mod/core/mod.ts";
import { FileStateStore } from "../../mod/host/mod.ts";
import { PartitionSlotStore } from "../../mod/slots/mod.ts";
import { bootGrub } from "./grub_model.ts";
import { MemoryDisk } from "./memory_disk.ts";

export const STATE_PATH = "/var/lib/kubesolo/update/state.json";
const GRUB_DIRECTORY = `/mnt/${LABELS.efi}/grub`;
export const GRUBENV = `${GRUB_DIRECTORY}/grubenv`;
export const GRUBENV_BAK = `${GRUB_DIRECTORY}/grubenv.bak`;

/** Bytes between two marks of an interrupted download: small, so that there are several. */
const MARK_BYTES = 256;

/** A release with its bytes. */
export interface MemoryRelease {
  readonly release: Release;
  readonly bytes: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** A files release of a kernel and an initramfs of so many bytes. */
export function filesRelease(
  version: string,
  kernelBytes = 700,
  initramfsBytes = 900,
): MemoryRelease {
  return makeRelease(version, {
    "vmlinuz": noise(`kernel ${version}`, kernelBytes),
    "kubesolo-os.gz": noise(`initramfs ${version}`, initramfsBytes),
  });
}

/** An image release; its first bytes name its version, so that GRUB's side can tell. */
export function imageRelease(version: string, imageBytes = 96 << 10): MemoryRelease {
  return makeRelease(version, { image: noise(`image ${version}`, imageBytes) });
}

function makeRelease(
  version: string,
  files: Record<string, Uint8Array<ArrayBuffer>>,
): MemoryRelease {
  const artifacts = Object.entries(files).map(([name, bytes]) => ({
    name,
    sha256: sha256(bytes),
    size: bytes.length,
  })) as Artifact[];
  return {
    release: { version, channel: "stable", architecture: "x86_64", artifacts },
    bytes: new Map(artifacts.map(({ name, sha256 }) => [sha256, files[name]])),
  };
}

/** Deterministic bytes that do not repeat. */
function noise(seed: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0, n = 0; at < length; n++) {
    const block = createHash("sha256").update(`${seed} ${n}`).digest();
    bytes.set(block.subarray(0, length - at), at);
    at += block.length;
  }
  return bytes;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Offers one release, in small pieces. */
export function memorySource(offered: MemoryRelease, pieceBytes = 128): UpdateSource {
  return {
    name: "memory",
    latest: () => Promise.resolve(offered.release),
    open: (artifact, offset) => {
      const bytes = offered.bytes.get(artifact.sha256) as Uint8Array<ArrayBuffer>;
      let at = offset;
      const pieces: UnderlyingByteSource = {
        type: "bytes",
        pull(controller) {
          if (at >= bytes.length) {
            controller.close();
            controller.byobRequest?.respond(0);
            return;
          }
          controller.enqueue(bytes.slice(at, at + pieceBytes));
          at += pieceBytes;
        },
      };
      const stream = new ReadableStream(pieces);
      return Promise.resolve({ offset, size: bytes.length, stream });
    },
  };
}

/** Puts a release into a slot, complete, as the factory does. */
function fill(disk: MemoryDisk, slot: Slot, { release, bytes }: MemoryRelease): void {
  const [first] = release.artifacts;
  if (first.name === "image") {
    disk.put(devicePath(slot), bytes.get(first.sha256) as Uint8Array);
    return;
  }
  const directory = `/mnt/${LABELS[slot]}`;
  for (const { name, sha256 } of release.artifacts) {
    disk.put(`${directory}/${name}`, bytes.get(sha256) as Uint8Array);
  }
  disk.put(`${directory}/version`, `${release.version}\n`);
  disk.put(`${directory}/SHA256SUMS`, sumsOf(release.artifacts));
}

/** A disk as the factory leaves it: slot A confirmed, or else on trial, and `first` in both slots. */
export function factoryDisk(first: MemoryRelease, confirmed = true): MemoryDisk {
  const disk = new MemoryDisk();
  const success = confirmed ? 1 : 0;
  const block =
    `# GRUB Environment Block\nactive_slot=A\nboot_counter=3\nboot_success=${success}\n`;
  for (const path of [GRUBENV, GRUBENV_BAK]) disk.put(path, block.padEnd(1024, "#"));
  for (const slot of ["A", "B"] as const) fill(disk, slot, first);
  return disk;
}

function devicePath(slot: Slot): string {
  return `/dev/${LABELS[slot]}`;
}

/** What a slot holds: the version, where GRUB could boot it and every byte is right. */
export function completeVersion(
  disk: MemoryDisk,
  slot: Slot,
  known: readonly MemoryRelease[],
): string | undefined {
  const device = disk.get(devicePath(slot));
  const directory = `/mnt/${LABELS[slot]}`;
  for (const { release } of known) {
    const [first] = release.artifacts;
    const complete = first.name === "image"
      ? device !== undefined && sha256(device.subarray(0, first.size)) === first.sha256
      : release.artifacts.every(({ name, sha256: wanted }) => {
        const bytes = disk.get(`${directory}/${name}`);
        return bytes !== undefined && sha256(bytes) === wanted;
      });
    if (complete) return release.version;
  }
}

/** Whether GRUB would load the slot: its `SHA256SUMS` hold, or it has the superblock of an image. */
export function bootable(
  disk: MemoryDisk,
  slot: Slot,
  known: readonly MemoryRelease[],
): boolean {
  const device = disk.get(devicePath(slot));
  if (device) {
    return known.some(({ release, bytes }) => {
      const [first] = release.artifacts;
      const image = bytes.get(first.sha256) as Uint8Array;
      const superblock = image.subarray(1024, 1536);
      return first.name === "image" && superblock.every((byte, i) => byte === device[1024 + i]);
    });
  }
  const directory = `/mnt/${LABELS[slot]}`;
  const sums = disk.get(`${directory}/SHA256SUMS`);
  if (!sums) return false;
  const lines = new TextDecoder().decode(sums).split("\n").filter((line) => line !== "");
  const good = lines.filter((line) => {
    const bytes = disk.get(`${directory}/${line.slice(66)}`);
    return bytes !== undefined && sha256(bytes) === line.slice(0, 64);
  });
  // GRUB loads both files in any case
  const whole = ["vmlinuz", "kubesolo-os.gz"].every((name) => disk.get(`${directory}/${name}`));
  return whole && good.length === lines.length;
}

/** Lets GRUB choose, and write what it writes; undefined where nothing boots. */
export function powerUp(
  disk: MemoryDisk,
  bootNumber: number,
  known: readonly MemoryRelease[],
): Boot | undefined {
  const files = { grubenv: disk.get(GRUBENV) ?? null, backup: disk.get(GRUBENV_BAK) ?? null };
  const { grubenv, backup, started } = bootGrub(files, {
    A: bootable(disk, "A", known),
    B: bootable(disk, "B", known),
  });
  if (grubenv) disk.put(GRUBENV, grubenv);
  if (backup) disk.put(GRUBENV_BAK, backup);
  return started && { id: `boot-${bootNumber}`, ...started };
}

/** The node as the flows see it. */
export function memoryNode(
  disk: MemoryDisk,
  boot: Boot,
  known: readonly MemoryRelease[],
  events: UpdateEvent[] = [],
): Node {
  const partitions: Partitions = {
    find: (label) => Promise.resolve({ label, device: `/dev/${label}`, path: `/dev/${label}` }),
  };
  const mounts: Mounts = {
    using: (partition, _access, body) => {
      const slot = SLOTS.find((slot) => LABELS[slot] === partition.label);
      // an image has its version inside
      const image = slot && disk.get(devicePath(slot));
      const version = image && completeVersion(disk, slot, known);
      if (version) disk.put(`/mnt/${partition.label}/version`, `${version}\n`);
      return body(`/mnt/${partition.label}`);
    },
    mountedAt: () => Promise.resolve([]),
  };
  const reporter = { report: (event: UpdateEvent) => void events.push(event) };
  return {
    boot,
    slots: new PartitionSlotStore({
      disk,
      partitions,
      mounts,
      reporter,
      workDirectory: "/var/lib/kubesolo/update",
      markBytes: MARK_BYTES,
    }),
    bootEnv: new GrubBootEnv({ disk, place: (_access, body) => body(GRUB_DIRECTORY) }),
    states: new FileStateStore(disk, STATE_PATH),
    reporter,
    architecture: "x86_64",
    now: () => new Date("2026-06-01T12:00:00Z"),
    sleep: () => Promise.resolve(),
  };
}

/** Settings of a node that takes everything on its channel. */
export const POLICY: Policy = { channel: "stable", force: false, stallSeconds: 30 };

/** One boot of a node that updates itself, as its init would have it. */
export async function oneBoot(
  node: Node,
  source: UpdateSource,
  checks: readonly HealthCheck[],
  autoRollbackAfter?: number,
): Promise<"reboot" | "done"> {
  try {
    const patience = { timeoutSeconds: 30, deadlineSeconds: 0 };
    const { rolledBack } = await healthcheck(node, checks, { ...patience, autoRollbackAfter });
    if (rolledBack) return "reboot";
  } catch (error) {
    if (!(error instanceof UpdateError && error.code === "unhealthy")) throw error;
    return node.boot.why === "trial" ? "reboot" : "done";
  }
  try {
    const { result } = await apply(node, source, POLICY);
    if (result === "up_to_date") return "done";
  } catch (error) {
    if (!(error instanceof UpdateError && error.code === "refused")) throw error;
    return "done";
  }
  await activate(node, undefined);
  return "reboot";
}
