import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isVersion, UpdateError } from "../../mod/core/mod.ts";
import { MAX_NOTES_LENGTH, parseLatest, parseSteppingStones } from "../../mod/http/mod.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const BASE = new URL("http://host/os/stable/latest.json");

const PAIR: Readonly<Record<string, unknown>> = {
  version: "1.2.0",
  vmlinuz_url: "1.2.0/vmlinuz",
  vmlinuz_sha256: A,
  initramfs_url: "1.2.0/kubesolo-os.gz",
  initramfs_sha256: B,
  release_notes: "Two fixes.\n\tOne of them large.",
  release_date: "2026-01-15T00:00:00Z",
  expires: "2027-01-15T00:00:00+01:00",
  metadata_version: 7,
  min_allowed_version: "1.1.0",
  channel: "stable",
  min_compatible_version: "1.0.0",
  architecture: "x86_64",
};

const IMAGE = { version: "2026.01.15", image_url: "root.img", image_sha256: A };

function parse(value: unknown, base = BASE) {
  return parseLatest(new TextEncoder().encode(JSON.stringify(value)), base);
}

function refusal(value: unknown): UpdateError {
  const error = assertThrows(() => parse(value), UpdateError);
  assertEquals(error.code, "verification");
  return error;
}

Deno.test("a kernel and an initramfs become a release of two artifacts, in the order of SHA256SUMS", () => {
  const { release, urls } = parse(PAIR);
  assertEquals(release, {
    version: "1.2.0",
    channel: "stable",
    architecture: "x86_64",
    minCompatibleVersion: "1.0.0",
    notes: "Two fixes.\n\tOne of them large.",
    date: "2026-01-15T00:00:00Z",
    expires: "2027-01-15T00:00:00+01:00",
    metadataVersion: 7,
    minAllowedVersion: "1.1.0",
    artifacts: [{ name: "vmlinuz", sha256: A }, { name: "kubesolo-os.gz", sha256: B }],
  });
  assertEquals(urls.get("vmlinuz")?.href, "http://host/os/stable/1.2.0/vmlinuz");
  assertEquals(urls.get("kubesolo-os.gz")?.href, "http://host/os/stable/1.2.0/kubesolo-os.gz");
});

Deno.test("sizes are taken over where they are given", () => {
  const { release } = parse({ ...PAIR, vmlinuz_size: 7, initramfs_size: 8 });
  assertEquals(release.artifacts.map(({ size }) => size), [7, 8]);
  assertEquals(parse({ ...IMAGE, image_size: 9 }).release.artifacts[0].size, 9);
});

Deno.test("an image becomes a release of one artifact", () => {
  assertEquals(parse(IMAGE).release.artifacts, [{ name: "image", sha256: A }]);
});

Deno.test("what is optional may be absent, null or empty, and unknown members are ignored", () => {
  const empty = { channel: "", architecture: null, release_notes: "", min_compatible_version: "" };
  const { release } = parse({ ...IMAGE, ...empty, vmlinuz_url: "", signed_by: { any: ["thing"] } });
  assertEquals(release.channel, undefined);
  assertEquals(release.architecture, undefined);
  assertEquals(release.notes, undefined);
  assertEquals(release.minCompatibleVersion, undefined);
});

Deno.test("Go's names of machines are understood", () => {
  assertEquals(parse({ ...IMAGE, architecture: "amd64" }).release.architecture, "x86_64");
  assertEquals(parse({ ...IMAGE, architecture: "arm64" }).release.architecture, "aarch64");
  assertEquals(parse({ ...IMAGE, architecture: "riscv64" }).release.architecture, "riscv64");
  assertEquals(
    parse({ ...IMAGE, architecture: "constructor" }).release.architecture,
    "constructor",
  );
});

Deno.test("a digest may be in upper case and may say that it is a SHA-256", () => {
  const upper = `sha256:${"AB".repeat(32)}`;
  const { release } = parse({ ...IMAGE, image_sha256: upper });
  assertEquals(release.artifacts[0].sha256, "ab".repeat(32));
});

Deno.test("relative URLs start at the latest.json, absolute ones stand alone", () => {
  const at = (image_url: string, base?: URL) =>
    parse({ ...IMAGE, image_url }, base).urls.get("image")?.href;
  assertEquals(at("a/b.img"), "http://host/os/stable/a/b.img");
  assertEquals(at("../b.img"), "http://host/os/b.img");
  assertEquals(at("/b.img"), "http://host/b.img");
  assertEquals(at("b.img", new URL("https://cdn/x/y.json?z=1")), "https://cdn/x/b.img");
  assertEquals(at("https://elsewhere/b.img#part"), "https://elsewhere/b.img");
});

