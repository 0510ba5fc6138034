import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { applyCloudInit } from "../../../mod/cli/cloud_init/apply_cloud_init.ts";
import { readCloudConfig } from "../../../mod/cli/cloud_init/cloud_config.ts";
import { UpdateError } from "../../../mod/core/mod.ts";
import { MemoryDisk, SURVIVALS } from "../../fakes/memory_disk.ts";

const FROM = "/var/lib/kubesolo/user-data";
const CONF = "/etc/kubesolo/update.conf";

/** What the block comes to, as key and value. */
function block(yaml: string): (readonly string[])[] | undefined {
  return readCloudConfig(`#cloud-config\n${yaml}`, FROM).updates?.map((
    { name, text },
  ) => [name, text]);
}

function refusal(document: string): string {
  const error = assertThrows(() => readCloudConfig(document, FROM), UpdateError);
  assertEquals(error.code, "usage");
  return error.message;
}

/** A disk with a cloud-config, and an update.conf where one is given. */
function diskWith(yaml: string, conf?: string): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(FROM, yaml.startsWith("#") ? yaml : `#cloud-config\n${yaml}`);
  if (conf !== undefined) disk.put(CONF, conf);
  return disk;
}

function confOf(disk: MemoryDisk, path = CONF): string | undefined {
  const bytes = disk.get(path);
  return bytes && new TextDecoder().decode(bytes);
}

async function applyTo(disk: MemoryDisk): Promise<string> {
  const [{ result, backup }] = (await applyCloudInit(disk, { from: FROM, conf: CONF })).files;
  return backup ? `${result}, ${backup}` : result;
}

Deno.test("the updates: block is read as text, whatever YAML would make of it", () => {
  const written = block(`
hostname: node-12
updates:
  server: "http://updates.lan/stable"   # a comment
  tag: 1.10
  channel: yes
  auto_rollback_after: 0x3
  maintenance_window: 22:00-04:00
  pubkey: 'it''s one'
  healthcheck_url:
  ca_file: ~
`);
  assertEquals(written, [
    ["server", "http://updates.lan/stable"],
    ["tag", "1.10"],
    ["channel", "yes"],
    ["autoRollbackAfter", "0x3"],
    ["maintenanceWindow", "22:00-04:00"],
    ["pubkey", "it's one"],
  ]);
});

Deno.test("maintenance_window may be a list, and anything may be an alias", () => {
  assertEquals(
    block(`
updates:
  maintenance_window:
    - Sat,Sun 22:00-04:00
    - "Mon-Fri 01:00-03:00"
`),
    [["maintenanceWindow", "Sat,Sun 22:00-04:00; Mon-Fri 01:00-03:00"]],
  );
  const anchored = "x: &x\n  channel: &c beta\nupdates:\n  channel: *c\n";
  assertEquals(block(anchored), [["channel", "beta"]]);
  assertEquals(block("x: &x\n  channel: beta\nupdates: *x\n"), [["channel", "beta"]]);
});

Deno.test("a document without the block is told from one with an empty block", () => {
  for (const none of ["", "---\n", "hostname: x\n", "# only this\n", "update:\n  channel: x\n"]) {
    assertEquals(block(none), undefined, none);
  }
  for (const empty of ["updates:\n", "updates: {}\n", "updates: ~\n", "updates:\n  channel:\n"]) {
    assertEquals(block(empty), [], empty);
  }
});

Deno.test("line ends, a byte order mark and tabs do no harm", () => {
  const document = "\uFEFF#cloud-config \r\nupdates:\r\n  channel:\tbeta\r\n";
  assertEquals(readCloudConfig(document, FROM).updates?.[0].text, "beta");
});

Deno.test("what is no cloud-config is refused, with its first line", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /user-data:1: "" in the first line; give a document whose first line is #cloud-config$/],
    ["updates:\n", /"updates:" in the first line/],
    ["## template: jinja\n#cloud-config\n", /a template, "## template: jinja", that was not rend/],
    ["#!/bin/sh\n", /"#!\/bin\/sh" in the first line/],
    ["#cloud-config-archive\n", /"#cloud-config-archive" in the first line/],
    ["Content-Type: multipart/mixed\n", /a MIME archive, "Content-Type: multi/],
    [new TextDecoder().decode(new Uint8Array([0x1f, 0x8b, 8, 0])), /compressed with gzip/],
    [`\x1b[2J${"x".repeat(9999)}`, /^.{1,200}$/],
  ];
  for (const [document, says] of cases) assertMatch(refusal(document), says);
});

