import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Check, examine, needed, ok } from "../../mod/cli/doctor/check.ts";
import { formatState, NEW_STATE, UpdateError } from "../../mod/core/mod.ts";
import { ROOT } from "../../tasks/sources.ts";
import { LoopDisk, run, systemPartitions } from "../loop_disk.ts";
import { bootId, type Ran, Sandbox } from "../sandbox.ts";
import { bytesOf, STATE, TestNode } from "./_test_node.ts";

interface Examined {
  readonly result: string;
  readonly checks: readonly { name: string; level: string; found: string; advice?: string }[];
}

const KEY = "RWRtn+icdfkfepSe7XxO6VethTDexHNYIu0MAuM//ck1w8Yvc4FVty1x";
const CONF = `server=http://updates.lan/stable\npubkey=${KEY}\n`;

/** A node with nothing wrong: settings, GRUB's configuration, and the state on the data partition. */
async function healthyNode(): Promise<TestNode> {
  const node = await TestNode.create({ mebibytes: { A: 8, B: 8 } });
  await node.sandbox.sh(`mount ${node.disk.of("KSOLODATA")} /var/lib/kubesolo`);
  await node.put("/etc/kubesolo/update.conf", CONF);
  await node.put(STATE, formatState(NEW_STATE));
  await node.esp((grub) => Deno.copyFile(`${ROOT}/deploy/grub/grub.cfg`, `${grub}/grub.cfg`));
  return node;
}

async function examined(node: TestNode, ...flags: readonly string[]): Promise<Examined> {
  const { code, stdout, stderr } = await node.update(
    ...["doctor", "--json", "--log-level", "warning", ...flags],
  );
  assertEquals(stderr, "", stdout);
  const outcome: Examined = JSON.parse(stdout);
  assertEquals(code, outcome.result === "problem" ? 60 : 0, stdout);
  return outcome;
}

/** Every byte of ESP and slots, and the files on the data partition, which the node has mounted. */
async function footprint(node: TestNode): Promise<string> {
  const devices = ["KSOLOEFI", "KSOLOA", "KSOLOB"].map((label) => node.disk.of(label)).join(" ");
  return await node.sandbox.sh(`
    sync; b2sum ${devices}
    find /etc/kubesolo /var/lib/kubesolo -printf '%p %T@ %s %m\\n' | sort`);
}

/** Something that goes wrong, and how it is put right again. */
interface Breakage {
  readonly what: string;
  /** In the node's file tree. */
  readonly sh?: string;
  readonly mendSh?: string;
  readonly wreck?: (node: TestNode) => Promise<unknown>;
  readonly mend?: (node: TestNode) => Promise<unknown>;
  /** All checks that have something to say: level, found, advice. */
  readonly says: Readonly<Record<string, readonly [string, RegExp, RegExp?]>>;
}

const [BAD_BLOCK, OTHER_BLOCK] = [
  "junk",
  "# GRUB Environment Block\nactive_slot=A\nboot_success=0\n",
]
  .map((text) => text.padEnd(1024, "#"));
const writeEnv = (...texts: readonly (string | undefined)[]) => (node: TestNode) =>
  node.esp(async (grub) => {
    for (const [at, name] of ["grubenv", "grubenv.bak"].entries()) {
      const text = texts[at];
      if (text !== undefined) await Deno.writeTextFile(`${grub}/${name}`, text);
    }
  });
const goodEnv = (node: TestNode) => node.setGrubenv("A", 3, 1);
const uevent = (node: TestNode, label: string) => {
  const name = node.disk.of(label).slice("/dev/".length);
  return `${node.disk.view}/sys/class/block/${name}/uevent`;
};
const rename = (label: string, to: string) => async (node: TestNode) => {
  const text = await Deno.readTextFile(uevent(node, label));
  await Deno.writeTextFile(uevent(node, label), text.replace(/^PARTNAME=.*$/m, `PARTNAME=${to}`));
};
const relabel = (label: string, to: string) => async (node: TestNode) => {
  const device = node.disk.of(label);
  const { success } = await new Deno.Command("e2label", { args: [device, to] }).output();
  assert(success);
};

