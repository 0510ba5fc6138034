/**
 * What nodes are provisioned with in tests, and what has come of it.
 *
 * @module
 */

import { SECTOR, TABLE_SECTORS } from "../../../mod/provision/mod.ts";
import { imagePartition } from "../../../tasks/partition_table.ts";
import { run, runText } from "../../../tasks/run.ts";
import type { PluggedIn } from "./_workshop.ts";

/** A disk that may be written. */
export const STICK: PluggedIn = {
  name: "sdy",
  mebibytes: 160,
  vendor: "SanDisk",
  model: "Ultra",
  serial: { usb: "4C5310" },
};

/** A public key that is one. */
export const KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;

/** What a node is to be; `KEY` stands in the place of a key. */
export const DOCUMENT = `#cloud-config
# the shed
hostname: shed # in the garden
updates:
  server: http://updates.lan/stable
ssh_authorized_keys:
  - KEY anna # she has the key to the shed, too
`;

/** The flags that every node takes. */
export const NODE = ["--cloud-init", "node.yaml", "--os-image", "os.img"];

/** Scratch files of the tool, and a count of its mounts. */
export const LEFTOVERS =
  "ls -d /run/kubesolo-provision 2>/dev/null || grep -c ' /run/kubesolo-provision' /proc/mounts || :";

/** Looks into the data partition of what is at `path`. */
export async function dataOf(path: string) {
  const { offset, size } = await imagePartition(path, "KSOLODATA");
  const place = `${path}?offset=${offset}`;
  const ask = (command: string) => runText("debugfs", ["-R", command, place]);
  return {
    size,
    bytes: (file: string) => run("debugfs", ["-R", `cat ${file}`, place]),
    check: () => run("e2fsck", ["-f", "-n", place]),
    cat: (file: string) => ask(`cat ${file}`),
    stat: (file: string) => ask(`stat ${file}`),
  };
}

/** Fails where ESP, slots or GRUB's second stage are not those of the image. */
export async function assertSameSystem(path: string, image: string): Promise<void> {
  const data = await imagePartition(image, "KSOLODATA");
  // behind the first table, which is another one
  const from = (1 + TABLE_SECTORS) * SECTOR;
  await run("cmp", [`--ignore-initial=${from}`, `--bytes=${data.offset - from}`, path, image]);
  await run("cmp", ["--bytes=440", path, image]);
}