Deno.test("broken YAML is refused, with the line", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["updates:\n  channel: [beta\n", /user-data:\d: /],
    ["updates:\n\tchannel: beta\n", /user-data:3: Tabs are not allowed/],
    [
      "a: 1\nupdates:\n  channel: beta\nupdates:\n  channel: x\n",
      /user-data:5: Map keys must be u/,
    ],
    ["updates:\n  channel: beta\n  channel: x\n", /user-data:4: Map keys must be unique/],
    ["updates:\n  channel: *nobody\n", /user-data:3: \*nobody, which is nowhere/],
    ["a: 1\n---\nupdates: {}\n", /user-data:3: a second document; give one/],
    ["- updates\n", /user-data:2: no mapping at the top/],
    ["updates: beta\n", /user-data:2: updates: is no mapping/],
    ["updates:\n  - channel: beta\n", /user-data:2: updates: is no mapping/],
    ["updates:\n  chanel: beta\n", /user-data:3: the unknown key "chanel"; known are server, /],
    ["updates:\n  conf: x\n", /user-data:3: the unknown key "conf"/],
    ["updates:\n  healthcheckUrl: x\n", /user-data:3: the unknown key "healthcheckUrl"/],
    ["updates:\n  <<: {channel: x}\n", /user-data:3: the unknown key "<<"/],
    ["updates:\n  channel: [beta]\n", /user-data:3: channel is no text/],
    ["updates:\n  maintenance_window:\n    - [x]\n", /user-data:3: maintenance_window is no text/],
    [
      "updates:\n  server: http://x/\n  registry: x.lan/y\n",
      /user-data:4: registry and server; give/,
    ],
  ];
  for (const [yaml, says] of cases) assertMatch(refusal(`#cloud-config\n${yaml}`), says, yaml);
});

Deno.test("a document that is made to grow, or to go deep, ends soon", () => {
  const bomb = [..."abcdefghi"].map((name, at) =>
    `${name}: &${name} [${Array(9).fill(at === 0 ? "lol" : `*${"abcdefghi"[at - 1]}`)}]`
  ).join("\n");
  assertEquals(block(`${bomb}\nupdates:\n  channel: beta\n`), [["channel", "beta"]]);
  assertMatch(refusal(`#cloud-config\n${bomb}\nupdates:\n  channel: *i\n`), /channel is no text/);
  assertMatch(refusal(`#cloud-config\n${bomb}\nupdates:\n  maintenance_window: *i\n`), /no text/);
  assertMatch(refusal("#cloud-config\nupdates: &x\n  channel: *x\n"), /channel is no text/);
  const deep = `#cloud-config\nupdates: ${"[".repeat(100_000)}`;
  assertMatch(refusal(deep), /user-data:\d: Maximum call stack/);
});

Deno.test("any text is a block or a wrong document, and never anything else", () => {
  const piece = fc.constantFrom(
    ...[
      "updates:",
      "\n",
      "  ",
      "channel: x",
      "server: http://h/",
      "- ",
      "&a ",
      "*a",
      "[",
      "{",
      "'",
    ],
    ...["---\n", "? ", ": ", "!!binary ", "|", "%YAML 1.1\n", "\t", "maintenance_window:"],
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    try {
      block(pieces.join(""));
    } catch (error) {
      assert(error instanceof UpdateError && error.code === "usage", String(error));
    }
  }));
});

const YAML = "updates:\n  server: http://updates.lan/stable\n  channel: beta\n";
const TEXT =
  `# made by kubesolo-update from the updates: block of ${FROM}; changes here last until that is replaced
server=http://updates.lan/stable
channel=beta
`;

Deno.test("the block becomes update.conf, once", async () => {
  const disk = diskWith(YAML);
  assertEquals(await applyTo(disk), "written");
  assertEquals(confOf(disk), TEXT);
  const steps = disk.steps.length;
  assertEquals(await applyTo(disk), "unchanged");
  assertEquals(disk.steps.length, steps, "and nothing was touched");
});

Deno.test("a file that was made here follows the block; without a block it stays", async () => {
  const disk = diskWith(YAML);
  await applyTo(disk);
  disk.put(FROM, "#cloud-config\nhostname: x\n");
  assertEquals([await applyTo(disk), confOf(disk)], ["left_alone", TEXT]);
  disk.put(FROM, "#cloud-config\nupdates:\n  channel: stable\n");
  assertEquals(await applyTo(disk), "written");
  assertEquals(confOf(disk), `${TEXT.split("\n")[0]}\nchannel=stable\n`);
  disk.put(FROM, "#cloud-config\nupdates: {}\n");
  assertEquals(await applyTo(disk), "written");
  assertEquals(confOf(disk), `${TEXT.split("\n")[0]}\n`);
  assertEquals(confOf(disk, `${CONF}.bak`), undefined);
});

