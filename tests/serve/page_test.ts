import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type OmahaAppRequest, writeRequest } from "../../mod/omaha/mod.ts";
import { APP, bytesOf, putRelease, Served } from "./_directory.ts";

/** Pictures of the page, for people. */
const PICTURES = fromFileUrl(new URL("../../dist/test-artifacts/serve", import.meta.url));

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1200, height: 900 };
const MACHINES = ["4c1d0e6f2b7a49d58e3f90a1b2c3d4e5", "97f0c2aa51e84b3c8d6e0f1a2b3c4d5e"];

/** What a node sends while it takes an update from `from` to `to`. */
async function takesUpdate(served: Served, machine: string, from: string, to: string) {
  const says = async (version: string, app: Partial<OmahaAppRequest>) => {
    const body = writeRequest({
      os: { platform: "KubeSolo", arch: "x64" },
      apps: [{ appid: APP, machineid: machine, version, track: "stable", events: [], ...app }],
    });
    const headers = { "content-type": "text/xml", "user-agent": "kubesolo-update/0.1.0" };
    const answer = await fetch(`${served.url}/v1/update/`, { method: "POST", headers, body });
    assertEquals(answer.status, 200);
    return await answer.text();
  };
  const event = (eventtype: number, eventresult: number) => ({
    events: [{ eventtype, eventresult }],
  });
  const codebase = /codebase="([^"]+)"/.exec(await says(from, { ping: {}, updatecheck: {} }))?.[1];
  await says(from, event(13, 1));
  for (const name of ["vmlinuz", "kubesolo-os.gz"]) {
    const bytes = await (await fetch(`${codebase}${name}`)).bytes();
    assertEquals(bytes, bytesOf(name, to));
  }
  await says(from, event(14, 1));
  await says(from, event(800, 1));
  await says(to, event(3, 2));
  await says(to, { ping: {}, updatecheck: {} });
}

/** A node has as much to say as is kept of it, without a blank in it. */
async function saysMuch(served: Served) {
  const much = (letter: string) => letter.repeat(128);
  const [machineid, machinealias, version] = ["m", "a", "9"].map(much);
  const track = much("t");
  const app = { appid: APP, machineid, machinealias, version, track, board: much("b") };
  const events = [{ eventtype: 3, eventresult: 0, errorcode: 2404, nextversion: much("8") }];
  const body = writeRequest({ apps: [{ ...app, ping: {}, events }] });
  const headers = { "content-type": "text/xml" };
  const answer = await fetch(`${served.url}/v1/update/`, { method: "POST", headers, body });
  assertEquals([answer.status, /event status="ok"/.test(await answer.text())], [200, true]);
}

/** Opens the page as `options` say; what the browser complains about is kept. */
async function open(browser: Browser, url: string, options: BrowserContextOptions) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) {
      elsewhere.push(request.url());
    }
  });
  await page.goto(url);
  return { page, complaints, elsewhere };
}

/** Colour of the ground, and whether all fits into the width. */
async function looks(page: Page): Promise<{ readonly ground: string; readonly fits: boolean }> {
  const [ground, fits] = await page.evaluate<[string, boolean]>(`[
    getComputedStyle(document.body).backgroundColor,
    document.documentElement.scrollWidth <= document.documentElement.clientWidth,
  ]`);
  return { ground, fits };
}

Deno.test("a person sees two nodes that took an update, in light and dark, on a phone and a desk", async () => {
  await using served = await Served.start(async (directory) => {
    await putRelease(`${directory}/stable`, {
      version: "2.0.0",
      members: { release_date: "2026-11-20T10:00:00Z" },
    });
    await Deno.writeTextFile(`${directory}/stable/latest.json.sig`, "signature");
    await putRelease(`${directory}/next`, { version: "3.0.0" });
    await Deno.remove(`${directory}/next/kubesolo-os.gz`);
    await Deno.mkdir(`${directory}/torn`);
    await Deno.writeTextFile(`${directory}/torn/latest.json`, '{"version": "<img src=x>"');
  });
  for (const machine of MACHINES) await takesUpdate(served, machine, "1.0.0", "2.0.0");
  await Deno.mkdir(PICTURES, { recursive: true });
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
    timeout: 120_000,
  });
  try {
    const grounds = new Map<string, string>();
    for (const colorScheme of ["light", "dark"] as const) {
      for (const [name, viewport] of [["desk", DESK], ["phone", PHONE]] as const) {
        const options = { colorScheme, viewport, javaScriptEnabled: false };
        const { page, complaints, elsewhere } = await open(browser, served.url, options);
        assertEquals(await page.title(), "2 nodes");
        const rows = page.locator("tbody").first().locator("tr");
        assertEquals(await rows.count(), 2);
        for (const text of await rows.allInnerTexts()) {
          assert(MACHINES.some((machine) => text.includes(machine)), text);
          for (const part of ["2.0.0", "updated", "stable", "127.0.0.1"]) {
            assertStringIncludes(text, part);
          }
        }
        const releases = await page.locator("tbody").last().innerText();
        assertMatch(releases, /2\.0\.0[\s\S]*offered[\s\S]*signed/);
        assertStringIncludes(releases, "kubesolo-os.gz of 3.0.0 is not there");
        assertMatch(releases, /not readable[\s\S]*<img src=x>/);
        assertEquals(await page.locator("img, script").count(), 0);
        const { ground, fits } = await looks(page);
        assertEquals(fits, true, `${colorScheme} ${name} scrolls sideways`);
        grounds.set(colorScheme, ground);
        assertEquals([complaints, elsewhere], [[], []]);
        await page.screenshot({ path: `${PICTURES}/${colorScheme}-${name}.png`, fullPage: true });
        await page.context().close();
      }
    }
    await saysMuch(served);
    for (const viewport of [DESK, PHONE]) {
      const { page } = await open(browser, served.url, { viewport });
      assertEquals((await looks(page)).fits, true, `${viewport.width} scrolls sideways`);
      const heads = await page.evaluate<string>(
        "[...new Set([...document.querySelectorAll('th')].map((th) => th.clientHeight))].join()",
      );
      // a phone has none
      if (viewport === DESK) assertMatch(heads, /^\d+$/, "a word in a column's name was broken");
      await page.context().close();
    }
    const [light, dark] = [...grounds.values()].map((colour) => Number(/\d+/.exec(colour)));
    assert(light > 200 && dark < 60, `${light} ${dark}`);
  } finally {
    await browser.close();
  }
});