const BREAKAGES: readonly Breakage[] = [
  {
    what: "a slot's partition is gone",
    wreck: async (node) => {
      await relabel("KSOLOB", "OTHER")(node);
      await rename("KSOLOB", "OTHER")(node);
    },
    mend: async (node) => {
      await relabel("KSOLOB", "KSOLOB")(node);
      await rename("KSOLOB", "KSOLOB")(node);
    },
    says: {
      "partitions": ["problem", /^no partition KSOLOB on this machine$/, /anew from the image/],
      "passive slot": ["problem", /^looking for the partition KSOLOB: no such GPT name/],
      "room": ["problem", /^looking for the partition KSOLOB/],
    },
  },
  {
    what: "a slot has its name from its file system alone",
    wreck: rename("KSOLOB", "OTHER"),
    mend: rename("KSOLOB", "KSOLOB"),
    says: {
      "partition names": ["warning", /KSOLOB by its file system alone/, /^name it in the GPT/],
    },
  },
  {
    what: "the ESP says that it is something else",
    wreck: relabel("KSOLOEFI", "KSOLODATA"),
    mend: relabel("KSOLOEFI", "KSOLOEFI"),
    says: {
      "partition names": ["warning", /KSOLOEFI in the GPT, but KSOLODATA by its file system/],
    },
  },
  {
    what: "one copy of grubenv is garbled",
    wreck: writeEnv(BAD_BLOCK),
    mend: goodEnv,
    says: {
      "grubenv.bak": [
        "warning",
        /^grubenv: no GRUB environment block$/,
        /healthcheck` writes both/,
      ],
    },
  },
  {
    what: "the copies differ",
    wreck: writeEnv(undefined, OTHER_BLOCK),
    mend: goodEnv,
    says: { "grubenv.bak": ["warning", /^the two copies say different things$/] },
  },
  {
    what: "the second copy is gone",
    wreck: (node) => node.esp((grub) => Deno.remove(`${grub}/grubenv.bak`)),
    mend: goodEnv,
    says: { "grubenv.bak": ["warning", /^grubenv.bak: absent$/] },
  },
  {
    what: "both are no environment",
    wreck: writeEnv(BAD_BLOCK.slice(0, 100), "\0".repeat(1024)),
    mend: goodEnv,
    says: {
      "grubenv": [
        "problem",
        /^grubenv: 100 bytes instead of 1024, grubenv.bak: all zero bytes: GRUB/,
      ],
      "grubenv.bak": ["warning", /^grubenv: 100 bytes/],
    },
  },
  {
    what: "grubenv means the slot that does not run",
    wreck: (node) => node.setGrubenv("B", 9, 1),
    mend: goodEnv,
    says: {
      "grubenv": ["warning", /a counter of 0 to 3 is wanted.*but slot A runs$/, /reboot to be/],
    },
  },
  {
    what: "GRUB's configuration is somebody else's",
    wreck: (node) => node.esp((grub) => Deno.writeTextFile(`${grub}/grub.cfg`, "linux /vmlinuz\n")),
    mend: (node) =>
      node.esp((grub) => Deno.copyFile(`${ROOT}/deploy/grub/grub.cfg`, `${grub}/grub.cfg`)),
    says: {
      "grub.cfg": [
        "problem",
        /^it knows nothing of active_slot, .*: attempts are not counted/,
        /deploy\/grub/,
      ],
    },
  },
  {
    what: "GRUB fell back",
    wreck: (node) =>
      node.sandbox.boot({ commandLine: "ksolo.slot=A ksolo.boot=fallback", id: bootId(2) }),
    mend: (node) =>
      node.sandbox.boot({ commandLine: "ksolo.slot=A ksolo.boot=normal", id: bootId(3) }),
    says: { "boot": ["warning", /^GRUB fell back to slot A/, /kubesolo-update apply/] },
  },
  {
    what: "a tool is missing",
    sh: `mkdir -p /run/bin/up /run/bin/work
      mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/run/bin/up,workdir=/run/bin/work /usr/bin
      rm /usr/bin/setsid /usr/bin/grub-editenv`,
    mendSh: "umount -l /usr/bin",
    says: { "tools": ["warning", /^no setsid$/, /health scripts cannot be run/] },
  },
  {
    what: "a byte of the passive slot is another one",
    wreck: (node) =>
      node.disk.mounted(
        "KSOLOB",
        (slot) => Deno.writeFile(`${slot}/vmlinuz`, bytesOf("x", 300_000)),
      ),
    mend: (node) => node.fill("B", "1.0.0"),
    says: {
      "passive slot": [
        "problem",
        /slot B .*vmlinuz reads back as SHA-256/,
        /no way back .* apply`$/,
      ],
    },
  },
  {
    what: "the running slot would not boot again",
    wreck: (node) => node.disk.mounted("KSOLOA", (slot) => Deno.remove(`${slot}/kubesolo-os.gz`)),
    mend: (node) => node.fill("A", "1.0.0"),
    says: { "running slot": ["problem", /kubesolo-os.gz missing/, /before the next reboot/] },
  },
  {
    what: "the passive slot has no room",
    wreck: (node) =>
      node.disk.mounted("KSOLOB", async (slot) => {
        await Deno.remove(`${slot}/kubesolo-os.gz`);
        await Deno.writeFile(`${slot}/theirs`, new Uint8Array(8 << 20)).catch(() => {});
      }),
    mend: async (node) => {
      await node.disk.mounted("KSOLOB", (slot) => Deno.remove(`${slot}/theirs`));
      await node.fill("B", "1.0.0");
    },
    says: {
      "passive slot": ["problem", /kubesolo-os.gz missing/],
      "room": ["problem", /^slot B takes .* what runs in slot A has 2.19 MiB$/, /larger$/],
    },
  },
  {
    what: "the data partition is full",
    sh: "cat /dev/zero >/var/lib/kubesolo/full 2>/dev/null || true",
    mendSh: "rm /var/lib/kubesolo/full",
    says: { "data partition": ["problem", /ext4.*with 0 B free$/, /^make room/] },
  },
  {
    what: "the data partition is read-only",
    sh: "mount -o remount,ro /var/lib/kubesolo",
    mendSh: "mount -o remount,rw /var/lib/kubesolo",
    says: { "data partition": ["problem", /ext4.*read-only$/, /kernel's log/] },
  },
  {
    what: "the data partition is not mounted",
    sh: "umount /var/lib/kubesolo",
    mend: (node) => node.sandbox.sh(`mount ${node.disk.of("KSOLODATA")} /var/lib/kubesolo`),
    says: { "data partition": ["problem", /tmpfs.*gone after a reboot$/, /KSOLODATA/] },
  },
  {
    what: "the state is garbled",
    sh: `cp ${STATE} /run/state; echo '{' >${STATE}; touch ${STATE}.garbled-1`,
    mendSh: `cp /run/state ${STATE}; rm ${STATE}.garbled-1`,
    says: { "state": ["problem", /^\/var\/lib\/kubesolo\/update\/state.json: /, /sets it aside/] },
  },
  {
    what: "the clock is behind what was written down, and a download was never ended",
    wreck: (node) =>
      node.put(
        STATE,
        formatState({
          ...NEW_STATE,
          phase: "downloading",
          to_version: "2.0.0",
          updated_at: "2026-01-01T00:00:00Z",
          started_at: "2099-01-01T00:00:00Z",
        }),
      ),
    mend: (node) => node.put(STATE, formatState(NEW_STATE)),
    says: {
      "clock": ["problem", /^it is at least 2099-01-01T00:00:00.000Z, which the clock has/, /NTP/],
      "state": ["warning", /^phase downloading 2.0.0 since 2026/, /run the command again/],
    },
  },
  {
    what: "no time server has answered",
    sh: "mkdir -p /run/systemd/timesync",
    mendSh: "touch /run/systemd/timesync/synchronized",
    says: { "clock": ["warning", /no time server has answered yet$/, /^see `timedatectl/] },
  },
  {
    what: "an agent was killed",
    sh:
      "touch /var/lib/kubesolo/update/health-check.tmp; mkdir -p /run/kubesolo-update/mnt/99999999-a",
    mendSh:
      "rm /var/lib/kubesolo/update/health-check.tmp; rmdir /run/kubesolo-update/mnt/99999999-a",
    says: { "leftovers": ["warning", /health-check.tmp, .*\/99999999-a$/] },
  },
  {
    what: "more keys have to sign than there are",
    wreck: async (node) => {
      await node.put("/etc/kubesolo/update.conf", "server=http://updates.lan\n");
      const keys = [{ name: "ops", key: KEY }];
      await node.put(
        "/etc/kubesolo/trust.json",
        JSON.stringify({ version: 1, threshold: 2, keys }),
      );
    },
    mendSh: "rm /etc/kubesolo/trust.json",
    mend: (node) => node.put("/etc/kubesolo/update.conf", CONF),
    says: {
      "trust": ["problem", /trust.json: threshold/, /write version, threshold and keys there/],
    },
  },
  {
    what: "there is no key, and a setting is wrong",
    wreck: (node) =>
      node.put(
        "/etc/kubesolo/update.conf",
        "server=http://x\nmaintenance_window=never\ncolour=red\n",
      ),
    mend: (node) => node.put("/etc/kubesolo/update.conf", CONF),
    says: {
      "settings": [
        "problem",
        /maintenance_window in .*:2.*update.conf:3: unknown key colour/,
        /kubesolo-update config/,
      ],
      "trust": ["warning", /^no key: whatever answers/, /deno task keygen/],
    },
  },
];

Deno.test("doctor finds each thing that is wrong on a node, and nothing else", async () => {
  await using node = await healthyNode();
  const before = await footprint(node);
  const well = await examined(node);
  assertEquals(well.checks.filter(({ level }) => level !== "ok"), []);
  assertEquals([well.result, well.checks.length], ["ok", 20]);
  assertEquals(await footprint(node), before, "it has changed something");

  for (const { what, sh, mendSh, wreck, mend, says } of BREAKAGES) {
    await wreck?.(node);
    if (sh) await node.sandbox.sh(sh);
    const before = await footprint(node);
    const { checks } = await examined(node);
    assertEquals(await footprint(node), before, `${what}: it has changed something`);
    const bad = checks.filter(({ level }) => level !== "ok");
    assertEquals(
      bad.map(({ name }) => name).sort(),
      Object.keys(says).sort(),
      what + JSON.stringify(bad),
    );
    for (const { name, level, found, advice } of bad) {
      const [wantedLevel, wantedFound, wantedAdvice = /./] = says[name];
      assertEquals(level, wantedLevel, `${what}: ${name}`);
      assertMatch(found, wantedFound, what);
      assertMatch(advice ?? "", wantedAdvice, what);
    }
    if (mendSh) await node.sandbox.sh(mendSh);
    await mend?.(node);
  }
  assertEquals((await examined(node)).result, "ok", "all was put right again");
  assertEquals(await node.mounts(), ["/var/lib/kubesolo"]);
});

Deno.test("doctor takes slots of squashfs for what they are: full, and as large as an image may be", async () => {
  await using node = await healthyNode();
  const image = `${node.disk.directory}/slot.squashfs`;
  await node.disk.mounted("KSOLOA", async (slot) => {
    await run("mksquashfs", slot, image, "-quiet", "-no-progress", "-e", "lost+found");
  });
  const room = async (label: string) => {
    await run("dd", `if=${image}`, `of=${node.disk.of(label)}`, "bs=1M", "conv=fsync");
    const { checks } = await examined(node);
    return checks.filter(({ name, level }) => name === "room" || level !== "ok")
      .map(({ name, level, found }) => [name, level, found]);
  };
  assertEquals(await room("KSOLOB"), [
    ["room", "warning", "slot B takes whole images only, up to 8 MiB"],
  ]);
  assertEquals(await room("KSOLOA"), [["room", "ok", "slot B takes images of up to 8 MiB"]]);
});

Deno.test("doctor names both disks that are called the same, and takes the one that is named", async () => {
  await using node = await healthyNode();
  const partitions = systemPartitions({ efi: "ext4" }).slice(1, 3);
  await using other = await LoopDisk.create({ partitions, beside: node.disk });
  const { checks } = await examined(node);
  const found = checks.find(({ name }) => name === "partitions");
  assertEquals(found?.level, "problem");
  for (const label of ["KSOLOA", "KSOLOB"]) {
    // the kernel gives a loop device the lowest number that is free
    const devices = [node.disk.of(label), other.of(label)]
      .sort((one, another) => one.localeCompare(another, "en", { numeric: true }));
    assertStringIncludes(
      found?.found ?? "",
      `${devices.join(" and ")} are all called ${label}`,
    );
  }
  assertStringIncludes(found?.advice ?? "", "--disk");
  assertEquals((await examined(node, "--disk", node.disk.device)).result, "ok");
});

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

Deno.test("doctor is kind to a machine that is no node, and to who is not root", async () => {
  const partitions = [{ gptName: "ROOT", fileSystem: "none", mebibytes: 1 }] as const;
  await using disk = await LoopDisk.create({ partitions });
  await using sandbox = await Sandbox.create(disk);
  const text = (ran: Ran) => {
    assertEquals(ran.stderr, "");
    assertEquals(ran.code, 60, ran.stdout);
    return ran.stdout;
  };
  const none = text(await sandbox.update("doctor"));
  assertMatch(
    none,
    /^problem +partitions +none of 1 partitions of this machine is called KSOLOEFI, /m,
  );
  assertMatch(none, /^skipped +grubenv +this machine has no partitions of a KubeSolo node$/m);
  assertMatch(
    none,
    /\n\n2 problems \(partitions, data partition\), 2 warnings \(.*\); 20 checks\n$/,
  );
  await sandbox.sh("rmdir /var/lib/kubesolo");
  const bare = text(await sandbox.update("doctor"));
  assertMatch(bare, /^warning +data partition +there is nothing at \/var\/lib\/kubesolo\/update$/m);
  assertEquals((await sandbox.run("ls", "/var/lib/kubesolo")).code, 2, "none was made");
  assertEquals(none.includes("\x1b"), false, "no colours where nobody looks");

  await sandbox.sh(`
    cp ${sandbox.agent} /run/agent; chmod 755 /run/agent
    umount /run/kubesolo-update/host/dev /run/kubesolo-update/host/sys`);
  const nobody = text(await sandbox.run("setpriv", "--reuid=65534", "/run/agent", "doctor"));
  assertMatch(nobody, /^problem +permissions +making \/dev, \/proc and \/sys visible/m);
  assertMatch(nobody, /^skipped +partition names/m);
});

Deno.test("a check that throws or never answers keeps no other one from being made", async () => {
  const failure = new UpdateError("slot", {
    operation: "looking",
    found: "a hole",
    advice: "mend",
  });
  const checks: readonly Check[] = [
    { name: "hangs", seconds: 0.05, look: () => new Promise(() => {}) },
    { name: "throws", look: () => Promise.reject(failure) },
    { name: "breaks", look: () => Promise.reject(new TypeError("no such method")) },
    { name: "needs", look: () => needed(Promise.reject(failure), "what runs") },
    { name: "works", look: () => Promise.resolve(ok("well")) },
  ];
  assertEquals((await examine(checks)).map(({ name, level, found }) => [name, level, found]), [
    ["hangs", "problem", "no answer within 0.05 s"],
    ["throws", "problem", "looking: a hole"],
    ["breaks", "problem", "no such method"],
    ["needs", "skipped", "what runs cannot be told"],
    ["works", "ok", "well"],
  ]);
});
