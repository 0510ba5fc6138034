import { assertEquals, assertThrows } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import {
  DEFAULT_LISTEN,
  type ListenAddress,
  parseListenAddress,
} from "../../mod/cli/metrics/listen_address.ts";

Deno.test("an address has a port, and a host where it is not every one", () => {
  const cases: readonly [text: string, address: ListenAddress][] = [
    [DEFAULT_LISTEN, { hostname: "127.0.0.1", port: 9100 }],
    [":9100", { port: 9100 }],
    [":0", { port: 0 }],
    ["[::1]:65535", { hostname: "::1", port: 65_535 }],
    ["[::]:1", { hostname: "::", port: 1 }],
    ["node-1.lan:9100", { hostname: "node-1.lan", port: 9100 }],
  ];
  for (const [text, address] of cases) assertEquals(parseListenAddress(text), address);
});

Deno.test("what is no address is a usage error that shows one", () => {
  const cases = [
    "",
    "9100",
    ":",
    ":port",
    ":65536",
    ":-1",
    "::1:9100",
    "[::1]",
    "http://x:1",
    "a b:1",
  ];
  for (const text of [...cases, "x:1/metrics", "x:1\n"]) {
    const error = assertThrows<UpdateError>(
      () => parseListenAddress(text),
      UpdateError,
      DEFAULT_LISTEN,
    );
    assertEquals(error.code, "usage");
  }
});
