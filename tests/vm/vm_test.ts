import { assert, assertEquals, assertRejects } from "@std/assert";
import { Vm, type VmOptions } from "../../tasks/vm.ts";

/** Enough for a machine that is many times slower than any that this was written on. */
const LIMIT = { limitSeconds: 120 };

/**
 * A boot sector that prints `ready`, repeats what it receives on its serial line, resets at `r` and
 * powers off at `s`.
 */
const BOOT_SECTOR = [
  ...[0xfa, 0x31, 0xc0, 0x8e, 0xd8], // cli; xor ax, ax; mov ds, ax
  ...[0xbe, 0x3b, 0x7c], // mov si, text
  // print:
  ...[0xac, 0x84, 0xc0, 0x74, 0x06], // lodsb; test al, al; jz read
  ...[0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5], // mov dx, 0x3f8; out dx, al; jmp print
  // read:
  ...[0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf8], // mov dx, 0x3fd; in al, dx; test al, 1; jz read
  ...[0xba, 0xf8, 0x03, 0xec], // mov dx, 0x3f8; in al, dx
  ...[0x3c, 0x72, 0x74, 0x07, 0x3c, 0x73, 0x74, 0x0b], // cmp al, 'r'; je reset; cmp al, 's'; je off
  ...[0xee, 0xeb, 0xe9], // out dx, al; jmp read
  // reset:
  ...[0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xfe], // mov dx, 0xcf9; mov al, 6; out dx, al; jmp $
  // off:
  ...[0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xfe], // out 0x604, 0x2000 (ACPI, S5); jmp $
];
const GREETING = "\x1b[32mready\x1b[0m\r\n";

/** Runs `body` with a machine that boots {@linkcode BOOT_SECTOR}, and cleans up. */
async function withVm(options: Partial<VmOptions>, body: (vm: Vm) => Promise<void>): Promise<void> {
  const disk = await Deno.makeTempFile();
  try {
    const image = new Uint8Array(1 << 20);
    image.set([...BOOT_SECTOR, ...new TextEncoder().encode(GREETING)]);
    image.set([0x55, 0xaa], 510);
    await Deno.writeFile(disk, image);
    await using vm = await Vm.start({ disk, memory: 64, ...options });
    await body(vm);
  } finally {
    await Deno.remove(disk);
  }
}

Deno.test("waitFor() gives the line with its time, without colours", async () => {
  const seen: string[] = [];
  await withVm({ onLine: ({ text }) => seen.push(text) }, async (vm) => {
    const line = await vm.waitFor(/^ready$/, LIMIT);
    assert(line.seconds > 0 && line.seconds <= vm.seconds);
    assert(seen.includes("ready"));
    assertEquals(vm.lines.at(-1), line);
  });
});

Deno.test("waitFor() looks behind the line that was waited for last", async () => {
  await withVm({}, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    await vm.send("one\ntwo\nready\n");
    await vm.waitFor(/one|two/, LIMIT);
    assertEquals((await vm.waitFor(/two|one/, LIMIT)).text, "two");
    const first = await vm.waitFor(/ready/, { ...LIMIT, fromStart: true });
    const second = vm.lines.at(-1);
    assert(second && first.seconds <= second.seconds);
  });
});

Deno.test("waitFor() looks at an unfinished line only when told to", async () => {
  await withVm({}, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    await vm.send("login: ");
    assertEquals((await vm.waitFor(/login:/, { ...LIMIT, unfinished: true })).text, "login:");
    await assertRejects(() => vm.waitFor(/login:/, { limitSeconds: 0.2 }), Error, "login:");
  });
});

Deno.test("waitFor() that waits too long shows the last lines", async () => {
  await withVm({}, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    const error = await assertRejects(() => vm.waitFor(/never/, { limitSeconds: 0.2 }), Error);
    assert(/waiting for \/never\/: nothing for 0.2 seconds.*\n.* {2}ready$/s.test(error.message));
  });
});

Deno.test("a guest that powers off ends everybody's waiting", async () => {
  await withVm({}, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    const waiting = assertRejects(() => vm.waitFor(/never/, LIMIT), Error, "ended (shutdown)");
    await vm.send("s");
    await waiting;
    assertEquals((await vm.exited).reason, "shutdown");
    await assertRejects(() => vm.waitFor(/never/, LIMIT), Error, "ended (shutdown)");
  });
});

Deno.test("a reset ends the machine with noReboot, and boots it again without", async () => {
  await withVm({ noReboot: true }, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    await vm.send("r");
    assertEquals((await vm.exited).reason, "reset");
  });
  await withVm({}, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    await vm.send("r");
    await vm.waitFor(/ready/, LIMIT);
  });
});

Deno.test("kill() cuts the power, and nothing of QEMU is left", async () => {
  await withVm({ network: true }, async (vm) => {
    await vm.waitFor(/ready/, LIMIT);
    await vm.kill();
    await vm.kill();
    assertEquals((await vm.exited).reason, "killed");
    await assertRejects(() => Deno.stat(`/proc/${vm.pid}`), Deno.errors.NotFound);
  });
});

Deno.test("command() talks to QEMU, and gives its refusals", async () => {
  await withVm({}, async (vm) => {
    assertEquals((await vm.command("query-status") as { status: string }).status, "running");
    await assertRejects(() => vm.command("no-such-command"), Error, "no-such-command");
  });
});

Deno.test("a machine that cannot start says what QEMU said", async () => {
  await assertRejects(
    () => Vm.start({ disk: "/nonexistent/disk" }),
    Error,
    "/nonexistent/disk",
  );
});
