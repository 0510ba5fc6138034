import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  chooseManifests,
  MAX_BYTES_UNDER_WAY,
  MAX_DOCUMENT_BYTES,
  MAX_PARALLEL_REQUESTS,
  type OmahaAppRequest,
  omahaHandler,
  parseResponse,
} from "../../mod/omaha/mod.ts";
import { tinyPieces } from "../tiny_pieces.ts";
import { document, post } from "./_requests.ts";

Deno.test("an updater's answers become statuses, for each application its own", async () => {
  const handle = omahaHandler({
    server: "test",
    app: ({ appid }) => appid === "known" || appid === "broken" ? "ok" : "error-unknownApplication",
    ping: ({ appid }) => {
      if (appid === "broken") throw new Error("no");
    },
    updateCheck: ({ version }) => {
      if (version === "") throw new Error("no");
      return undefined;
    },
  });
  const ask = async (...apps: Partial<OmahaAppRequest>[]) => {
    const answer = await handle(post(document(...apps)));
    return [answer.status, parseResponse(await answer.text()).apps] as const;
  };
  const known = { appid: "known", version: "1.0.0", updatecheck: {} };
  const nothing = { status: "noupdate", urls: [], manifests: [] };
  const well = { appid: "known", status: "ok", updatecheck: nothing, events: [] };
  assertEquals(await ask(known), [200, [well]]);
  const { version: _, ...other } = { ...known, appid: "{other}" };
  assertEquals(await ask(known, other), [400, [
    well,
    { appid: "{other}", status: "error-unknownApplication", events: [] },
  ]]);
  assertEquals(await ask({ ...known, version: "" }), [200, [
    { ...well, updatecheck: { ...nothing, status: "error-internal" } },
  ]]);
  assertEquals(await ask({ appid: "broken", ping: {} }), [400, [
    { appid: "broken", status: "error-internal", events: [] },
  ]]);
});

Deno.test("events have happened before the update check that carries them", async () => {
  const heard: string[] = [];
  const handle = omahaHandler({
    updateCheck: () => {
      heard.push("update check");
      return undefined;
    },
    event: ({ eventtype }) => {
      heard.push(`event ${eventtype}`);
    },
  });
  const events = [{ eventtype: 14, eventresult: 1 }, { eventtype: 3, eventresult: 2 }];
  await handle(post(document({ appid: "a", version: "1.0.0", updatecheck: {}, events })));
  assertEquals(heard, ["event 14", "event 3", "update check"]);
});

Deno.test("so many requests are answered at once, and the rest is sent away", async () => {
  const gate = Promise.withResolvers<void>();
  const handle = omahaHandler({ ping: () => gate.promise });
  const ask = () => handle(post(document({ ping: {} })));
  const first = Array.from({ length: MAX_PARALLEL_REQUESTS }, ask);
  assertEquals((await ask()).status, 503);
  gate.resolve();
  assertEquals((await Promise.all(first)).map(({ status }) => status), first.map(() => 200));
  assertEquals((await ask()).status, 200);
});

Deno.test("half requests hold up nobody; more bytes than there is room for are sent away", async () => {
  const handle = omahaHandler({});
  const whole = document({ ping: {} });
  const open: ReadableStreamDefaultController<Uint8Array>[] = [];
  const half = (bytes: number) =>
    handle(post(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(bytes));
          open.push(controller);
        },
      }),
      { "content-type": "text/xml" },
    ));
  const few = Array.from({ length: 2 * MAX_PARALLEL_REQUESTS }, () => half(100));
  assertEquals((await handle(post(whole))).status, 200);
  const many = Array.from(
    { length: MAX_BYTES_UNDER_WAY / MAX_DOCUMENT_BYTES },
    () => half(MAX_DOCUMENT_BYTES),
  );
  // the last of them is the one too many
  assertEquals((await many[many.length - 1]).status, 503);
  for (const controller of open.slice(0, few.length + 1)) controller.close();
  await Promise.all([...few, many[0]]);
  assertEquals((await handle(post(whole))).status, 200);
  for (const controller of open.slice(few.length + 1, -1)) controller.close();
  assertEquals(new Set((await Promise.all(many)).map(({ status }) => status)), new Set([400, 503]));
});

Deno.test("a request that comes byte by byte takes no more memory than its bytes", async () => {
  const { stream, peak } = tinyPieces(20_000);
  const answer = await omahaHandler({})(post(stream, { "content-type": "text/xml" }));
  assertEquals(answer.status, 400);
  assert(peak() < 512 << 20, `${peak()}`);
});

Deno.test("floors come before the target, all at once only for who understands it", () => {
  const manifest = (version: string) => ({ version, packages: [], actions: [] });
  const choose = (
    version: string,
    several?: boolean,
    floors = ["10.0.0", "2.0.0", "1.0.0", "30.0.0"],
  ) =>
    chooseManifests(
      { version, multi_manifest_ok: several, events: [] },
      manifest("20.0.0"),
      floors.map(manifest),
    ).map(({ version, is_floor, is_target }) => [version, is_floor ?? is_target]);
  assertEquals(choose("1.0.0", true), [["2.0.0", true], ["10.0.0", true], ["20.0.0", true]]);
  assertEquals(choose("1.0.0"), [["2.0.0", true]]);
  assertEquals(choose("2.0.0", false), [["10.0.0", true]]);
  assertEquals(choose("10.0.0", true), [["20.0.0", undefined]]);
  assertEquals(choose("10.0.0"), [["20.0.0", undefined]]);
  assertEquals(choose("20.0.0", true), []);
  assertEquals(choose("25.0.0", true), [], "a floor beyond the target is none");
  assertThrows(() => choose(""), RangeError);
  assertThrows(() => choose("1.0.0", true, ["two"]), RangeError);
});
