import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename } from "@std/path";
import { type Ran, Sandbox } from "../sandbox.ts";
import { testKey } from "../trust/_keys.ts";
import { complaintOf } from "./_aftermath.ts";

const CONF = "/etc/kubesolo/update.conf";
const FROM = "/var/lib/kubesolo/user-data";

async function put(sandbox: Sandbox, path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  const escaped = [...bytes].map((byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join("");
  await sandbox.sh(`printf '%b' '${escaped}' >'${path}'`);
}

/** The lines of the table, by key: value and where it comes from. */
function linesOf({ stdout }: Ran): Record<string, string[]> {
  const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
  return Object.fromEntries(rows.map(([key, ...rest]) => [key, rest]));
}

Deno.test("config shows each value and where it comes from, and no secret", async () => {
  await using sandbox = await Sandbox.create();
  const none = await sandbox.update("config");
  assertEquals([none.code, none.stderr], [0, ""]);
  assertMatch(none.stdout, /^\/etc\/kubesolo\/update.conf, which is not there\n/);
  assertEquals(linesOf(none).channel, ["stable", "default"]);
  assertEquals(linesOf(none).server, ["not set"]);

  await put(
    sandbox,
    CONF,
    "# site 12\nserver=https://node:hunter2@updates.lan/stable?key=hunter2\nchannel=beta\n" +
      "colour=blue\nnonsense\nchannel = lts\ntag=\nregistry=registry.lan/os\n" +
      "maintenance_window=Sat,Sun 22:00-04:00;Mon-Fri 01:00-03:00\n",
  );
  const given = await sandbox.update("config", "--maintenance-window", "01:00-02:00");
  assertEquals([given.code, given.stderr], [0, ""]);
  const lines = linesOf(given);
  assertEquals(lines.registry, ["registry.lan/os", `${CONF}:8`]);
  assertEquals(lines.channel, ["lts", `${CONF}:6`]);
  assertEquals(lines.maintenance_window, ["01:00-02:00", "--maintenance-window"]);
  assertEquals(lines.tag, ["not set"]);
  const warnings = given.stdout.split("\n").filter((line) => line.startsWith("warning"));
  assertEquals(warnings, [
    `warning  ${CONF}:4: unknown key colour: it counts for nothing`,
    `warning  ${CONF}:5: no key=value: it counts for nothing`,
    `warning  ${CONF}:6: channel goes before channel in line 3, which counts for nothing`,
    `warning  ${CONF}:7: tag is empty: it counts as not given`,
    `warning  ${CONF}:8: registry goes before server in line 2, which counts for nothing`,
  ]);

  const machine = await sandbox.update("config", "--json", "--server", "http://me:hunter2@h/x");
  const { file, exists, settings, warnings: told } = JSON.parse(machine.stdout);
  assertEquals([file, exists, told.length], [CONF, true, 5]);
  assertEquals(settings.find(({ key }: { key: string }) => key === "server"), {
    key: "server",
    value: "http://…@h/x",
    origin: { from: "flag", flag: "--server" },
  });
  for (const { stdout } of [given, machine]) assert(!stdout.includes("hunter2"), stdout);
});

Deno.test("config says what is wrong with a value, and where", async () => {
  await using sandbox = await Sandbox.create();
  await put(
    sandbox,
    CONF,
    "server=updates.lan/UPPER\npubkey=abc\nmaintenance_window=22:00-22:00\nhealth_deadline=soon\r\n",
  );
  const wrong = await sandbox.update("config", "--channel", "two words", "--auto-rollback-after=0");
  assertEquals(wrong.code, 2);
  for (
    const says of [
      `reading server in ${CONF}:1: `,
      `reading pubkey in ${CONF}:2: `,
      `reading maintenance_window in ${CONF}:3: "22:00-22:00", which ends when it starts; write`,
      `reading health_deadline in ${CONF}:4: "soon"`,
      'reading --channel: "two words"',
      'reading --auto-rollback-after: "0"',
    ]
  ) assertStringIncludes(wrong.stdout, says);
  assertEquals(wrong.stdout.match(/^error /gm)?.length, 6);

  await sandbox.sh(`dd if=/dev/zero bs=1M count=10 2>/dev/null | tr '\\0' x >${CONF}`);
  const huge = await sandbox.update("config");
  assertEquals([huge.code, huge.stdout], [2, ""]);
  assertMatch(complaintOf(huge), /^reading .*update.conf: more than 65536 bytes; /);
  const both = await sandbox.update("config", "--server", "http://x/", "--registry", "x.lan/y");
  assertEquals(both.code, 2);
  const unknown = await sandbox.update("config", "aply-cloud-init");
  assertEquals(unknown.code, 2, "no other commands inside");
});

Deno.test("config shows the root of trust that counts, and what is wrong with it", async () => {
  await using sandbox = await Sandbox.create();
  const [initial, kept] = ["/etc/kubesolo/trust.json", "/var/lib/kubesolo/update/trust.json"];
  const [ops, site] = [testKey(1), testKey(2)];
  const root = (version: number) =>
    JSON.stringify({
      version,
      threshold: 1,
      keys: [{ name: "site", key: site.word }],
      revoked: [ops.word],
    });
  await put(sandbox, initial, root(1));
  await sandbox.sh("mkdir -p /var/lib/kubesolo/update");
  await put(sandbox, kept, root(3));

  const told = await sandbox.update("config");
  assertEquals([told.code, told.stderr], [0, ""]);
  assertStringIncludes(
    told.stdout,
    `\nroot of trust  version 3  ${kept}\n` +
      `  signatures of 1 of site (${site.publicKey.id})\n  revoked: ${ops.publicKey.id}\n`,
  );
  const elsewhere = await sandbox.update("config", "--state", "/var/lib/kubesolo/s.json", "--json");
  assertEquals(JSON.parse(elsewhere.stdout).root, {
    file: initial,
    version: 1,
    threshold: 1,
    keys: [`site (${site.publicKey.id})`],
    revoked: [ops.publicKey.id],
  });

  const both = await sandbox.update("config", "--pubkey", ops.word);
  assertEquals(both.code, 2);
  assertStringIncludes(both.stdout, `reading --pubkey: keys, and ${initial} as well; keep one`);
  await put(sandbox, kept, "rubbish");
  const garbled = await sandbox.update("config", "--json");
  assertEquals(garbled.code, 2);
  const { root: none, root_problem: problem } = JSON.parse(garbled.stdout);
  assertMatch(problem, /^reading \/var\/lib\/kubesolo\/update\/trust.json: no JSON; remove it/);
  assertEquals(none, undefined);
});

Deno.test("apply-cloud-init makes an update.conf that config reads", async () => {
  await using sandbox = await Sandbox.create();
  const apply = (...more: string[]) => sandbox.update("config", "apply-cloud-init", FROM, ...more);
  await put(
    sandbox,
    FROM,
    "#cloud-config\nhostname: node-12\nupdates:\n  server: http://node:hunter2@updates.lan/stable\n" +
      "  maintenance_window:\n    - Sat,Sun 22:00-04:00\n    - Mon-Fri 01:00-03:00\n" +
      "  auto_rollback_after: 3\n",
  );
  const written = await apply("--json");
  assertEquals([written.code, written.stderr], [0, ""]);
  const { files } = JSON.parse(written.stdout);
  assertEquals(
    files.map(({ file, result, holds }: Record<string, string>) =>
      `${basename(file)} ${result}: ${holds}`
    ),
    [
      "update.conf written: server, maintenance_window, auto_rollback_after",
      "hostname written: node-12",
      "network left_alone: nothing",
      "authorized_keys left_alone: nothing",
    ],
  );
  assertEquals(
    await sandbox.sh(`stat -c %a ${CONF}; ls -A /etc/kubesolo`),
    "600\nhostname\nupdate.conf\n",
  );
  const lines = linesOf(await sandbox.update("config"));
  assertEquals(lines.maintenance_window, [
    "Sat,Sun 22:00-04:00; Mon-Fri 01:00-03:00",
    `${CONF}:3`,
  ]);
  assertEquals(lines.auto_rollback_after, ["3", `${CONF}:4`]);

  const inode = await sandbox.sh(`stat -c %i ${CONF}`);
  assertEquals(
    (await apply()).stdout,
    `${CONF} says the same already\n/etc/kubesolo/hostname says the same already\n`,
  );
  assertEquals(await sandbox.sh(`stat -c %i ${CONF}`), inode, "it was not written again");

  await sandbox.sh(`echo channel=mine >${CONF}; chmod 644 ${CONF}`);
  const replaced = await apply();
  assertStringIncludes(replaced.stdout, `what was there is now ${CONF}.bak`);
  assertEquals(await sandbox.sh(`cat ${CONF}.bak; stat -c %a ${CONF}`), "channel=mine\n600\n");

  const elsewhere = await apply("--conf", "/run/kubesolo-update/lab.conf");
  assertEquals(elsewhere.code, 0, elsewhere.stderr);
  assertStringIncludes(await sandbox.sh("cat /run/kubesolo-update/lab.conf"), "server=");
});

Deno.test("a cloud-config that is no good changes nothing, and the message says where", async () => {
  await using sandbox = await Sandbox.create();
  await put(sandbox, FROM, "#cloud-config\nupdates:\n  channel: beta\n  server: ftp://x\n");
  await sandbox.sh(`echo channel=mine >${CONF}; echo '#cloud-config' >/run/user-data`);
  const cases: readonly [args: readonly string[], says: RegExp][] = [
    [[FROM], /^reading server in \/var\/lib\/kubesolo\/user-data:4: "ftp:\/\/x"; write it as http/],
    [
      ["/run/user-data"],
      /^reading the cloud-config: \/run\/user-data lies outside .*; name a file inside \/etc\/kubesolo, \/var\/lib\/kubesolo, \/run\/kubesolo-update$/,
    ],
    [["/etc/kubesolo/absent"], /^reading \/etc\/kubesolo\/absent: No such file/],
    [[FROM, "--conf", "/etc/passwd"], /^reading --conf: \/etc\/passwd lies outside/],
    [
      [],
      /^looking for the node's documents: neither \S+cloud-config.yaml nor anything in \S+; give/,
    ],
    [["--seed", "/etc"], /^reading --seed: \/etc lies outside/],
  ];
  for (const [args, says] of cases) {
    const ran = await sandbox.update("config", "apply-cloud-init", ...args);
    assertEquals(ran.code, 2, ran.stderr);
    assertMatch(complaintOf(ran), says);
  }
  assertEquals(await sandbox.sh(`cat ${CONF}; ls -A /etc/kubesolo`), "channel=mine\nupdate.conf\n");

  await put(sandbox, FROM, "#cloud-config\nupdates:\n  channel: beta\n");
  await sandbox.sh(
    "mount -o remount,bind,ro /etc/kubesolo 2>/dev/null || mount --bind -o ro /etc/kubesolo /etc/kubesolo",
  );
  const readOnly = await sandbox.update("config", "apply-cloud-init", FROM);
  assertEquals(readOnly.code, 50, readOnly.stderr);
  assertMatch(complaintOf(readOnly), /^writing \/etc\/kubesolo\/update.conf: .*Read-only/);
});
