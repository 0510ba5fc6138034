import { assertEquals, assertStringIncludes } from "@std/assert";
import { examined, healthyNode } from "./_healthy_node.ts";

Deno.test("doctor leaves a slot alone that another agent may be writing", async () => {
  await using node = await healthyNode();
  await node.sandbox.sh(`echo '{"pid":1,"command":"apply"}' >/var/lib/kubesolo/update/lock`);
  const holder = node.sandbox.start(
    ...["flock", "--no-fork", "/var/lib/kubesolo/update/lock", "sh", "-c", "echo; exec sleep 600"],
  );
  try {
    const reader = holder.stdout.getReader();
    await reader.read();
    await reader.cancel();
    await holder.stderr.cancel();
    const { checks, result } = await examined(node);
    const skipped = checks.filter(({ level }) => level !== "ok").map((
      { name, level },
    ) => [name, level]);
    assertEquals([result, skipped], ["ok", [["passive slot", "skipped"], ["room", "skipped"]]]);
    assertStringIncludes(JSON.stringify(checks), "process 1, apply, has held it");
  } finally {
    holder.kill();
    await holder.status;
  }
});

Deno.test("doctor keeps others from the passive slot while it has it mounted", async () => {
  await using node = await healthyNode();
  const name = (label: string) => node.disk.of(label).slice("/dev/".length);
  const lock = "/var/lib/kubesolo/update/lock";
  await node.sandbox.sh(`touch ${lock}; cp /usr/bin/mount /run/real-mount`);
  await node.put(
    "/run/asking-mount",
    `#!/bin/sh
case "$*" in
  *"/${name("KSOLOA")} "*) slot=A ;;
  *"/${name("KSOLOB")} "*) slot=B ;;
  *) exec /run/real-mount "$@" ;;
esac
if flock --nonblock ${lock} true; then echo "$slot free"; else echo "$slot held"; fi >>/run/asked
exec /run/real-mount "$@"
`,
  );
  await node.sandbox.sh(
    "chmod 755 /run/asking-mount; mount --bind /run/asking-mount /usr/bin/mount",
  );
  const { checks } = await examined(node);
  assertEquals(checks.filter(({ level }) => level !== "ok"), []);
  const asked = (await node.sandbox.sh("sort -u /run/asked")).trim().split("\n");
  assertEquals(asked, ["A free", "A held", "B held"]);
});

Deno.test("doctor that is broken off leaves nothing mounted", async () => {
  await using node = await healthyNode();
  const slot = node.disk.of("KSOLOB").slice("/dev/".length);
  await node.sandbox.sh("cp /usr/bin/mount /run/real-mount");
  await node.put(
    "/run/cutting-mount",
    `#!/bin/sh
/run/real-mount "$@" || exit
case "$*" in *"/${slot} "*) kill -INT $PPID ;; esac
`,
  );
  await node.sandbox.sh(
    "chmod 755 /run/cutting-mount; mount --bind /run/cutting-mount /usr/bin/mount",
  );
  const before = await node.mounts();
  const { code, stdout } = await node.update("doctor");
  assertEquals([code, stdout], [130, ""]);
  assertEquals(await node.mounts(), before);
});
