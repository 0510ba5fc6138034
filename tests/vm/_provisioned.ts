/**
 * Disks of nodes, made as an operator makes them: by `deno task provision`.
 *
 * @module
 */

import { compileAgent } from "../../tasks/compile.ts";
import { buildImage } from "../../tasks/image.ts";
import { makeRelease } from "../../tasks/release.ts";
import { run } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";

const MIB = 1 << 20;

/** What a disk is made of. */
export interface Provisioning {
  /** What the node does when it is up. */
  readonly onBoot: string;
  readonly cloudConfig: string;
  readonly networkConfig?: string;
}

/** Resolves with a disk image of version 1.0.0 in `directory`, as nobody has provisioned it yet. */
export async function osImage(directory: string, onBoot: string): Promise<string> {
  const release = `${directory}/release`;
  await makeRelease({ version: "1.0.0", agent: await compileAgent("x86_64"), directory: release });
  const data = `${directory}/data`;
  await Deno.mkdir(`${data}/etc-kubesolo`, { recursive: true });
  await Deno.writeTextFile(`${data}/etc-kubesolo/on-boot`, onBoot, { mode: 0o755 });
  const output = `${directory}/os.img`;
  const sizes = { esp: 40 * MIB, slot: 96 * MIB, data: 16 * MIB };
  await buildImage({ output, slotA: release, data, sizes });
  return output;
}

/** Resolves with a provisioned disk in `directory`. */
export async function provisionedDisk(directory: string, wanted: Provisioning): Promise<string> {
  const { onBoot, cloudConfig, networkConfig } = wanted;
  const output = `${directory}/node.img`;
  await Deno.writeTextFile(`${directory}/node.yaml`, cloudConfig);
  if (networkConfig) await Deno.writeTextFile(`${directory}/network.yaml`, networkConfig);
  await run(Deno.execPath(), [
    ...["run", "-A", "tasks/provision.ts", "--image", output, "--size", "350M"],
    ...["--os-image", await osImage(directory, onBoot), "--cloud-init", `${directory}/node.yaml`],
    ...networkConfig ? ["--network-config", `${directory}/network.yaml`] : [],
  ], { cwd: ROOT });
  return output;
}
