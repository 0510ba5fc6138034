import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { compileInScope } from "../../tasks/compile.ts";
import { ROOT } from "../../tasks/sources.ts";
import { Sandbox } from "../sandbox.ts";
import { complaintOf } from "./_aftermath.ts";

const READABLE = "/etc/kubesolo, /var/lib/kubesolo, /run/kubesolo-update";
const WRITABLE = "/var/lib/kubesolo, /run/kubesolo-update";

/** What makes and fills a data partition when a disk is installed. */
const E2FSPROGS = ["mke2fs", "resize2fs", "debugfs", "e2fsck"];

Deno.test("a path outside of the agent's places is a usage error that names them", async () => {
  await using sandbox = await Sandbox.create();
  const elsewhere = `/tmp/${crypto.randomUUID()}`;
  const cases: readonly [flag: string, path: string, places: string][] = [
    ["--conf", "/etc/passwd", READABLE],
    ["--conf", "/etc/kubesolo/../shadow", READABLE],
    ["--conf", "/etc/kubesolo-elsewhere/update.conf", READABLE],
    ["--conf", "update.conf", READABLE],
    ["--conf", "", READABLE],
    ["--grubenv", "/boot/grubenv", WRITABLE],
    ["--grubenv", "/etc/kubesolo/grubenv", WRITABLE],
    ["--state", `${elsewhere}/state.json`, WRITABLE],
    ["--state", "/var/lib/kubesolo", WRITABLE],
    ["--state", "/var/lib/kubesolo/update/", WRITABLE],
  ];
  for (const [flag, path, places] of cases) {
    const ran = await sandbox.update("status", flag, path);
    assertEquals([ran.code, ran.stdout], [2, ""], ran.stderr);
    assertStringIncludes(complaintOf(ran), `reading ${flag}: ${path || '""'} lies outside of what`);
    assertStringIncludes(complaintOf(ran), `name a file inside ${places}`);
  }
  assertEquals((await sandbox.run("test", "-e", elsewhere)).code, 1);
  assertEquals((await sandbox.sh("ls /var/lib/kubesolo")).trim(), "", "nothing was touched");
});

Deno.test("a link that leads out of the agent's places is a usage error, and not followed", async () => {
  await using sandbox = await Sandbox.create();
  await sandbox.sh(`
    echo 'server=secret' >/run/outside.conf
    ln -s /run/outside.conf /etc/kubesolo/file.conf
    ln -s /etc/shadow /etc/kubesolo/shadow.conf
    ln -s /run /etc/kubesolo/directory
    ln -s /run /var/lib/kubesolo/directory
    echo 'server=ftp://within' >/etc/kubesolo/within.conf
    ln -s within.conf /etc/kubesolo/link.conf
  `);
  const cases: readonly [flag: string, path: string, target: string][] = [
    ["--conf", "/etc/kubesolo/file.conf", "/run/outside.conf"],
    ["--conf", "/etc/kubesolo/shadow.conf", "/etc/shadow"],
    ["--conf", "/etc/kubesolo/directory/outside.conf", "/run/outside.conf"],
    ["--state", "/var/lib/kubesolo/directory/new/state.json", "/run/new/state.json"],
    ["--grubenv", "/var/lib/kubesolo/directory/grubenv", "/run/grubenv"],
  ];
  for (const [flag, path, target] of cases) {
    const ran = await sandbox.update("check", flag, path);
    assertEquals([ran.code, ran.stdout], [2, ""], ran.stderr);
    assertStringIncludes(complaintOf(ran), `${path}, a link to ${target}, lies outside of what`);
    assertEquals(/secret|root:/.test(ran.stderr), false, ran.stderr);
  }
  assertEquals((await sandbox.sh("ls -d /run/new || true")).trim(), "");

  const within = await sandbox.update("check", "--conf", "/etc/kubesolo/link.conf");
  assertStringIncludes(
    complaintOf(within),
    "ftp://within",
    "a link between files there is followed",
  );
  await sandbox.sh(`
    mv /var/lib/kubesolo /run/data; ln -s /run/data /var/lib/kubesolo; rm /run/data/update/lock
  `);
  await sandbox.update("status");
  const moved = await sandbox.sh("ls /run/data/update");
  assertEquals(moved.trim(), "lock", "the place itself may lie anywhere: the node's init decides");
});

