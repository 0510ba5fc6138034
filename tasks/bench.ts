/**
 * `deno task bench`: how fast the agent writes a slot, and how much memory that takes, next to programs
 * that everybody has, in the same run. Needs root, for loop devices.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { LoopDisk, systemPartitions } from "../tests/loop_disk.ts";
import { Sandbox } from "../tests/sandbox.ts";
import { compileAgent } from "./compile.ts";
import { ensureInstalled, fileOf } from "./debian.ts";
import { sha256OfFile } from "./digest.ts";
import { findRuntime } from "./runtime.ts";
import { run } from "./run.ts";
import { main, say } from "./screen.ts";

const MEBIBYTE = 1 << 20;
const SPEED_MEBIBYTES = 400;
const MEMORY_MEBIBYTES = [64, 1024] as const;
const SLOT_MEBIBYTES = 1040;
const START_RUNS = 25;

/** What is measured, by name. */
interface Contender {
  readonly name: string;
  /** One run; seconds. */
  once(): Promise<number>;
}

const HELP = `deno task bench [--runs N] [--json FILE]

Measures the agent next to curl, sha256sum and dd, its memory, and its start. Needs root, for
loop devices; run it on a machine that does nothing else.

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
  );
  await compileAgent("x86_64");
  const partitions = systemPartitions({ efi: "ext4", mebibytes: { B: SLOT_MEBIBYTES } });
  await using disk = await LoopDisk.create({ partitions });
  await using sandbox = await Sandbox.create(disk);
  await using server = await serveByNginx(disk.directory);
  await prepareNode(disk);
  const runs = Number(values.runs);

  const speed = await compareSpeed(runs, disk, sandbox, server.url);
  const memory = await compareMemory(disk, sandbox, server.url);
  const start = await compareStart(disk.directory, sandbox);
  if (values.json) {
    await Deno.writeTextFile(values.json, JSON.stringify({ speed, memory, start }, null, 2));
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
  const contenders: readonly Contender[] = [
    {
      name: "kubesolo-update apply (fetch, hash, write, fsync, read back, hash)",
      once: async () => {
        await sandbox.sh("rm -rf /var/lib/kubesolo/update");
        return await timed(async () => {
          const { code, stderr } = await sandbox.update("apply", "--server", url);
          if (code !== 0) throw new Error(stderr);
        });
      },
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
  ];
  const seconds = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let i = 0; i < runs; i++) {
    for (const { name, once } of contenders) seconds.get(name)?.push(await once());
  }
  const own = median(seconds.get(contenders[0].name) ?? []);
  say(`\n${SPEED_MEBIBYTES} MiB over loopback HTTP into a loop device, median of ${runs} runs`);
  const medians: Record<string, number> = {};
  for (const { name } of contenders) {
    const value = median(seconds.get(name) ?? []);
    medians[name] = value;
    say(
      `  ${value.toFixed(2).padStart(6)} s  ${
        (SPEED_MEBIBYTES / value).toFixed(0).padStart(4)
      } MiB/s  ` +
        `agent takes ${(own / value).toFixed(2)} of its time  ${name}`,
    );
  }
  return medians;
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
    await sandbox.sh("rm -rf /var/lib/kubesolo/update");
    const peak = await peakMemory(sandbox, "apply", "--server", url);
    peaks[`${mebibytes} MiB`] = peak;
    say(`  ${peak.toFixed(1).padStart(6)} MiB  for an image of ${mebibytes} MiB`);
  }
  const [small, large] = Object.values(peaks);
  say(`  ratio ${(large / small).toFixed(3)}`);
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

/** Slot A confirmed, and a version in it: all that `apply` asks of a node. */
async function prepareNode(disk: LoopDisk): Promise<void> {
  const block = "# GRUB Environment Block\nactive_slot=A\nboot_counter=3\nboot_success=1\n";
  await disk.mounted("KSOLOEFI", async (esp) => {
    await Deno.mkdir(`${esp}/grub`);
    for (const name of ["grubenv", "grubenv.bak"]) {
      await Deno.writeTextFile(`${esp}/grub/${name}`, block.padEnd(1024, "#"));
    }
  });
  await disk.mounted("KSOLOA", (slot) => Deno.writeTextFile(`${slot}/version`, "1.0.0\n"));
}

async function publishImage(directory: string, url: string, mebibytes: number): Promise<string> {
  const image = `${directory}/www/image`;
  await bash(`head -c ${mebibytes * MEBIBYTE} /dev/urandom >${image}`);
  const latest = {
    version: "2.0.0",
    channel: "stable",
    architecture: "x86_64",
    image_url: `${url}/image`,
    image_sha256: await sha256OfFile(image),
    image_size: mebibytes * MEBIBYTE,
  };
  await Deno.writeTextFile(`${directory}/www/latest.json`, JSON.stringify(latest));
  return image;
}

/** nginx on a free port, with `www` below `directory`. */
async function serveByNginx(directory: string): Promise<{ url: string } & AsyncDisposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await Deno.mkdir(`${directory}/www`);
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `daemon off; user root; pid ${directory}/nginx.pid; error_log stderr crit; events {}
     http { access_log off; sendfile on; client_body_temp_path ${directory}/body;
       server { listen 127.0.0.1:${port}; root ${directory}/www; } }`,
  );
  const child = new Deno.Command("/usr/sbin/nginx", {
    args: ["-p", directory, "-c", `${directory}/nginx.conf`],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    const answered = await fetch(url).then((response) => response.body?.cancel(), () => false);
    if (answered !== false) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
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

async function bash(script: string): Promise<void> {
  await run("bash", ["-c", `set -o pipefail; ${script}`]);
}

async function timed(body: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await body();
  return (performance.now() - began) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
