/**
 * `deno task provision`: a node's disk on a stick, or in a file, with what makes it this node.
 *
 * @module
 */

import { EXIT, reasonOf, UpdateError } from "../mod/core/mod.ts";
import { DenoDisk } from "../mod/host/mod.ts";
import { sizeForPeople, surveyDisks, type SurveyedDisk } from "../mod/provision/mod.ts";
import { taskOptions } from "./arguments.ts";
import { MIB, parseSize } from "./disk_layout.ts";
import { checkBundle } from "./provision/check_bundle.ts";
import { listDisks, shownDisk } from "./provision/choose_disk.ts";
import { prepareDocuments, type Provisions } from "./provision/documents.ts";
import { HostView } from "./provision/host_view.ts";
import { openImage } from "./provision/os_image.ts";
import { type Outcome, provisionDevice, provisionFile } from "./provision/provision_target.ts";
import { main, say, warn } from "./screen.ts";

/** What it is called where it is started. */
const ME = Deno.build.standalone ? "kubesolo-provision" : "deno task provision";

const HELP = `${ME} [--json]
${ME} --device DEVICE --cloud-init FILE [options]
${ME} --image FILE [--size SIZE] --cloud-init FILE [options]

Writes a node's disk onto a stick or another disk, reads it back, lets the data partition grow to the
disk's end, and puts the node's documents there. Without --device and --image it lists the disks of
this machine, and why they can be written over or not.

  --device DEVICE         the disk, such as /dev/sdb; needs root. Everything on it will be lost
  --image FILE            a file instead, for Etcher, Rufus or dd; needs no root. It takes the place
                          of one that is there
  --size SIZE             of the file, such as 8G; as small as can be where left out
  --cloud-init FILE       the node's #cloud-config: its updates: block, its hostname, its keys
  --hostname NAME         the node's name, in place of the one in the document
  --ssh-key FILE|KEY      a public key that may log in, or a file of them; again for more
  --network-config FILE   cloud-init's network-config, version 1 or 2; DHCP where left out
  --on-boot FILE          a script that the node runs at the end of each boot
  --bundle FILE.ksu       a release to carry along (deno task bundle); on the node it is
                          /var/lib/kubesolo/bundle/FILE.ksu, for kubesolo-update apply --from
  --os-image FILE         the disk image (deno task image); built from the sources where left out
  --yes                   do not ask
  --yes-this-disk SERIAL  the disk has this serial number, and is meant though not removable
  --json                  print what was done, or the list, as JSON

A disk is refused that this machine runs from, that is mounted, swapped to or held by a volume, that is
write-protected or too small, and one that is not removable, unless its serial number is given.

From the first moment on the disk boots nothing until it is whole. Where the stick is pulled, or
writing is broken off, run it again.

  ${ME}
  ${ME} --device /dev/sdb --cloud-init node.yaml --hostname node-7 \\
    --ssh-key ~/.ssh/id_ed25519.pub

Exit codes: 0 done; 2 options or documents that are no good, nothing was written; 20 a disk that is
refused; 30 a disk that does not give back what was written; 50 one that cannot be written.`;

/** ext4 needs some more than a bundle's bytes for it. */
const BUNDLE_ROOM = 1.05;

/** Options that are none, or do not go together. */
function usage(option: string, found: string, advice: string): UpdateError {
  return new UpdateError("usage", { operation: `reading ${option}`, found, advice });
}

function readOptions() {
  try {
    return taskOptions(HELP, {
      "device": { type: "string" },
      "image": { type: "string" },
      "size": { type: "string" },
      "cloud-init": { type: "string" },
      "hostname": { type: "string" },
      "ssh-key": { type: "string", multiple: true, default: [] },
      "network-config": { type: "string" },
      "on-boot": { type: "string" },
      "bundle": { type: "string" },
      "os-image": { type: "string" },
      "yes": { type: "boolean", default: false },
      "yes-this-disk": { type: "string" },
      "json": { type: "boolean", default: false },
    });
  } catch (error) {
    throw usage(
      "the options",
      reasonOf(error).replace(HELP.replaceAll(/\s+/g, " "), ""),
      "see --help",
    );
  }
}

