import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type Explanation,
  type GateName,
  type LedgerEntry,
  NEW_STATE,
  releaseDigest,
} from "../../mod/core/mod.ts";
import { BLOCK_LABEL, KUBESOLO_KUBECONFIG } from "../../mod/kube/mod.ts";
import { ApiServer } from "../kube/_api_server.ts";
import { nodeObject } from "../kube/_objects.ts";
import { bytesOf, sha256, STATE, TestNode, type TestRelease } from "./_test_node.ts";

/** What the compiled agent says, read as JSON; members have the names that machines see. */
type Told = Omit<Explanation, "refusal"> & {
  readonly refusal?: Explanation["refusal"];
  readonly next_boot: Explanation["nextBoot"];
  readonly running_version: string;
  readonly stepping_stone_to?: string;
};

async function told(node: TestNode, exit: number, ...flags: readonly string[]): Promise<Told> {
  const ran = await node.ask("check", "--explain", "--json", ...flags);
  assertEquals(ran.code, exit, ran.stderr + ran.stdout);
  return JSON.parse(ran.stdout);
}

/** `HH:MM`, so many minutes from now. */
function clock(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toTimeString().slice(0, 5);
}

/** What keeps the node from taking 2.0.0, and what the gate says of it. */
interface Reason {
  readonly release?: Partial<TestRelease>;
  readonly flags?: readonly string[];
  readonly before?: (node: TestNode) => Promise<unknown>;
  readonly after?: (node: TestNode) => Promise<unknown>;
  readonly wanted: RegExp;
  readonly found: RegExp;
}

const FAILED: LedgerEntry = {
  digest: releaseDigest({
    artifacts: [
      { name: "vmlinuz", sha256: sha256(bytesOf("kernel 2.0.0", 300_000)) },
      { name: "kubesolo-os.gz", sha256: sha256(bytesOf("initramfs 2.0.0", 2_000_000)) },
    ],
  }),
  version: "2.0.0",
  outcome: "rolled_back",
  reason: "probe: no answer",
  attempts: 3,
  at: "2026-01-15T00:00:00Z",
};

let api: ApiServer | undefined;

/** For each gate that is asked; a source refuses what is not signed before any gate is. */
const REASONS: Readonly<Record<Exclude<GateName, "signature">, Reason>> = {
  window: {
    flags: ["--maintenance-window", `${clock(60)}-${clock(120)}`],
    wanted: /^..:..-..:..$/,
    found: /^... \d{4}-..-.. ..:.. .*, and it opens ... \d{4}-..-.. ..:.. [+-]..:..$/,
  },
  label: {
    flags: ["--node-name", "edge-1"],
    before: async (node) => {
      api = await ApiServer.start();
      api.node = nodeObject({ labels: { [BLOCK_LABEL]: "true" } });
      await node.put(KUBESOLO_KUBECONFIG, api.kubeconfig());
    },
    after: async (node) => {
      await node.sandbox.sh(`rm ${KUBESOLO_KUBECONFIG}`);
      await api?.[Symbol.asyncDispose]();
    },
    wanted: /^no label that blocks updates$/,
    found: /^updates.kubesolo.io\/block=true$/,
  },
  confirmed: {
    before: (node) => node.setGrubenv("A", 2, 0),
    after: (node) => node.setGrubenv("A", 3, 1),
    wanted: /^slot A, which runs, to be confirmed$/,
    found: /^slot A still on trial$/,
  },
  expired: {
    release: { changes: { expires: "2026-01-15T00:00:00Z" } },
    wanted: /^a time before 2026-01-15T00:00:00Z$/,
    found: /^\d{4}-..-..T..:..:..\....Z on the node's clock$/,
  },
  metadata_version: {
    release: { changes: { metadata_version: 6 } },
    before: (node) =>
      node.put(
        STATE,
        JSON.stringify({ ...NEW_STATE, floor: { metadata_versions: { stable: 7 } } }),
      ),
    after: (node) => node.sandbox.sh(`rm ${STATE}`),
    wanted: /^at least 7, which channel stable has had$/,
    found: /^6$/,
  },
  channel: {
    release: { changes: { channel: "beta" } },
    wanted: /^stable$/,
    found: /^beta$/,
  },
  architecture: {
    release: { changes: { architecture: "arm64" } },
    wanted: /^x86_64$/,
    found: /^aarch64$/,
  },
  min_compatible_version: {
    release: { changes: { min_compatible_version: "1.5.0" } },
    wanted: /^at least 1.5.0 running$/,
    found: /^1.0.0$/,
  },
  downgrade: {
    release: { version: "0.9.0" },
    wanted: /^nothing older than 1.0.0$/,
    found: /^0.9.0$/,
  },
  ledger: {
    before: (node) => node.put(STATE, JSON.stringify({ ...NEW_STATE, ledger: [FAILED] })),
    after: (node) => node.sandbox.sh(`rm ${STATE}`),
    wanted: /^a release that has not failed here$/,
    found: /^2.0.0 rolled back at 2026-01-15T00:00:00Z: probe: no answer$/,
  },
  room: {
    release: { changes: { initramfs_size: 2 ** 40 } },
    wanted: /^1099511927776 bytes$/,
    found: /^\d+ bytes$/,
  },
};

