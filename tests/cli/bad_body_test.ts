import { assert, assertEquals, assertMatch } from "@std/assert";
import { MARK_BYTES } from "../../mod/slots/mod.ts";
import { ended } from "../sandbox.ts";
import { until } from "../until.ts";
import { assertEnding, assertRecovers, type Ending } from "./_aftermath.ts";
import { cutOff, drip, ofUnknownLength, on, status, upTo } from "./_bad_server.ts";
import { bytesOf, sha256, TestNode } from "./_test_node.ts";

const INITRAMFS = bytesOf("initramfs 2.0.0", 2_000_000);

/** What a failed download leaves: nothing that GRUB would boot. */
const FAILED: Pick<Ending, "passive" | "phase"> = { passive: "not bootable", phase: "failed" };

/** Waits and stalls are short: a test must not wait for what a slow line may take. */
const HASTE = ["--stall-timeout", "0.5"];

/** The first byte that a request of {@linkcode TestNode.requests} asks for. */
function rangeOf(request: string): number {
  return Number(/ bytes=(\d+)-$/.exec(request)?.[1] ?? 0);
}

Deno.test("bytes that are not the promised ones are refused, and nothing is staged", async () => {
  await using node = await TestNode.create();

  const flipped = INITRAMFS.slice();
  flipped[1_000_000] ^= 1;
  await node.publish({ version: "2.0.0" });
  await Deno.writeFile(`${node.www}/kubesolo-os-2.0.0.gz`, flipped);
  await assertEnding(node, await node.ask("apply"), {
    ...FAILED,
    exit: 30,
    says: new RegExp(
      `fetching kubesolo-os.gz from .*: SHA-256 ${sha256(flipped)} .* ${sha256(INITRAMFS)} was`,
    ),
  });

  await node.publish({ version: "2.0.0", changes: { vmlinuz_sha256: "0".repeat(64) } });
  await assertEnding(node, await node.ask("apply"), {
    ...FAILED,
    exit: 30,
    says: /fetching vmlinuz .* where 0{64} was promised; nothing was staged/,
  });
  const { attempt_count, candidate } = await node.state();
  assertEquals([attempt_count, candidate], [2, undefined]);

  await node.publish({ version: "2.0.0", changes: { initramfs_size: 1_999_999 } });
  await assertEnding(node, await node.ask("apply"), {
    ...FAILED,
    exit: 30,
    says: /fetching kubesolo-os.gz .*: .* 2000000 bytes where 1999999 were promised/,
  });

  node.answer = on(".gz", ofUnknownLength(INITRAMFS));
  await assertEnding(node, await node.ask("apply"), {
    ...FAILED,
    exit: 30,
    says: /fetching kubesolo-os.gz .*: .* sends more than the 1999999 bytes that were promised/,
  });
  await assertRecovers(node, "2.0.0");
});

Deno.test("a body that ends early is fetched to its end, or the source is given up", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });

  node.answer = on(".gz", upTo(INITRAMFS, 1_200_000, cutOff));
  const broken = await node.ask("apply", ...HASTE);
  await assertEnding(node, broken, {
    ...FAILED,
    exit: 40,
    says: /fetching kubesolo-os.gz .*, 6 times in a row, after 1200000 bytes; check the network/,
  });
  assertMatch(broken.stderr, /^\[\w{8}\] warning: .* after 1200000 bytes; trying again$/m);

  node.requests.length = 0;
  let times = 0;
  node.answer = on(".gz", (request, response) => {
    upTo(INITRAMFS, 1_200_000 + ++times * 300_000, cutOff)(request, response);
  });
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertEquals(stderr.includes("for 30 seconds"), false, "what breaks is not waited for");
  assertEquals(await node.slot("B"), "2.0.0");
  const [first, ...ranges] = node.requests.slice(1).map(rangeOf);
  assertEquals(first, 1_200_000, "what was there is not fetched again");
  assert(ranges.length >= 2, node.requests.join("\n"));
  for (const range of ranges) assert(range > first && range < 1_800_001, node.requests.join("\n"));
});

