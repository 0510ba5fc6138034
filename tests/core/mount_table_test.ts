import { assertEquals } from "@std/assert";
import { parseMountTable } from "../../mod/core/mod.ts";

Deno.test("parseMountTable() reads device, root, directory, type, source and whether it can be written", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
    "37 35 254:2 / /boot ro,noatime - ext4 /dev/vda2 rw",
    "38 35 0:29 /@home /home rw shared:1 propagate_from:2 - btrfs /dev/mapper/a\\040b rw",
    "",
  ].join("\n");
  assertEquals(parseMountTable(text), [
    {
      device: "98:0",
      root: "/mnt1",
      directory: "/mnt 2",
      writable: true,
      fileSystem: "ext3",
      source: "/dev/root",
    },
    {
      device: "254:2",
      root: "/",
      directory: "/boot",
      writable: false,
      fileSystem: "ext4",
      source: "/dev/vda2",
    },
    {
      device: "0:29",
      root: "/@home",
      directory: "/home",
      writable: true,
      fileSystem: "btrfs",
      source: "/dev/mapper/a b",
    },
  ]);
});
