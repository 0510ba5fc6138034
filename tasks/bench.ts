/**
 * `deno task bench`: how fast the agent writes a slot, and how much memory that takes, next to programs
 * that everybody has, in the same run. Needs root, for loop devices.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { LoopDisk, systemPartitions } from "../tests/loop_disk.ts";
import { Registry } from "../tests/oras/_registry.ts";
import { Sandbox } from "../tests/sandbox.ts";
import { compileAgent } from "./compile.ts";
import { ensureInstalled, fileOf } from "./debian.ts";
import { bash, type Contender, median, race, timed } from "./bench/measure.ts";
import { prepareNode, publishImage, serveByNginx } from "./bench/site.ts";
import { publishArtifact, REPOSITORY, serveAsRegistry, TAG } from "./bench/artifact.ts";
import { findRuntime } from "./runtime.ts";
import { run } from "./run.ts";
import { main, say } from "./screen.ts";
import { ROOT } from "./sources.ts";

const SPEED_MEBIBYTES = 400;
const MEMORY_MEBIBYTES = [64, 1024] as const;
const SLOT_MEBIBYTES = 1040;
const START_RUNS = 25;

const HELP = `deno task bench [--runs N] [--json FILE]

Measures the agent next to curl, sha256sum and dd, over HTTP and from a registry, pushing next to
skopeo, the agent's memory, and its start. Needs root, for loop devices; run it on a machine that does
nothing else.

  --runs N      runs of each, of which the median counts (3)
  --json FILE   write the figures`;

await main(async () => {
  const values = taskOptions(HELP, {
    runs: { type: "string", default: "3" },
    json: { type: "string" },
  });
  await ensureInstalled(
    fileOf("nginx-light", "/usr/sbin/nginx"),
    fileOf("curl", "/usr/bin/curl"),
    fileOf("docker-registry", "/usr/bin/docker-registry"),
    fileOf("skopeo", "/usr/bin/skopeo"),
  );
  await compileAgent("x86_64");
  const partitions = systemPartitions({ efi: "ext4", mebibytes: { B: SLOT_MEBIBYTES } });
  await using disk = await LoopDisk.create({ partitions });
  await using sandbox = await Sandbox.create(disk);
  await using server = await serveByNginx(disk.directory);
  await prepareNode(disk);
  const runs = Number(values.runs);

  const speed = await compareSpeed(runs, disk, sandbox, server.url);
  const sources = await compareSources(runs, disk, sandbox, server.url);
  const push = await comparePush(runs, `${disk.directory}/www`);
  const memory = await compareMemory(disk, sandbox, server.url);
  const start = await compareStart(disk.directory, sandbox);
  if (values.json) {
    await Deno.writeTextFile(
      values.json,
      JSON.stringify({ speed, sources, push, memory, start }, null, 2),
    );
  }
});

async function compareSpeed(
  runs: number,
  disk: LoopDisk,
  sandbox: Sandbox,
  url: string,
): Promise<Record<string, number>> {
  const image = await publishImage(disk.directory, url, SPEED_MEBIBYTES);
  const slot = disk.of("KSOLOB");
  const pipeline = `curl -s ${url}/image | tee >(sha256sum >/dev/null) | ` +
    `dd of=${slot} bs=4M iflag=fullblock conv=fsync status=none`;
  const readBack = `blockdev --flushbufs ${slot}; ` +
    `dd if=${slot} bs=4M count=${SPEED_MEBIBYTES / 4} status=none | sha256sum`;
  return await race({
    title: "over loopback HTTP into a loop device",
    mebibytes: SPEED_MEBIBYTES,
    runs,
  }, [
    {
      name: "kubesolo-update apply (fetch, hash, write, fsync, read back, hash)",
      once: () => timeApply(sandbox, "--server", url),
    },
    {
      name: "curl | tee >(sha256sum) | dd conv=fsync, then dd | sha256sum",
      once: () => timed(() => bash(`${pipeline}; ${readBack}`)),
    },
    { name: "curl | tee >(sha256sum) | dd conv=fsync", once: () => timed(() => bash(pipeline)) },
    {
      name: "dd conv=fsync from a file, nothing else",
      once: () => timed(() => bash(`dd if=${image} of=${slot} bs=4M conv=fsync status=none`)),
    },
  ]);
}

/** Seconds that the agent takes for a release that it knows nothing of. */
async function timeApply(sandbox: Sandbox, ...source: string[]): Promise<number> {
  await sandbox.sh("rm -rf /var/lib/kubesolo/update");
  return await timed(async () => {
    const { code, stderr } = await sandbox.update("apply", ...source);
    if (code !== 0) throw new Error(stderr);
  });
}