const FAULTS: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["a list", [], ["a JSON object was wanted, found a list"]],
  ["text", "hello", ['found "hello"']],
  ["null", null, ["found null"]],
  ["no version", { ...IMAGE, version: undefined }, ["version:", "found nothing"]],
  ["a version that is a number", { ...IMAGE, version: 1.2 }, ["version:", "the number 1.2"]],
  ["a version that cannot be compared", { ...IMAGE, version: "newest" }, ["version:", '"newest"']],
  ["a version that is a path", { ...IMAGE, version: "../../etc" }, ["version:", '"../../etc"']],
  ["a version that is too long", { ...IMAGE, version: `1.2.3-${"x".repeat(64)}` }, ["version:"]],
  ["a URL that is a number", { ...IMAGE, image_url: 5 }, ["image_url:", "the number 5"]],
  ["no URL", { ...IMAGE, image_url: null }, ["image_url:", "found nothing"]],
  ["a URL of a file", { ...IMAGE, image_url: "file:///etc/shadow" }, ["image_url:", "file:"]],
  ["a URL of data", { ...IMAGE, image_url: "data:,x" }, ["image_url:", "data:"]],
  ["a URL that is none", { ...IMAGE, image_url: "http://" }, ["image_url:"]],
  ["a URL without end", { ...IMAGE, image_url: "x".repeat(9000) }, ["image_url:", "9000"]],
  ["a short digest", { ...IMAGE, image_sha256: "abc" }, ["image_sha256:", '"abc"']],
  ["a SHA-512", { ...IMAGE, image_sha256: "a".repeat(128) }, ["image_sha256:"]],
  ["no digest", { ...IMAGE, image_sha256: undefined }, ["image_sha256:", "nothing"]],
  ["a size that is text", { ...IMAGE, image_size: "5" }, ["image_size:", '"5"']],
  ["a size of nothing", { ...IMAGE, image_size: 0 }, ["image_size:", "0"]],
  ["a negative size", { ...IMAGE, image_size: -1 }, ["image_size:", "-1"]],
  ["half a byte", { ...IMAGE, image_size: 1.5 }, ["image_size:", "1.5"]],
  ["an unsafe size", { ...IMAGE, image_size: 2 ** 53 }, ["image_size:"]],
  ["a pair without initramfs", { ...PAIR, initramfs_url: undefined }, ["initramfs_url:"]],
  ["both kinds", { ...PAIR, ...IMAGE }, ["both image_* and vmlinuz_*"]],
  ["no artifact", { version: "1.2.3" }, ["vmlinuz_url:"]],
  ["notes that are a list", { ...IMAGE, release_notes: ["x"] }, ["release_notes:", "a list"]],
  ["notes without end", { ...IMAGE, release_notes: "x".repeat(MAX_NOTES_LENGTH + 1) }, [
    "release_notes:",
    `${MAX_NOTES_LENGTH}`,
  ]],
  ["a channel that is an object", { ...IMAGE, channel: {} }, ["channel:", "an object"]],
  ["a channel without end", { ...IMAGE, channel: "x".repeat(257) }, ["channel:", "257"]],
  ["a minimum that is no version", { ...IMAGE, min_compatible_version: "x" }, [
    "min_compatible_version:",
  ]],
  ["metadata of half a version", { ...IMAGE, metadata_version: 1.5 }, ["metadata_version:"]],
  ["metadata of version 0", { ...IMAGE, metadata_version: 0 }, ["metadata_version:"]],
  ["a metadata version in words", { ...IMAGE, metadata_version: "7" }, ["metadata_version:"]],
  ["a floor that is no version", { ...IMAGE, min_allowed_version: "x" }, ["min_allowed_version:"]],
  ["an expiry that is a day", { ...IMAGE, expires: "2027-01-31" }, ["expires:", '"2027-01-31"']],
  ["an expiry that never comes", { ...IMAGE, expires: "2027-13-31T00:00:00Z" }, ["expires:"]],
  ["an expiry in seconds", { ...IMAGE, expires: 1_800_000_000 }, ["expires:", "the number"]],
];

for (const [name, value, words] of FAULTS) {
  Deno.test(`latest.json with ${name} is refused, and the message says where`, () => {
    const { message } = refusal(value);
    for (const word of words) assert(message.includes(word), `${message} lacks ${word}`);
  });
}

