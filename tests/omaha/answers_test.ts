import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { errorCodeOf } from "../../mod/omaha/mod.ts";
import { serveRaw } from "../http/_servers.ts";
import { APP, Fleet, FleetNode, NO_UPDATE, responseXml } from "./_fleet.ts";

async function refusal(
  fleet: Fleet,
): Promise<readonly [code: string, errorcode: number, found: string]> {
  using node = new FleetNode(fleet.url);
  const error = await assertRejects(() => node.source.latest(), UpdateError);
  return [error.code, errorCodeOf(error), error.found];
}

Deno.test("answers that are none are refused, each with its own number", async () => {
  const entities = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + NO_UPDATE.slice(39);
  const cases: readonly (readonly [answer: string, errorcode: number, found: RegExp])[] = [
    ["", 30, /empty/],
    ["<html>hello</html>", 31, /<response> was wanted/],
    [NO_UPDATE.slice(0, -20), 31, /no well-formed XML/],
    [entities, 31, /document type/],
    [NO_UPDATE.replace("3.0", "2.0"), 31, /protocol/],
    [responseXml("<x/>".repeat(20_000)), 31, /elements/],
    [NO_UPDATE.replace("nebraska", "\u0000"), 31, /control character/],
    [NO_UPDATE.replace(APP, APP.toUpperCase()), 34, /another application/],
    [NO_UPDATE.replace(/<app.*app>/, ""), 34, /another application .*: none/],
    [NO_UPDATE.padEnd(1_048_577, " "), 34, /more than 1048576 bytes/],
    [responseXml(""), 34, /no answer about an update/],
    [NO_UPDATE.replace("noupdate", "error-osnotsupported"), 34, /error-osnotsupported/],
    [responseXml("", `appid="${APP}" status="error-unknownApplication"`), 34, /unknownApplic/],
  ];
  for (const [answer, errorcode, found] of cases) {
    await using fleet = new Fleet(answer);
    const [code, number, message] = await refusal(fleet);
    assertEquals(number, errorcode, message);
    assertEquals(code, errorcode === 34 && !/than/.test(message) ? "source" : "verification");
    assertMatch(message, found);
  }
  await using whole = new Fleet(NO_UPDATE.padEnd(1_048_576, " "));
  using node = new FleetNode(whole.url);
  assertEquals(await node.source.latest(), undefined);
});

Deno.test("exactly 200 is taken; what may pass is asked again, seven times with growing waits", async () => {
  for (const status of [201, 204, 302, 400, 403, 404, 501]) {
    const unknown = responseXml("", `appid="${APP}" status="error-unknownApplication"`);
    const body = status === 204 || status === 302 ? null : unknown;
    const headers = { location: "http://127.0.0.1:1/" };
    await using fleet = new Fleet(() => new Response(body, { status, headers }));
    const [code, errorcode, found] = await refusal(fleet);
    assertEquals([code, errorcode, fleet.asked.length], ["source", 2000 + status, 1]);
    assertStringIncludes(found, String(status));
    if (body) assertStringIncludes(found, "error-unknownApplication");
  }
  for (const status of [408, 429, 500, 502, 503, 504]) {
    await using fleet = new Fleet((_, count) =>
      count > 7 ? new Response(NO_UPDATE) : new Response("busy", { status })
    );
    using node = new FleetNode(fleet.url);
    assertEquals(await node.source.latest(), undefined);
    assertEquals(node.waits.length, 7);
    node.waits.forEach((wait, at) => {
      assert(wait >= 500 * 2 ** at && wait <= 1500 * 2 ** at, `${at}: ${wait}`);
    });
  }
  await using dead = new Fleet(() => new Response("busy", { status: 503 }));
  const [code, errorcode, found] = await refusal(dead);
  assertEquals([code, errorcode, dead.asked.length], ["source", 2503, 8]);
  assertStringIncludes(found, "503, 8 times in a row");
});

Deno.test("half an answer, and none at all, are no answers", async () => {
  await using half = serveRaw(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${NO_UPDATE.length}\r\n\r\n`);
    await send(NO_UPDATE.slice(0, 100));
  });
  using node = new FleetNode(half.url);
  const error = await assertRejects(() => node.source.latest(), UpdateError);
  assertEquals([error.code, errorCodeOf(error), half.heads.length], ["source", 2, 4]);
  assertStringIncludes(error.found, "4 times in a row");
});