Deno.test("why is this node not updating?", async (t) => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });

  await t.step("it would, if somebody ran apply: all gates say yes", async () => {
    const { result, gates, fetch, next_boot, refusal } = await told(node, 10);
    assertEquals([result, refusal], ["available", undefined]);
    const names = Object.keys(REASONS);
    names.splice(names.indexOf("expired"), 0, "signature");
    assertEquals(
      gates.map(({ gate, passed }) => [gate, passed]),
      names.map((gate) => [gate, true]),
    );
    assertEquals(fetch, [
      { name: "vmlinuz", size: 300_000, there: 0 },
      { name: "kubesolo-os.gz", size: 2_000_000, there: 0 },
    ]);
    assertEquals(next_boot, { slot: "A", why: "confirmed", agreed: true } as unknown);
    assertEquals(node.requests.splice(0), ["GET /latest.json"], "nothing is fetched");
  });

  for (const [gate, reason] of Object.entries(REASONS)) {
    await t.step(`gate ${gate} says no`, async () => {
      await node.publish({ version: "2.0.0", ...reason.release });
      await reason.before?.(node);
      const flags = reason.flags ?? [];
      const { result, refusal, gates } = await told(node, 20, ...flags);
      assertEquals([result, refusal?.gate], ["refused", gate]);
      assertEquals(gates.filter(({ passed }) => !passed), [refusal], "and no other");
      assertEquals(gates.length, Object.keys(REASONS).length + 1, "all of them were asked");
      assertMatch(refusal?.wanted ?? "", reason.wanted);
      assertMatch(refusal?.found ?? "", reason.found);

      const text = await node.ask("check", "--explain", ...flags);
      assertMatch(text.stdout, new RegExp(`^decision +refused by gate ${gate}; `));
      const found = reason.found.source.replace("^", "");
      assertMatch(
        text.stdout,
        new RegExp(`^${gate} +refused  .*${found}`, "m"),
      );
      const refused = await node.ask("apply", ...flags);
      assertEquals(refused.code, 20, refused.stderr);
      assertStringIncludes(refused.stderr, "`kubesolo-update check --explain` shows all gates");
      await reason.after?.(node);
    });
  }

  await t.step("several gates say no, and it shows them all", async () => {
    await node.publish({ version: "0.9.0", changes: { channel: "beta", architecture: "arm64" } });
    const { refusal, gates } = await told(node, 20);
    assertEquals(refusal?.gate, "channel");
    const names = gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
    assertEquals(names, ["channel", "architecture", "downgrade"]);
  });

  await t.step("it is up to date; gates are shown, and what is there", async () => {
    await node.publish({
      version: "1.0.0",
      kernel: bytesOf("kernel 1.0.0", 300_000),
      changes: { channel: "beta" },
    });
    const { result, refusal, gates } = await told(node, 0);
    assertEquals([result, refusal], ["up_to_date", undefined]);
    assertEquals(gates.find(({ passed }) => !passed)?.gate, "channel");
    const text = await node.ask("check", "--explain");
    assertMatch(text.stdout, /^decision +up to date: there is nothing to do$/m);
    assertMatch(text.stdout, /^ +nothing to fetch; slot B has room for /m);
  });

  await t.step("it takes one step at a time", async () => {
    const stone = JSON.parse(await stoneOf(node, "1.5.0"));
    await node.publish({
      version: "2.0.0",
      changes: { min_compatible_version: "1.5.0", stepping_stones: [stone] },
    });
    const { version, stepping_stone_to, result } = await told(node, 10);
    assertEquals([version, stepping_stone_to, result], ["1.5.0", "2.0.0", "available"]);
    const text = await node.ask("check");
    assertStringIncludes(text.stdout, "1.5.0, a stepping stone to 2.0.0, is available");
    const applied = await node.ask("apply");
    assertStringIncludes(applied.stdout, "1.5.0, a stepping stone to 2.0.0, is staged in slot B");
    assertEquals(await node.slot("B"), "1.5.0");
  });

  await t.step("it has it already, and nobody activated it; then nobody rebooted", async () => {
    const staged = await node.ask("check", "--explain");
    assertMatch(
      staged.stdout,
      /^decision +1.5.0 is in slot B already: `kubesolo-update activate` /,
    );
    assertMatch(staged.stdout, /^to fetch +vmlinuz 293 kiB, in the slot already$/m);
    await node.update("activate");
    const activated = await node.ask("check", "--explain");
    assertMatch(activated.stdout, /^decision +1.5.0 is in slot B already, and activated: reboot /);
    assertMatch(activated.stdout, /^next boot +slot B, on trial, attempts left: 3$/m);
    await node.update("rollback");
  });

  await t.step("a kernel that the slot has need not be fetched", async () => {
    await node.publish({ version: "2.0.0", kernel: bytesOf("kernel 1.5.0", 300_000) });
    const { fetch } = await told(node, 10);
    assertEquals(fetch.map(({ there }) => there), [300_000, 0]);
    const text = await node.ask("check", "--explain");
    assertMatch(text.stdout, /^ +1.9 MiB in all; slot B has room for /m);
    node.requests.splice(0);
    assertEquals((await node.ask("apply")).code, 0);
    assertEquals(node.requests.filter((line) => line.includes("vmlinuz")), [], "and is not");
  });

  await t.step("its clock is in another time zone", async () => {
    const { agent } = node.sandbox;
    const check = `${agent} check --explain --json --server ${node.url}`;
    const clockOf = async (script: string) => {
      const told = JSON.parse((await node.sandbox.run("sh", "-c", script)).stdout);
      return told.gates[0].found.slice(-6);
    };
    assertEquals(await clockOf(`TZ=Asia/Kathmandu ${check}`), "+05:45");
    const elsewhere = (line: string) =>
      clockOf(`unset TZ DENO_TLS_CA_STORE; mkdir -p /run/etc; unshare --mount sh -c '${line}
        mount --bind /run/etc /etc; exec ${check}'`);
    assertEquals(await elsewhere(""), "+00:00", "nothing says which");
    const link = "ln -s /usr/share/zoneinfo/Asia/Kathmandu /run/etc/localtime;";
    assertEquals(await elsewhere(link), "+05:45");
  });

  await t.step("on a terminal it ticks and crosses", async () => {
    const command = `${node.sandbox.agent} check --explain --server ${node.url}`;
    const ran = await node.sandbox.run(
      ...["env", "-u", "NO_COLOR", "TERM=xterm", "script", "-qec", command, "/dev/null"],
    );
    assertStringIncludes(ran.stdout, "\x1b[32m✓\x1b[39m");
    const plain = await node.ask("check", "--explain");
    for (const sign of ["✓", "✗", "\x1b"]) assert(!plain.stdout.includes(sign), plain.stdout);
  });

  await t.step("its source does not answer", async () => {
    await node.stopServer();
    const ran = await node.ask("check", "--explain");
    assertEquals(ran.code, 40, ran.stderr);
  });
});

/** The latest.json of a release, which is then the newest no more. */
async function stoneOf(node: TestNode, version: string): Promise<string> {
  await node.publish({ version });
  return await Deno.readTextFile(`${node.www}/latest.json`);
}