Deno.test("an empty directory says what to do", async () => {
  await using served = await Served.start(() => Promise.resolve());
  const answer = await fetch(`${served.url}/`, { headers: { accept: "text/html" } });
  assertEquals(answer.headers.get("content-type"), "text/html; charset=utf-8");
  const text = await answer.text();
  assertStringIncludes(text, "There is nothing to serve yet");
  assertStringIncludes(text, `kubesolo-update apply --omaha ${served.url}/v1/update/`);
  assertMatch(
    answer.headers.get("content-security-policy") ?? "",
    /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
});

Deno.test("what nodes say of themselves is text, and nothing else, in all three forms", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "2.0.0" })
  );
  const evil = `"><script>alert(1)</script>'&\u202e`;
  const app = { appid: APP, events: [], ping: {} };
  const body = writeRequest({
    apps: ["machineid", "version", "track", "machinealias", "board"].map((name, at) => ({
      ...{ ...app, machineid: `m${at}` },
      [name]: evil,
    })),
  });
  const headers = { "content-type": "text/xml", "user-agent": evil.replace("\u202e", "") };
  await (await fetch(`${served.url}/v1/update/`, { method: "POST", headers, body })).text();
  const page = await (await fetch(served.url)).text();
  assert(!page.includes("<script") && !page.includes("\u202e"), page);
  assertStringIncludes(page, "&#60;script&#62;alert(1)");
  const status = await (await fetch(`${served.url}/status.json`)).json();
  assertEquals(status.total, 5);
  assert(status.nodes.some(({ id }: { id: string }) => id === evil.replace("\u202e", "")));
  const same = await fetch(served.url, { headers: { accept: "application/json" } });
  assertEquals((await same.json()).total, 5);
  const metrics = await (await fetch(`${served.url}/metrics`)).text();
  assertStringIncludes(metrics, 'kubesolo_fleet_nodes{phase="seen"} 5\n');
  assertStringIncludes(metrics, 'kubesolo_fleet_version_nodes{version="\\"><script>');
});

Deno.test("many nodes are shown page by page, failures first", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "2.0.0" })
  );
  const { fleet } = served.parts;
  const wish = { version: "1.0.0", channel: "stable", architecture: "x86_64", prefix: "" };
  for (let i = 0; i < 250; i++) {
    const machineid = `machine-${String(i).padStart(3, "0")}`;
    fleet.seen({ machineid, version: "1.0.0", events: [] }, wish, { address: "a", agent: "" });
  }
  fleet.happened("machine-007", { eventtype: 3, eventresult: 0, errorcode: 2404 }, "1.0.0");
  const rows = async (query: string) => {
    const text = await (await fetch(`${served.url}/${query}`)).text();
    return [...text.matchAll(/machine-\d{3}/g)].map(([id]) => id);
  };
  const first = await rows("");
  assertEquals([first.length, first[0]], [100, "machine-007"]);
  const all = [...first, ...await rows("?page=2"), ...await rows("?page=3")];
  assertEquals(new Set(all).size, 250);
  assertEquals(await rows("?page=4"), await rows("?page=3"));
  for (const page of ["0", "-1", "x", "1e9", "%00"]) {
    assertEquals((await rows(`?page=${page}`)).length > 0, true, page);
  }
  const text = await (await fetch(served.url)).text();
  assertStringIncludes(text, "HTTP 404 (error 2404)");
  assertStringIncludes(text, "<title>1 of 250 nodes failed</title>");
});