Deno.test("a body that stalls or crawls is given up", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });

  let times = 0;
  node.answer = on(".gz", (request, response) => {
    upTo(INITRAMFS, 1_000_000, ++times === 1 ? () => {} : drip)(request, response);
  });
  const slow = await node.ask("apply", ...HASTE);
  await assertEnding(node, slow, {
    ...FAILED,
    exit: 40,
    // on a machine that is busy the last of them may have brought nothing at all
    says:
      /fetching kubesolo-os.gz .*: (?:only \d+ bytes in \d+|.*bytes for 0.5) seconds, 6 times in a row, after 1000\d\d\d/,
  });
  assertMatch(slow.stderr, /: only \d+ bytes in \d+ seconds/);
  assertMatch(
    slow.stderr,
    /^\[\w{8}\] warning: .*: .*bytes for 0.5 seconds after \d+ bytes; trying/m,
  );

  node.answer = on("latest.json", () => {});
  await assertEnding(node, await node.ask("apply", ...HASTE), {
    ...FAILED,
    exit: 40,
    says: /reading .*latest.json: .* did not answer within 0.5 seconds, 4 times in a row; check/,
  });
  await assertRecovers(node, "2.0.0");
});

Deno.test("an artifact that is not there, or not given out, leaves the node as it was", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });

  await Deno.remove(`${node.www}/vmlinuz-2.0.0`);
  await assertEnding(node, await node.ask("apply"), {
    ...FAILED,
    exit: 40,
    says: /fetching http.*vmlinuz-2.0.0: the server answered 404 Not Found; see that/,
  });

  node.answer = on("vmlinuz", status(500));
  await assertEnding(node, await node.ask("apply", ...HASTE), {
    ...FAILED,
    exit: 40,
    says: /fetching vmlinuz .*: .* answered 500 Internal Server Error, 6 times in a row, after 0/,
  });
  assertEquals(node.requests.filter((line) => line.includes("vmlinuz")).length, 1 + 6);
  await assertRecovers(node, "2.0.0");
});

Deno.test("a server that goes away in the middle costs only the bytes that were missing", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  node.answer = on(
    ".gz",
    upTo(INITRAMFS, 1_000_000, (response) => {
      response.once("close", () => void node.stopServer());
      cutOff(response);
    }),
  );
  await assertEnding(node, await node.ask("apply", ...HASTE), {
    ...FAILED,
    exit: 40,
    says: /fetching kubesolo-os.gz .*: .* did not answer: .*refused.*, 6 times .* \d+ bytes; check/,
  });
  const { download } = await node.state();
  assert(Number(download?.bytes) > 500_000, "what came is kept");
  await assertEnding(node, await node.ask("apply"), {
    ...FAILED,
    exit: 40,
    says: /reading .*latest.json: .*refused.*, 4 times in a row; check the network and the server/,
  });

  node.requests.length = 0;
  node.answer = () => false;
  await node.startServer();
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertEquals(await node.slot("B"), "2.0.0");
  const asked = node.requests.filter((line) => !line.includes("latest.json"));
  assertEquals(new Set(asked.map(rangeOf)), new Set([download?.bytes]));
});

Deno.test("an agent that is killed in the middle goes on from its last mark", async () => {
  await using node = await TestNode.create({ mebibytes: { B: 128 } });
  const initramfs = bytesOf("initramfs 2.0.0", 80 << 20);
  await node.publish({ version: "2.0.0", initramfs });
  node.answer = on(".gz", upTo(initramfs, 72 << 20, () => {}));

  const agent = node.start("apply");
  await until(async () => Number((await node.state()).download?.bytes) >= MARK_BYTES);
  agent.kill("SIGKILL");
  await ended(agent);
  const { phase, download } = await node.state();
  assertEquals(phase, "downloading");
  assertEquals((await node.mounts()).length, 1, "it had no time to unmount");

  const status = await node.update("status", "--json");
  assertEquals(status.code, 0, status.stderr);
  assertMatch(JSON.parse(status.stdout).slots.B.problem, /SHA256SUMS missing/);
  assertEquals(await node.mounts(), [], "the next one unmounts it");

  node.requests.length = 0;
  node.answer = () => false;
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertEquals(await node.slot("B"), "2.0.0");
  assertEquals(await node.slot("A"), "1.0.0");
  const asked = node.requests.filter((line) => line.includes(".gz"));
  assertEquals(new Set(asked.map(rangeOf)), new Set([download?.bytes]));
  assertEquals(await node.mounts(), []);
});
