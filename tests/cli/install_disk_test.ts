import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { carriedFiles } from "../../mod/cli/install_disk/carried_files.ts";
import { chooseTarget, chosenAgain } from "../../mod/cli/install_disk/choose_target.ts";
import { findStick, stickImage } from "../../mod/cli/install_disk/stick.ts";
import { UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import {
  DiskMedium,
  packTable,
  parseTable,
  RECORD_AT,
  SECTOR,
  type SurveyedDisk,
  writeDisk,
} from "../../mod/provision/mod.ts";
import { runText } from "../../tasks/run.ts";
import { MemoryMedium, smallDisk } from "../provision/_media.ts";
import { Sandbox } from "../sandbox.ts";
import { complaintOf } from "./_aftermath.ts";
import { until } from "../until.ts";

const MIB = 1 << 20;

function disk(name: string, more: Partial<SurveyedDisk> = {}): SurveyedDisk {
  const device = `/dev/${name}`;
  return { device, path: device, size: 8 * 2 ** 30, removable: false, refusals: [], ...more };
}

/** What a person who types `lines` is told, and which disk comes of it. */
async function choose(...lines: string[]): Promise<[string | undefined, string[]]> {
  const stick = disk("sda", { model: "SanDisk Ultra", removable: true });
  const fixed = { reason: "fixed", found: "it is no removable disk", advice: "add --yes" } as const;
  const mounted = { reason: "mounted", found: "it is in use", advice: "unmount it" } as const;
  const disks = [
    stick,
    disk("nvme0n1", { model: "QEMU", serial: "S1", refusals: [fixed] }),
    disk("vdb", { refusals: [fixed, mounted] }),
  ];
  const told: string[] = [];
  const target = await chooseTarget(disks, stick, {
    say: (text) => told.push(text),
    ask: () => Promise.resolve(lines.shift()),
  });
  assertEquals(lines, [], "all of it was asked for");
  return [target?.device, told];
}

Deno.test("the disks are shown with size, model, serial number, and what speaks against them", async () => {
  const [, [table]] = await choose("");
  assertMatch(table, /^sda +8 GiB +SanDisk Ultra +- +this machine was started from it$/m);
  assertMatch(table, /^nvme0n1 +8 GiB +QEMU +S1 +can be installed onto$/m);
  assertMatch(table, /^vdb +8 GiB +- +- +it is in use$/m);
});

Deno.test("a disk is taken when it was named twice, and no other answer takes one", async () => {
  assertEquals((await choose("nvme0n1", "nvme0n1"))[0], "/dev/nvme0n1");
  assertEquals((await choose("/dev/nvme0n1", "nvme0n1"))[0], "/dev/nvme0n1");
  for (const again of ["", "y", "yes", "nvme0n", "NVME0N1", "vdb"]) {
    const [target, told] = await choose("nvme0n1", again, "");
    assertEquals([target, told.at(-1)], [undefined, "That is another name: nothing was written."]);
  }
  const answers: [string, RegExp][] = [
    ["sda", /^sda: this machine was started from it; name the disk .* Nothing was written\.$/],
    ["vdb", /^vdb: it is in use; unmount it\. Nothing was written\.$/],
    ["nvme0n1p1", /^"nvme0n1p1" is none of them: nothing was written\.$/],
    ["\x1b[2Jx", /^"\[2Jx" is none of them/],
  ];
  for (const [typed, says] of answers) {
    const [target, told] = await choose(typed, "");
    assertEquals(target, undefined);
    assertMatch(told.at(-1) ?? "", says);
  }
  assertEquals((await choose())[0], undefined, "nobody is there any more");
});

Deno.test("what was chosen is looked at again: another disk, or one in use by now, is refused", () => {
  const fixed = { reason: "fixed", found: "it is no removable disk", advice: "add --yes" } as const;
  const mounted = { reason: "mounted", found: "it is in use", advice: "unmount it" } as const;
  const chosen = disk("sdb", { serial: "S1", refusals: [fixed] });
  assertEquals(chosenAgain(chosen, [disk("sda"), { ...chosen }]), chosen);
  const cases: [SurveyedDisk[], RegExp][] = [
    [[], /sdb again: no disk any more; choose again/],
    [[{ ...chosen, device: "/dev/sdc" }], /no disk any more/],
    [[{ ...chosen, serial: "S2" }], /another disk than before; choose again/],
    [[{ ...chosen, serial: undefined }], /another disk than before/],
    [[{ ...chosen, size: chosen.size - 512 }], /another disk than before/],
    [[{ ...chosen, refusals: [fixed, mounted] }], /sdb again: it is in use; unmount it/],
  ];
  for (const [now, says] of cases) {
    const error = assertThrows(() => chosenAgain(chosen, now), UpdateError);
    assertEquals(error.code, "refused");
    assertMatch(error.message, says);
  }
});

/** A stick of 200 MiB in a file, whose data partition takes all of it. */
async function makeStick(path: string): Promise<string> {
  const bytes = smallDisk();
  const table = parseTable(bytes, path);
  const partitions = table.partitions.map((one) =>
    one.name === "KSOLODATA" ? { ...one, last: 199 * MIB / SECTOR - 1 } : one
  );
  const packed = packTable({ ...table, partitions }, 200 * MIB / SECTOR);
  bytes.set(packed.record, RECORD_AT);
  bytes.set(packed.first, SECTOR);
  await Deno.writeFile(path, bytes);
  await Deno.truncate(path, 200 * MIB);
  return table.partitions[0].guid;
}

Deno.test("the stick is the one disk with the partition that GRUB came from", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [guid] = [await makeStick(`${directory}/sda`), await makeStick(`${directory}/mmcblk0`)];
    await Deno.writeFile(`${directory}/vda`, new Uint8Array(MIB));
    const here = (...names: string[]) => names.map((n) => disk(n, { path: `${directory}/${n}` }));
    const find = (guid: string, ...names: string[]) =>
      findStick(new DenoDisk(), here(...names), guid);
    const { disk: found, data } = await find(guid, "vda", "mmcblk0", "absent", "sda");
    assertEquals([found.device, data.device], ["/dev/sda", "/dev/sda4"]);
    const card = parseTable(await Deno.readFile(`${directory}/mmcblk0`), "x").partitions[0].guid;
    assertEquals((await find(card, "mmcblk0")).data.path, `${directory}/mmcblk0p4`);
    await assertRejects(() => find(guid, "vda"), UpdateError, `none has the partition ${guid}`);
    await Deno.copyFile(`${directory}/sda`, `${directory}/sdb`);
    await assertRejects(
      () => find(guid, "sda", "sdb"),
      UpdateError,
      "/dev/sda and /dev/sdb are copies of each other; take out",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a stick that is larger than the disk is copied without its data, with new identifiers", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/sda`;
  try {
    const guid = await makeStick(path);
    const opener = new DenoDisk();
    const stick = await findStick(opener, [disk("sda", { path })], guid);
    const file = await opener.open(path, "read");
    const { image, copy, leastBytes } = stickImage(stick, file, 5 * MIB);
    assert(leastBytes > 73 * MIB && leastBytes < 80 * MIB, `${leastBytes}`);
    const medium = new MemoryMedium(90 * MIB);
    let filled: unknown;
    const fill = (data: unknown, before: unknown) => {
      filled = [data, before];
      return Promise.resolve();
    };
    const table = await writeDisk({ image, medium, copy, fill });
    const before = await Deno.readFile(path);
    assertEquals(medium.bytes.subarray(MIB, 4 * MIB), before.subarray(MIB, 4 * MIB));
    assertEquals(medium.bytes.subarray(0, RECORD_AT), before.subarray(0, RECORD_AT), "boot code");
    assert(
      !medium.bytes.subarray(4 * MIB, 4 * MIB + 99).every((byte, at) =>
        byte === before[4 * MIB + at]
      ),
    );
    assertEquals(parseTable(medium.bytes, "target"), table);
    assertEquals(filled, [{ offset: 4 * MIB, size: 85 * MIB }, leastBytes - 4 * MIB - 33 * SECTOR]);
    const guids = [stick.table, table].flatMap((one) => [
      one.guid,
      ...one.partitions.map(({ guid }) => guid),
    ]);
    assertEquals(new Set(guids).size, guids.length);
    file.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("what is read back comes from the disk, and not from what the kernel remembers", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/disk`;
  await Deno.writeFile(path, new Uint8Array(MIB));
  const loop = (await runText("losetup", ["--find", "--show", "--direct-io=on", path])).trim();
  try {
    using medium = await DiskMedium.open({ disk: new DenoDisk(), path: loop, alone: true });
    medium.write(4096, new Uint8Array(4096).fill(7));
    await medium.sync();
    using file = await Deno.open(path, { write: true });
    await file.seek(4096, Deno.SeekMode.Start);
    await file.write(new Uint8Array([1, 2, 3]));
    await file.sync();
    // who looks at all disks of this machine meanwhile keeps what the kernel remembers, for a moment
    await until(async () => {
      const [read] = await Array.fromAsync(medium.readBack(4096, 4096));
      assertEquals([...read.subarray(0, 4)], [1, 2, 3, 7]);
      return true;
    });
  } finally {
    await runText("losetup", ["--detach", loop]);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a stick brings its documents, scripts and bundles, and not its own life", async () => {
  const data = await Deno.makeTempDir();
  try {
    const put = async (name: string, mode = 0o644) => {
      await Deno.mkdir(`${data}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${data}/${name}`, name, { mode });
    };
    await put("etc-kubesolo/cloud-config.yaml", 0o600);
    await put("etc-kubesolo/health.d/required.d/warm", 0o755);
    await put("cloud/seed/nocloud/user-data");
    await put("kubesolo/bundle/2.0.0.ksu");
    await put("kubesolo/update/state.json");
    await put("kubesolo/cloud-init.sha256");
    await put("lost+found/x");
    await Deno.symlink("/etc/shadow", `${data}/etc-kubesolo/link`);
    const { files, bytes } = await carriedFiles(data);
    assertEquals(
      files.map(({ path, mode }) => `${path} ${mode.toString(8)}`).sort(),
      [
        "cloud/seed/nocloud/user-data 644",
        "etc-kubesolo/cloud-config.yaml 600",
        "etc-kubesolo/health.d/required.d/warm 755",
        "kubesolo/bundle/2.0.0.ksu 644",
      ],
    );
    assertEquals(bytes, files.reduce((sum, { path }) => sum + path.length, 0));
    assertEquals(await carriedFiles(`${data}/absent`), { files: [], bytes: 0 });
    const file = `${data}/cloud/seed/nocloud/user-data`;
    await assertRejects(() => carriedFiles(file), UpdateError, "stick carries: Not a directory");
    await put('etc-kubesolo/a"b');
    await assertRejects(() => carriedFiles(data), UpdateError, "without quotes and line ends");
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("install-disk does nothing on a machine that was not started for it", async () => {
  await using sandbox = await Sandbox.create();
  const guid = "ksolo.disk=11111111-2222-3333-4444-555555555555";
  for (const line of ["ksolo.slot=A ksolo.boot=normal", `${guid} quiet`, "ksolo.install"]) {
    await sandbox.boot({ commandLine: line, id: "x" });
    const ran = await sandbox.update("install-disk");
    assertEquals([ran.code, ran.stdout], [2, ""]);
    assertMatch(complaintOf(ran), /a machine that was not started for that; start it from a prov/);
  }
  await sandbox.boot({ commandLine: `ksolo.install ${guid}`, id: "x" });
  const ran = await sandbox.update("install-disk", "--json");
  assertEquals(ran.code, 50, ran.stderr);
  assertMatch(complaintOf(ran), /none has the partition 11111111-2222-3333-4444-555555555555/);
});
