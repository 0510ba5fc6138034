/** Releases published by the tasks, for tests of the compiled agent. */

import { ROOT } from "../../tasks/sources.ts";
import { sha256, type TestNode } from "./_test_node.ts";

/** Runs a publishing task as its user would; resolves with what it prints, and what it says meanwhile. */
export async function task(
  name: string,
  args: readonly string[],
  config = "/",
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `tasks/${name}.ts`, ...args],
    cwd: ROOT,
    env: { DOCKER_CONFIG: config, REGISTRY_AUTH_FILE: "", RUST_BACKTRACE: "0" },
  }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  if (!output.success) throw new Error(stderr);
  return { stdout, stderr };
}

/** A release directory, as `publish` takes it. */
export async function releaseDirectory(node: TestNode, version: string): Promise<string> {
  await node.publish({ version });
  const directory = `${node.disk.directory}/release-${version}`;
  await Deno.mkdir(directory);
  await Deno.copyFile(`${node.www}/latest.json`, `${directory}/latest.json`);
  await Deno.copyFile(`${node.www}/vmlinuz-${version}`, `${directory}/vmlinuz`);
  await Deno.copyFile(`${node.www}/kubesolo-os-${version}.gz`, `${directory}/kubesolo-os.gz`);
  return directory;
}

/** The directory of a release that is a partition image. */
export async function imageDirectory(
  node: TestNode,
  version: string,
  image: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const directory = `${node.disk.directory}/release-${version}`;
  await Deno.mkdir(directory);
  await Deno.writeFile(`${directory}/slot.img`, image);
  const latest = {
    ...{ version, channel: "stable", architecture: "x86_64" },
    ...{ image_url: "slot.img", image_sha256: sha256(image), image_size: image.length },
  };
  await Deno.writeTextFile(`${directory}/latest.json`, JSON.stringify(latest));
  return directory;
}
