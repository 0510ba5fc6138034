import { assertEquals } from "@std/assert";
import { compileAgent } from "../../tasks/compile.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { buildImage } from "../../tasks/image.ts";
import { makeRelease } from "../../tasks/release.ts";
import { Vm } from "../../tasks/vm.ts";

/** Seconds for anything to show on the serial line, on a machine ten times slower than this one. */
const LIMIT = { limitSeconds: 600 };

/** Asks the doctor, then installs, as somebody does who does not know that the system brings the agent. */
const ON_BOOT = `#!/bin/sh
kubesolo-update doctor 2>/dev/null | sed 's/^/DOCTOR: /'
kubesolo-update install | sed 's/^/INSTALL: /'
poweroff
`;

Deno.test("a node as it comes from the image is in order, but for what only its operator knows", async () => {
  await ensureInstalled(...demoNeeds(false));
  const directory = await Deno.makeTempDir({ prefix: "doctor-" });
  try {
    const [slot, data] = [`${directory}/release`, `${directory}/data`];
    await makeRelease({ version: "1.0.0", agent: await compileAgent("x86_64"), directory: slot });
    await Deno.mkdir(`${data}/etc-kubesolo`, { recursive: true });
    await Deno.writeTextFile(`${data}/etc-kubesolo/on-boot`, ON_BOOT, { mode: 0o755 });
    const disk = `${directory}/node.img`;
    await buildImage({ output: disk, slotA: slot, slotB: slot, data });
    await using vm = await Vm.start({ disk, memory: NODE_MEMORY, noReboot: true });
    await vm.waitFor(/DOCTOR: .*checks/, LIMIT);
    await vm.waitFor(/INSTALL: done/, LIMIT);
    assertEquals((await vm.exited).reason, "shutdown");
    const said = vm.lines.flatMap(({ text }) => /^DOCTOR: (.*)/.exec(text)?.[1] ?? []);
    assertEquals(said.at(-1), "2 warnings (settings, trust); 20 checks", said.join("\n"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