Deno.test("a file that a person wrote is replaced only by settings, and is kept", async () => {
  const own = "channel=mine\n";
  for (const empty of ["hostname: x\n", "updates:\n", "updates: {}\n"]) {
    const disk = diskWith(empty, own);
    assertEquals([await applyTo(disk), confOf(disk)], ["left_alone", own]);
  }
  const disk = diskWith(YAML, own);
  assertEquals(await applyTo(disk), `written, ${CONF}.bak`);
  assertEquals([confOf(disk), confOf(disk, `${CONF}.bak`)], [TEXT, own]);
});

Deno.test("one bad value, and nothing is written", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["server: ftp://x/\n", /^reading server in .*user-data:3: "ftp:\/\/x\/"; write it as http/],
    ["server: http://u:secret@h:x/\n", /^reading server in .*: "http:\/\/…@h:x\/"/],
    ["registry: Updates.lan/UPPER\n", /^reading registry in .*user-data:3: .*lower-case/],
    ["maintenance_window: 04:00-04:00\n", /user-data:3: "04:00-04:00", which ends when it starts/],
    ["maintenance_window: []\n", /./],
    ["maintenance_window: [22:00-23:00, never]\n", /user-data:3: "never"/],
    ["auto_rollback_after: soon\n", /^reading auto_rollback_after in .*user-data:3: "soon"/],
    ['channel: "beta\\nserver=http://evil/"\n', /^reading channel in .*user-data:3/],
    ['pubkey: "x\\nserver=http://evil/"\n', /^reading pubkey in .*user-data:3: /],
    ['pubkey: "x\\u2028server=http://evil/"\n', /./],
    ["pubkey: |\n    x\n    server=http://evil/\n", /^reading pubkey in .*: .* on one line/],
  ];
  for (const [line, says] of cases) {
    const other = line.startsWith("channel") ? "" : "  channel: beta\n";
    const disk = diskWith(`updates:\n  ${line}${other}`, "channel=mine\n");
    try {
      await applyTo(disk);
      assertEquals(confOf(disk)?.includes("\nserver="), false, line);
    } catch (error) {
      assert(error instanceof UpdateError && error.code === "usage", `${line}: ${error}`);
      assertMatch(error.message, says);
      assertEquals(error.message.includes("secret"), false);
      assertEquals([confOf(disk), disk.steps], ["channel=mine\n", []]);
    }
  }
});

Deno.test("a path cannot smuggle in a line", async () => {
  const from = "/var/lib/kubesolo/x\nserver=http://evil/";
  const disk = diskWith(YAML);
  disk.put(from, `#cloud-config\n${YAML}`);
  await assertRejects(() => applyCloudInit(disk, { from, conf: CONF }), UpdateError, "on a line");
  assertEquals(confOf(disk), undefined);
});

Deno.test("a document that is too long, or is not there, is a wrong command line", async () => {
  const long = `${YAML}# ${"x".repeat(128 << 10)}`;
  await assertRejects(() => applyTo(diskWith(long)), UpdateError, "more than 131072 bytes");
  const disk = diskWith(YAML);
  await assertRejects(
    () => applyCloudInit(disk, { from: "/etc/kubesolo/absent", conf: CONF }),
    UpdateError,
    "reading /etc/kubesolo/absent",
  );
});

Deno.test("a power cut leaves the old file or the new one, and running it again ends well", async () => {
  const own = "channel=mine\n";
  const whole = diskWith(YAML, own);
  await applyTo(whole);
  let cuts = 0;
  for (let step = 0; step < whole.steps.length; step++) {
    for (const torn of [false, true]) {
      for (const survival of SURVIVALS) {
        const disk = diskWith(YAML, own);
        disk.cutAt({ step, torn });
        await assertRejects(() => applyTo(disk), UpdateError);
        const after = disk.powerOn(survival);
        assert([own, TEXT].includes(confOf(after) ?? ""), `step ${step}: ${confOf(after)}`);
        await applyTo(after);
        assertEquals([confOf(after), confOf(after, `${CONF}.bak`)], [TEXT, own]);
        cuts++;
      }
    }
  }
  assert(cuts > 50, `${cuts} cuts`);
});