function stonesIn(stepping_stones: unknown) {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...IMAGE, stepping_stones }));
  return parseSteppingStones({ bytes, url: BASE });
}

Deno.test("stepping stones have the members of a latest.json", () => {
  const [first, second, ...rest] = stonesIn([PAIR, { ...IMAGE, image_url: "/old/root.img" }]);
  assertEquals([first.release.version, first.release.minCompatibleVersion], ["1.2.0", "1.0.0"]);
  assertEquals(first.urls.get("vmlinuz")?.href, "http://host/os/stable/1.2.0/vmlinuz");
  assertEquals(second.urls.get("image")?.href, "http://host/old/root.img");
  assertEquals(rest, []);
  for (const none of [undefined, null, []]) assertEquals(stonesIn(none), []);
});

Deno.test("a stepping stone expires with its document at the latest, and has its metadata version", () => {
  const stones = (expires: string | undefined, stone: string | null) => {
    const document = {
      ...IMAGE,
      expires,
      metadata_version: 9,
      stepping_stones: [{ ...PAIR, expires: stone }],
    };
    const bytes = new TextEncoder().encode(JSON.stringify(document));
    const [{ release }] = parseSteppingStones({ bytes, url: BASE });
    return [release.expires, release.metadataVersion];
  };
  const [early, late] = ["2026-07-01T00:00:00+02:00", "2026-06-30T23:00:00Z"];
  assertEquals(stones(undefined, early), [early, 9]);
  assertEquals(stones(early, null), [early, 9]);
  assertEquals(stones(early, late), [early, 9]);
  assertEquals(stones(late, early), [early, 9]);
});

Deno.test("stepping stones that are none are refused, but not before they are asked for", () => {
  const faults: readonly [unknown, string][] = [
    ["1.2.0", 'stepping_stones: a list of at most 32 objects was wanted, found "1.2.0"'],
    [Array(33).fill(PAIR), "stepping_stones: a list of at most 32 objects was wanted, found 33"],
    [[PAIR, "1.2.0"], 'latest.json, stepping_stones[1]: a JSON object was wanted, found "1.2.0"'],
    [[{ ...PAIR, version: "x" }], "latest.json, stepping_stones[0]: version: a version such as"],
  ];
  for (const [stones, says] of faults) {
    assertThrows(() => stonesIn(stones), UpdateError, says);
    assertEquals(parse({ ...IMAGE, stepping_stones: stones }).release.version, IMAGE.version);
  }
});

Deno.test("a page of HTML is refused, with its beginning", () => {
  const html = new TextEncoder().encode("<!DOCTYPE html>\n<title>Please log in</title>");
  const error = assertThrows(() => parseLatest(html, BASE), UpdateError);
  assert(error.message.includes('found "<!DOCTYPE html>'), error.message);
});

Deno.test("bytes that are no text are refused", () => {
  assertThrows(() => parseLatest(new Uint8Array([0xff, 0xfe, 0]), BASE), UpdateError);
});

Deno.test("a note cannot drive a terminal", () => {
  const hostile = "a\x1b]0;owned\x07b\x9b31mc\r\nd\u202ee";
  const { release } = parse({ ...IMAGE, release_notes: hostile, channel: "st\x1b[2Jable\n" });
  assertEquals(release.notes, "a]0;ownedb31mc\nde");
  assertEquals(release.channel, "st[2Jable");
});

Deno.test("a password in a URL never shows in a message", () => {
  const { message } = refusal({ ...IMAGE, image_url: "ftp://me:secret@host/x" });
  assert(!message.includes("secret"), message);
});

Deno.test("whatever JSON a server sends, the answer is a sane release or an UpdateError", () => {
  const member = fc.oneof(fc.jsonValue(), fc.constantFrom(A, "1.2.3", "x.img", "http://h/x", 5));
  const object = fc.record(
    Object.fromEntries([...Object.keys(PAIR), ...Object.keys(IMAGE)].map((name) => [name, member])),
    { requiredKeys: [] },
  );
  fc.assert(fc.property(fc.oneof(object, fc.jsonValue()), (value) => {
    try {
      const { release, urls } = parse(value);
      assert(isVersion(release.version));
      for (const { name } of release.artifacts) {
        assert(/^https?:$/.test(urls.get(name)?.protocol ?? ""));
      }
    } catch (error) {
      assert(error instanceof UpdateError && error.code === "verification", String(error));
    }
  }));
});
