import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UpdateError } from "../../mod/core/mod.ts";
import { addressOf } from "../../mod/omaha/_codebase.ts";
import {
  MAX_CODEBASES,
  OmahaError,
  type OmahaUpdateCheckResponse,
  parseResponse,
  readOffer,
  statementName,
} from "../../mod/omaha/mod.ts";
import { pattern } from "../core/_recorded_sink.ts";
import { base64, manifestXml, offerXml, packageXml, responseXml } from "./_fleet.ts";

const KERNEL = pattern(300_000);
const PAIR = [packageXml("vmlinuz", KERNEL), packageXml("kubesolo-os.gz", new Uint8Array(7))];
const SERVER = new URL("http://fleet/v1/update/");

const NOTHING: OmahaUpdateCheckResponse = { urls: [], manifests: [] };

/** The update check in a response. */
function checkOf(response: string): OmahaUpdateCheckResponse {
  return parseResponse(response).apps.at(0)?.updatecheck ?? NOTHING;
}

Deno.test("what no node could take is refused, with the number that an event says", () => {
  const good = "http://127.0.0.1:1/";
  const bytes = new Uint8Array(5);
  const image = (changes: Readonly<Record<string, string | null>> = {}, name = "root.img") =>
    packageXml(name, bytes, changes);
  const offered = (
    packages: readonly string[],
    action: Readonly<Record<string, string>> = {},
    urls: readonly string[] = [good],
    version = "2.0.0",
  ) => offerXml(urls, [manifestXml(version, packages, action)]);
  const names = [
    "../root.img",
    "a/../../root.img",
    "a//root.img",
    "./root.img",
    "http://evil/root.img",
    "//evil/root.img/..",
    "%2e%2e/root.img",
    "a%2Froot.img",
    "%5Croot.img",
    "a\\root.img",
    "root.img?x=1",
    "root.img#x",
    "root img",
    "root&#9;.img",
    "root%00.img",
    "root%zz.img",
    "",
    "a/",
    "x".repeat(600),
  ];
  const cases: readonly (readonly [content: string, found: RegExp])[] = [
    ...names.map((name) => [offered([image({}, name)]), /a name|without a name/] as const),
    [offerXml([good], []), /without a manifest/],
    [offerXml([], [manifestXml("2.0.0", PAIR)]), /no codebase/],
    [offered(PAIR, {}, [""]), /no http or https URL/],
    [offered(PAIR, {}, ["file:///etc/"]), /no http or https URL/],
    [offered(PAIR, {}, [], "two"), /no codebase/],
    [offered(PAIR, {}, [good], "two"), /the version "two"/],
    [offered(PAIR, {}, [good], ""), /the version ""/],
    [offered([PAIR[0]]), /vmlinuz alone/],
    [offered([]), /0 packages/],
    [offered([image(), image({}, "other.img")]), /2 packages/],
    [offered([image({ hash: null })]), /no SHA-1/],
    [offered([image({ hash: "AAAA" })]), /no base64 of 20 bytes/],
    [offered([image({ hash: "!" })]), /no base64 of 20 bytes/],
    [offered([image({ hash_sha256: "AAAA" })]), /no base64 of 32 bytes/],
    [offered([image({ hash_sha256: null })]), /a SHA-1 and no SHA-256/],
    [offered([image()], { sha256: base64(KERNEL, "sha256") }), /none of its packages'/],
    [offered([image()], { IsDeltaPayload: "true" }), /a difference/],
    [offered([image({ size: "0" })]), /a size of 0/],
    [offered([image({ size: "18446744073709551615" })]), /a size of/],
    [
      offerXml([good], Array.from({ length: 34 }, (_, n) => manifestXml(`1.${n}.0`, [image()]))),
      /34 manifests/,
    ],
    [offerXml([good], ['<manifest version="1.0.0"/>'.repeat(10_000)]), /10000 manifests/],
  ];
  for (const [content, found] of cases) {
    const check = checkOf(responseXml(content));
    const error = assertThrows(() => readOffer(check, SERVER), OmahaError);
    assertEquals([error.code, error.errorCode], ["verification", 34], content);
    assertMatch(error.found, found);
  }
});

Deno.test("a server at https leads to no codebase at http", () => {
  const check = (urls: readonly string[]) => {
    const hash = base64(KERNEL, "sha1");
    const hash_sha256 = base64(KERNEL, "sha256");
    const packages = [{ name: "root.img", hash, hash_sha256, size: KERNEL.length }];
    const manifests = [{ version: "2.0.0", packages, actions: [] }];
    return { status: "ok", urls, manifests };
  };
  const [http, https] = ["http://files/", "https://files/"];
  const found = (server: string, urls: readonly string[]) =>
    readOffer(check(urls), new URL(server)).codebases.map(String);
  assertEquals(found("https://fleet/", [http, https]), [https]);
  assertEquals(found("http://fleet/", [http, https]), [http, https]);
  assertThrows(() => found("https://fleet/", [http]), UpdateError, "of a server at https");
});

Deno.test("no more than so many codebases are looked at", () => {
  const urls = Array.from({ length: MAX_CODEBASES + 1 }, (_, each) => `http://files-${each}/`);
  const check = checkOf(responseXml(offerXml(urls, [manifestXml("2.0.0", PAIR)])));
  assertEquals(readOffer(check, SERVER).codebases.map(String), urls.slice(0, MAX_CODEBASES));
});

Deno.test("no name leads out of its codebase, whatever it is", () => {
  const codebase = "http://files/os/2.0.0/";
  const piece = fc.constantFrom(
    "..",
    ".",
    "/",
    "//",
    "\\",
    "%2e",
    "%2F",
    "%5c",
    "a",
    ":",
    "?",
    "#",
    "@",
  );
  const names = fc.oneof(
    fc.array(piece).map((pieces) => pieces.join("")),
    fc.string(),
    fc.webUrl(),
  );
  fc.assert(fc.property(names, (name) => {
    const packages = [{
      name,
      hash: base64(KERNEL, "sha1"),
      hash_sha256: base64(KERNEL, "sha256"),
      size: 1,
    }];
    const manifests = [{ version: "2.0.0", packages, actions: [] }];
    let path: string;
    try {
      path = readOffer({ urls: [codebase], manifests }, SERVER).target.packages[0].path;
    } catch (error) {
      assert(error instanceof UpdateError, `${error}`);
      return;
    }
    for (const one of [path, statementName(path)]) {
      const { href, search, hash } = addressOf(new URL(codebase), one);
      assert(href.startsWith(codebase), href);
      assert(!decodeURIComponent(href).split("/").includes(".."), href);
      assertEquals([search, hash], ["", ""]);
    }
  }));
});

Deno.test("whatever becomes of an answer on its way, it is an offer or a refusal", () => {
  const good = responseXml(
    offerXml(["http://files/os/"], [
      manifestXml("1.5.0", PAIR, {}, 'is_floor="true"'),
      manifestXml("2.0.0", PAIR, { sha256: base64(KERNEL, "sha256") }, 'is_target="true"'),
    ]),
  );
  assertEquals(readOffer(checkOf(good), SERVER).floors.length, 1);
  const place = fc.nat(good.length);
  const change = fc.tuple(place, fc.nat(20), fc.oneof(fc.constant(""), fc.string()));
  let offers = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      let text = good;
      for (const [at, length, instead] of changes) {
        text = text.slice(0, at) + instead + text.slice(at + length);
      }
      try {
        readOffer(checkOf(text), SERVER);
        offers++;
      } catch (error) {
        assert(error instanceof UpdateError, `${error}`);
      }
    }),
    { numRuns: 500 },
  );
  assert(offers > 0, "some changes do no harm");
});
