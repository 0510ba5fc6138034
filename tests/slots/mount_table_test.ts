import { assertEquals } from "@std/assert";
import { parseMountTable } from "../../mod/slots/_mount_table.ts";

Deno.test("parseMountTable() reads device, root, directory and whether it can be written", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
    "37 35 254:2 / /boot ro,noatime - ext4 /dev/vda2 rw",
    "",
  ].join("\n");
  assertEquals(parseMountTable(text), [
    { device: "98:0", root: "/mnt1", directory: "/mnt 2", writable: true },
    { device: "254:2", root: "/", directory: "/boot", writable: false },
  ]);
});