Deno.test("code in the agent reaches its own places and programs, and nothing else", async () => {
  const { permissions } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const programs: readonly string[] = permissions.agent.run;
  await using sandbox = await Sandbox.create();
  const scratch = await Deno.makeTempDir({ prefix: "scope-probe-" });
  try {
    await compileInScope("tests/cli/_scope_probe.ts", `${scratch}/probe`);
    await sandbox.sh("touch /etc/kubesolo/update.conf /run/kubesolo-update/old");

    const possible = [
      "read:/etc/kubesolo/update.conf",
      "write:/var/lib/kubesolo/new",
      "write:/etc/kubesolo/update.conf",
      "remove:/run/kubesolo-update/old",
      "read:/run/kubesolo-update/host/proc/cmdline",
      "open:/run/kubesolo-update/host/dev/null",
      "env:NO_COLOR",
      ...programs.filter(isThere).filter((path) => !path.endsWith("reboot")).map((p) => `run:${p}`),
    ];
    const impossible = [
      "read:/etc/shadow",
      "read:/etc/passwd",
      "list:/etc",
      "list:/root",
      // the current directory, but for update.gz
      "list:.",
      "read:deno.json",
      "write:update.gz",
      "read:/proc/cmdline",
      "read:/proc/self/environ",
      "read:/sys/kernel/mm/transparent_hugepage/enabled",
      "open:/dev/null",
      "open:/dev/mem",
      "write:/tmp/x",
      "write:/etc/kubesolo/on-boot",
      "write:/etc/cron.d/probe",
      "remove:/etc/hostname",
      "link:/etc/shadow",
      "run:/usr/bin/id",
      "run:/bin/sh",
      "run:/run/kubesolo-update/mount",
      "read:/run/containerd/containerd.sock.ttrpc",
      "write:/run/containerd/config.toml",
      // beside what `install` puts in place
      "list:/etc/systemd/system",
      "write:/etc/systemd/system/probe.service",
      "write:/etc/systemd/system/kubesolo-update.service.d/probe.conf",
      "write:/etc/init.d/probe",
      "list:/usr/local/bin",
      "write:/usr/local/bin/probe",
      "write:/usr/bin/kubesolo-update.bak",
      "run:/usr/local/bin/kubesolo-update",
      "run:/usr/bin/systemd-run",
      "list:/run/containerd",
      "list:/var/run/secrets",
      "write:/var/run/secrets/kubernetes.io/serviceaccount/token",
      "env:PATH",
      "env:LD_PRELOAD",
      "sys:hostname",
      "ffi:libc.so.6",
    ];
    const ran = await sandbox.run(`${scratch}/probe`, ...possible, ...impossible);
    assertEquals(ran.code, 0, ran.stderr);
    assertEquals(JSON.parse(ran.stdout), [
      ...possible.map((attempt) => [attempt, "done"]),
      ...impossible.map((attempt) => [attempt, "NotCapable"]),
    ]);
    assertMatch(possible.join(" "), /run:\S*\/mount .*run:\S*\/umount .*run:\S*\/grub-editenv/);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
});

Deno.test("among the files of others the agent may write what install puts there, and no other name", async () => {
  const { permissions: { agent } } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const own = ["/etc/kubesolo", "/var/lib/kubesolo", "/run/kubesolo-update"];
  const foreign = (scope: readonly string[]) =>
    scope.filter((path) => !own.some((place) => path === place || path.startsWith(`${place}/`)));
  const wanted: string[] = [];
  for (const bin of ["/usr/local/bin", "/usr/bin"]) {
    wanted.push(`${bin}/kubesolo-update`, `${bin}/kubesolo-update.new`);
  }
  for (const [init, home] of [["systemd", "/etc/systemd/system"], ["openrc", "/etc/init.d"]]) {
    for await (const { name } of Deno.readDir(`${ROOT}/deploy/${init}`)) {
      wanted.push(...["", ".new", ".bak"].map((end) => `${home}/${name}${end}`));
    }
  }
  assertEquals(
    foreign(agent.write).sort(),
    [...wanted, "/run/containerd/containerd.sock"].sort(),
  );
  // whether they are there: one of them reboots, and is not run to find out
  const looked = ["bin/mount", "bin/umount", "bin/grub-editenv", "bin/setsid", "sbin/reboot"]
    .flatMap((path) => [`/${path}`, `/usr/${path}`]);
  assertEquals(
    foreign(agent.read).sort(),
    [
      ...wanted,
      ...looked,
      "/run/containerd/containerd.sock",
      "/run/openrc/softlevel",
      "/run/systemd/timesync",
      ...E2FSPROGS.map((name) => `/usr/sbin/${name}`),
      ...["user-data", "meta-data", "network-config"]
        .map((name) => `/var/lib/cloud/seed/nocloud/${name}`),
      "/var/run/secrets/kubernetes.io/serviceaccount",
      "update.gz",
    ].sort(),
  );
  const tools = [
    ...["mount", "umount", "mkdir", "grub-editenv", "reboot", "setsid"],
    ...["systemctl", "rc-update", "rc-service"],
    ...E2FSPROGS,
  ];
  const names = (agent.run as string[]).map((path) =>
    /^(?:\/usr)?\/s?bin\/([\w-]+)$/.exec(path)?.[1]
  );
  assertEquals([...new Set(names)].sort(), tools.sort());
});

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
