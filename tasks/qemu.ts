/**
 * QEMU as a process: its arguments, its sockets, its start.
 *
 * @module
 */

import { reasonOf } from "../mod/core/mod.ts";
import type { Architecture } from "./elf.ts";
import { MACHINES } from "./machines.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";

/** Address of the host as a guest with a network sees it. */
export const HOST_ADDRESS = "10.0.2.2";

const DEFAULT_MEMORY_MEGABYTES = 512;

/** A QEMU that has not connected after this many seconds will not. */
const START_LIMIT_SECONDS = 60;

/** Bytes of QEMU's own messages that are kept for errors. */
const MAX_MESSAGE_BYTES = 4096;

/** The hardware of a machine. */
export interface QemuOptions {
  /** Path of a raw disk image; the guest writes to it. */
  readonly disk: string;
  /** Writes of the guest are forgotten when it ends. */
  readonly snapshot?: boolean;
  /** The guest cannot write to its disk. */
  readonly readOnly?: boolean;
  /** x86_64 where it is left out. */
  readonly architecture?: Architecture;
  /** UEFI firmware, or none: a BIOS, or on aarch64 QEMU itself (`-kernel`). aarch64 has it unless false. */
  readonly uefi?: boolean;
  /** Megabytes of memory. */
  readonly memory?: number;
  /** User networking: the guest reaches servers of the host at {@linkcode HOST_ADDRESS}. */
  readonly network?: boolean;
  /** With a network: a TCP port of the guest, and the port of the host's loopback that leads there. */
  readonly forward?: { readonly host: number; readonly guest: number };
  /** A reset by the guest ends QEMU, so that the disk can be looked at between two boots. */
  readonly noReboot?: boolean;
  /** `tcg` emulates, works everywhere, and is the default; `kvm` wants /dev/kvm. */
  readonly accelerator?: "tcg" | "kvm";
  /** More arguments for QEMU. */
  readonly more?: readonly string[];
}

/** What QEMU told of the machine so far. */
export interface QemuEvents {
  /** Why it ended: `guest-reset`, `guest-shutdown`, … */
  shutdown?: string;
}

/** A QEMU that runs. */
export interface Qemu {
  readonly child: Deno.ChildProcess;
  readonly serial: Deno.Conn;
  readonly qmp: Qmp;
  /** Its sockets and its firmware's variables; to be removed when it is gone. */
  readonly directory: string;
  /** What it printed, when it is gone. */
  readonly message: Promise<string>;
  readonly events: QemuEvents;
}

/**
 * Resolves when QEMU runs with its serial line connected. Both sockets are ours and QEMU connects to
 * them, so that not one byte is missed.
 *
 * @throws {Error} with QEMU's words where it does not start.
 */
export async function startQemu(options: QemuOptions): Promise<Qemu> {
  const { architecture = "x86_64" } = options;
  const machine = MACHINES[architecture];
  const firmware = options.uefi ?? architecture === "aarch64" ? machine.firmware : undefined;
  const directory = await Deno.makeTempDir({ prefix: "vm-" });
  const sockets: Deno.Listener[] = [];
  try {
    for (const name of ["serial", "qmp"]) {
      sockets.push(Deno.listen({ transport: "unix", path: `${directory}/${name}` }));
    }
    if (firmware) await Deno.copyFile(firmware.variables, `${directory}/variables`);
    const child = new Deno.Command(machine.qemu, {
      args: [
        ...machine.arguments,
        ...firmware ? firmwareArguments(firmware.code, directory) : [],
        ...qemuArguments(options, directory),
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const message = readMessage(child.stderr);
    const events: QemuEvents = {};
    const connections: Deno.Conn[] = [];
    try {
      const [serial, control] = await connected(sockets, child, connections);
      const qmp = await Qmp.greet(control, (event) => record(events, event));
      return { child, serial, qmp, directory, message, events };
    } catch (error) {
      end(child);
      await child.status;
      connections.forEach(close);
      throw new Error(`QEMU did not start: ${await message || reasonOf(error)}`, { cause: error });
    }
  } catch (error) {
    await Deno.remove(directory, { recursive: true });
    throw error;
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** SIGKILL, where the process has not ended already. */
export function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // it ended by itself in this moment
  }
}

async function connected(
  sockets: readonly Deno.Listener[],
  child: Deno.ChildProcess,
  connections: Deno.Conn[],
): Promise<Deno.Conn[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no connection for ${START_LIMIT_SECONDS} seconds`)),
      START_LIMIT_SECONDS * 1000,
    );
  });
  const over = child.status.then(({ code }) => {
    throw new Error(`it ended with code ${code}`);
  });
  const accepted = Promise.all(sockets.map(async (socket) => {
    const connection = await socket.accept();
    connections.push(connection);
    return connection;
  }));
  try {
    return await Promise.race([accepted, over, late]);
  } finally {
    clearTimeout(timer);
    over.catch(() => {});
    accepted.catch(() => {});
  }
}

function qemuArguments(options: QemuOptions, directory: string): string[] {
  const drive = [
    "if=virtio",
    "format=raw",
    `file=${options.disk.replaceAll(",", ",,")}`,
    // the host outlives every cut of the guest's power, so that its cache is as good as a disk
    "cache=unsafe",
    ...(options.snapshot ? ["snapshot=on"] : []),
    ...(options.readOnly ? ["readonly=on"] : []),
  ].join(",");
  const { forward } = options;
  const forwarding = forward ? `,hostfwd=tcp:127.0.0.1:${forward.host}-:${forward.guest}` : "";
  return [
    ...["-accel", options.accelerator ?? "tcg", "-display", "none"],
    ...["-m", String(options.memory ?? DEFAULT_MEMORY_MEGABYTES)],
    ...["-nodefaults", "-no-user-config"],
    ...["-chardev", `socket,id=serial,path=${directory}/serial`, "-serial", "chardev:serial"],
    ...["-qmp", `unix:${directory}/qmp`],
    ...["-drive", drive],
    ...(options.network
      ? ["-netdev", `user,id=net${forwarding}`, "-device", "virtio-net-pci,netdev=net,romfile="]
      : ["-nic", "none"]),
    ...(options.noReboot ? ["-no-reboot"] : []),
    ...(options.more ?? []),
  ];
}

function firmwareArguments(code: string, directory: string): string[] {
  return [
    ...["-drive", `if=pflash,format=raw,unit=0,readonly=on,file=${code}`],
    ...["-drive", `if=pflash,format=raw,unit=1,file=${directory}/variables`],
  ];
}

function record(events: QemuEvents, { event, data }: QmpEvent): void {
  if (event === "SHUTDOWN") events.shutdown = String(data?.reason);
}

async function readMessage(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text = (text + decoder.decode(bytes, { stream: true })).slice(-MAX_MESSAGE_BYTES);
  }
  return text.trim();
}

/** Closes what may be closed already. */
export function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