/** The same image from a file server, and from registries: a real one, and the file server as one. */
async function compareSources(
  runs: number,
  disk: LoopDisk,
  sandbox: Sandbox,
  url: string,
): Promise<Record<string, number>> {
  await publishImage(disk.directory, url, SPEED_MEBIBYTES);
  await using registry = await Registry.start();
  await publishArtifact(`${disk.directory}/www`, registry.host);
  await serveAsRegistry(`${disk.directory}/www`);
  const apply = (name: string, ...source: string[]): Contender => ({
    name,
    once: () => timeApply(sandbox, ...source),
  });
  const static_ = new URL(url).host;
  return await race({ title: "into a loop device", mebibytes: SPEED_MEBIBYTES, runs }, [
    apply(
      "registry: docker-registry",
      "--registry",
      `${registry.host}/${REPOSITORY}`,
      "--plain-http",
    ),
    apply("registry: files behind nginx", "--registry", `${static_}/${REPOSITORY}`, "--plain-http"),
    apply("HTTP: nginx", "--server", url),
  ]);
}

/** An image layout into a fresh registry: ours, and skopeo. */
async function comparePush(runs: number, directory: string): Promise<Record<string, number>> {
  const layout = `oci:${directory}/layout:${TAG}`;
  const push = (name: string, command: (to: string) => string): Contender => ({
    name,
    once: async () => {
      // its own each time: what is there already is not sent again
      await using registry = await Registry.start();
      return await timed(() => bash(command(`${registry.host}/${REPOSITORY}:${TAG}`)));
    },
  });
  const copy = `${Deno.execPath()} run -A ${ROOT}/tasks/publish_copy.ts --plain-http`;
  return await race({
    title: "from an image layout into a registry",
    mebibytes: SPEED_MEBIBYTES,
    runs,
  }, [
    push("deno task publish:copy", (to) => `${copy} --from ${layout} --to ${to}`),
    push(
      "skopeo copy",
      (to) => `skopeo copy --quiet --dest-tls-verify=false ${layout} docker://${to}`,
    ),
  ]);
}

async function compareMemory(
  disk: LoopDisk,
  sandbox: Sandbox,
  url: string,
): Promise<Record<string, number>> {
  say("\npeak memory of kubesolo-update apply");
  const peaks: Record<string, number> = {};
  for (const mebibytes of MEMORY_MEBIBYTES) {
    await publishImage(disk.directory, url, mebibytes);
    await using registry = await Registry.start();
    await publishArtifact(`${disk.directory}/www`, registry.host);
    const sources = {
      HTTP: ["--server", url],
      registry: ["--registry", `${registry.host}/${REPOSITORY}`, "--plain-http"],
    };
    for (const [name, flags] of Object.entries(sources)) {
      await sandbox.sh("rm -rf /var/lib/kubesolo/update");
      const peak = await peakMemory(sandbox, "apply", ...flags);
      peaks[`${name} ${mebibytes} MiB`] = peak;
      say(`  ${peak.toFixed(1).padStart(6)} MiB  for an image of ${mebibytes} MiB from ${name}`);
    }
  }
  return peaks;
}

async function compareStart(directory: string, sandbox: Sandbox): Promise<Record<string, number>> {
  const source = `${directory}/bare.ts`;
  const bare = `${directory}/bare`;
  await Deno.writeTextFile(source, `console.log("{}");\n`);
  const runtime = await findRuntime("x86_64");
  await run(Deno.execPath(), [
    ...["compile", "--quiet", "--no-config", "--no-code-cache", "--output", bare, source],
  ], { env: { DENORT_BIN: runtime.path } });
  const programs = {
    "kubesolo-update status --json": [sandbox.agent, "status", "--json"],
    "kubesolo-update --version": [sandbox.agent, "--version"],
    "a bare compiled program": [bare],
  };
  say(`\nstart-up, median of ${START_RUNS} runs, in turn`);
  const times = new Map(Object.keys(programs).map((name) => [name, [] as number[]]));
  for (let i = 0; i < START_RUNS; i++) {
    for (const [name, command] of Object.entries(programs)) {
      const took = await timed(async () => {
        const { code, stderr } = await sandbox.run(...command);
        if (code !== 0) throw new Error(stderr);
      });
      times.get(name)?.push(took);
    }
  }
  const medians = Object.fromEntries([...times].map(([name, all]) => [name, median(all)]));
  const base = medians["a bare compiled program"];
  for (const [name, value] of Object.entries(medians)) {
    say(`  ${(value * 1000).toFixed(0).padStart(6)} ms  ${(value / base).toFixed(2)}  ${name}`);
  }
  return medians;
}

/** Peak resident memory of the agent in MiB: what the kernel kept of it while it ran. */
async function peakMemory(sandbox: Sandbox, ...args: string[]): Promise<number> {
  const [program, inside] = sandbox.inside(sandbox.agent, ...args);
  const child = new Deno.Command(program, { args: inside, stdout: "null", stderr: "null" }).spawn();
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0));
    } catch {
      // it has ended
    }
  }, 20);
  const { code } = await child.status;
  clearInterval(timer);
  if (code !== 0) throw new Error(`the agent ended with ${code}`);
  return peak / 1024;
}