async function disksHere(): Promise<readonly SurveyedDisk[]> {
  await using view = await HostView.open();
  return await surveyDisks({ view: view.path });
}

/** Bytes of a file, where `needed` are needed, whole MiB. */
function fileSize(asked: string | undefined, needed: number): number {
  if (asked === undefined) return needed;
  let size = 0;
  try {
    size = parseSize("--size", asked);
  } catch (error) {
    throw usage("the options", reasonOf(error), "see --help");
  }
  if (size >= needed) return size;
  throw usage("--size", asked, `give at least ${needed / MIB}M`);
}

/** Aborts at the first Ctrl-C, or when the window is closed; the next one ends the process as usual. */
function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  // under nohup there is no terminal, and nothing is to be heard of the end of one
  const closing = Deno.stderr.isTerminal() ? ["SIGHUP" as const] : [];
  for (const name of ["SIGINT", "SIGTERM", ...closing] as const) {
    const listener = () => {
      Deno.removeSignalListener(name, listener);
      controller.abort(
        new UpdateError("refused", {
          operation: "writing",
          found: `broken off by ${name}`,
          advice: "what was begun boots nothing; run it again",
        }),
      );
    };
    Deno.addSignalListener(name, listener);
  }
  return controller.signal;
}

function show(outcome: Outcome, { documents, ...node }: Provisions, json: boolean): void {
  const files = documents.map(({ path }) => path);
  if (json) return console.log(JSON.stringify({ ...outcome, ...node, files }, null, 2));
  const { target, size, direct } = outcome;
  if (!direct) {
    warn("it was read back from the kernel's memory: this medium cannot be read past it");
  }
  if (outcome.serial !== undefined) say("now take it out, and start the node from it");
  const parts = [target, sizeForPeople(size), node.hostname];
  console.log(parts.filter((part) => part !== undefined).join("  "));
}

await main(async () => {
  const values = readOptions();
  const { device, image, "cloud-init": cloudInit } = values;
  const { json, yes, "yes-this-disk": serial } = values;
  if (device === undefined && image === undefined) {
    const disks = await disksHere();
    if (cloudInit === undefined) {
      return console.log(json ? JSON.stringify(disks.map(shownDisk), null, 2) : listDisks(disks));
    }
    say(`${listDisks(disks)}\n`);
    throw usage(
      "the options",
      "neither --device nor --image",
      "name a disk of this list, or a file",
    );
  }
  if (device !== undefined && image !== undefined) {
    throw usage("--device and --image", "both", "give one of them");
  }
  if (values.size !== undefined && image === undefined) {
    throw usage("--size", "no --image", "leave it out: a disk has the size that it has");
  }
  if (cloudInit === undefined) throw usage("--cloud-init", "none", "give the node's #cloud-config");

  const disk = new DenoDisk();
  const { "network-config": networkConfig, "on-boot": onBoot, hostname, "ssh-key": sshKeys } =
    values;
  const wishes = { cloudInit, networkConfig, onBoot, hostname, sshKeys };
  const provisions = await prepareDocuments(disk, wishes);
  for (const warning of provisions.warnings) warn(warning);
  const bundle = values.bundle === undefined ? undefined : await checkBundle(values.bundle);
  using source = await openImage(disk, values["os-image"]);
  const room = source.leastBytes + (bundle?.size ?? 0) * BUNDLE_ROOM;
  const needed = Math.ceil(room / MIB) * MIB;
  const { documents } = provisions;
  const load = { disk, image: source, documents, bundle: bundle?.path, signal: abortOnSignal() };
  const outcome = image === undefined
    ? await provisionDevice(load, { device: device ?? "", needed, serial, yes })
    : await provisionFile(load, {
      image,
      size: fileSize(values.size, needed),
      sources: [cloudInit, networkConfig, onBoot, values.bundle, ...sshKeys].filter((name) =>
        name !== undefined
      ),
    });
  show(outcome, provisions, json);
}, (error) => error instanceof UpdateError ? EXIT[error.code] : 1);
