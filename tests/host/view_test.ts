import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk, ensureView, readBoot } from "../../mod/host/mod.ts";
import { withMountLock } from "../mount_lock.ts";

const ROOT = Deno.uid() === 0;
const MOUNT_PROGRAMS = "/usr/bin/mount,/bin/mount";

/** What the agent does, in a mount namespace of its own and with the agent's kind of permissions. */
const SCRIPT = `
import { DenoDisk, ensureView, readBoot } from ${url("../../mod/host/mod.ts")};
const [view] = Deno.args;
await Promise.all([ensureView(view), ensureView(view)]);
await ensureView(view);
const disk = new DenoDisk();
const boot = await readBoot(disk, { view });
const mounts = (await Deno.readTextFile(view + "/proc/self/mountinfo"))
  .split("\\n").filter((line) => line.includes(view)).map((line) => line.split(" ")[5]);
let refused = "";
await Deno.readTextFile("/proc/cmdline").catch((error) => refused = error.name);
const devices = await disk.list(view + "/sys/dev/block");
const uevent = devices.length === 0
  ? "DEVNAME=" : await Deno.readTextFile(view + "/sys/dev/block/" + devices[0] + "/uevent");
const zero = await disk.open(view + "/dev/zero", "read");
const bytes = zero.read(new Uint8Array(8));
zero.close();
const sink = await disk.open(view + "/dev/null", "update");
sink.write(new Uint8Array(8));
sink.close();
console.log(JSON.stringify({ boot, mounts, refused, uevent, bytes }));
`;

function url(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}

async function runScript(view: string, script: string, wrapper: string[]): Promise<string> {
  const path = `${view}/script.ts`;
  await Deno.writeTextFile(path, script);
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const [program, ...args] = [
    ...wrapper,
    Deno.execPath(),
    ...["run", "--no-prompt", "--config", config, "--no-lock"],
    ...[`--allow-read=${view}`, `--allow-write=${view}`, `--allow-run=${MOUNT_PROGRAMS}`],
    ...[path, `${view}/host`],
  ];
  const { stdout, stderr } = await withMountLock(() =>
    new Deno.Command(program, { args }).output()
  );
  return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ dir: "/var/tmp" });
  try {
    await body(directory);
  } finally {
    // never into a mount: were one left here by a defect, this would empty the machine's /dev
    await new Deno.Command("rm", { args: ["-rf", "--one-file-system", directory] }).output();
  }
}

Deno.test({
  name: "a program that may read nothing but the view sees /dev, /proc and /sys through it",
  ignore: !ROOT, // it mounts
  fn: () =>
    inDirectory(async (directory) => {
      const said = await runScript(directory, SCRIPT, ["unshare", "--mount"]);
      assert(said.startsWith("{"), said);
      const { boot, mounts, refused, uevent, bytes } = JSON.parse(said);
      const id = await Deno.readTextFile("/proc/sys/kernel/random/boot_id");
      assertEquals(boot.id, id.trim());
      // once each; read-only, so that nothing can be removed through them
      assertEquals(mounts.length, 3);
      for (const flags of mounts) assert(flags.split(",").includes("ro"), flags);
      assertEquals(refused, "NotCapable");
      assert(uevent.includes("DEVNAME="), uevent);
      assertEquals(bytes, 8);
    }),
});

Deno.test({
  name: "whoever may not mount is told what to do",
  ignore: !ROOT, // it mounts
  fn: () =>
    inDirectory(async (directory) => {
      // root without the one capability that mounting takes, as in an ordinary container
      const script = `import { ensureView } from ${url("../../mod/host/mod.ts")};
        await ensureView(Deno.args[0]).catch((error) => console.log(error.code, error.message));`;
      const wrapper = [
        "unshare",
        "--mount",
        "setpriv",
        "--bounding-set=-sys_admin",
        "--inh-caps=-sys_admin",
      ];
      const said = await runScript(directory, script, wrapper);
      assert(said.startsWith("slot making /dev, /proc and /sys visible"), said);
      assert(said.includes("run it as root"), said);
    }),
});

Deno.test("a view that somebody else has made is used as it is", () =>
  inDirectory(async (view) => {
    await Deno.mkdir(`${view}/dev`);
    await Deno.writeTextFile(`${view}/dev/null`, "");
    await Deno.mkdir(`${view}/proc/sys/kernel/random`, { recursive: true });
    await Deno.writeTextFile(`${view}/proc/sys/kernel/random/boot_id`, "");
    await Deno.mkdir(`${view}/sys/dev/block`, { recursive: true });
    await ensureView(view);
    assertEquals(await new DenoDisk().list(view), ["dev", "proc", "sys"]);
  }));

Deno.test("without a view, reading the boot says what is missing", async () => {
  const error = await assertRejects(
    () => readBoot(new DenoDisk(), { view: "/var/tmp/no-such-view" }),
    UpdateError,
  );
  assertEquals(error.code, "slot");
  assert(error.message.includes("/var/tmp/no-such-view/proc"), error.message);
});
