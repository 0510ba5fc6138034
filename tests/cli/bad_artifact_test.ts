import { assert, assertEquals } from "@std/assert";
import type { Ending } from "./_aftermath.ts";
import { type BadRegistry, entryOf, IMAGE, INDEX, INITRAMFS, layers } from "./_bad_registry.ts";
import { ofUnknownLength, on, status, upTo } from "./_bad_server.ts";
import { assertAll, BEGUN, INITRAMFS_BLOB, KERNEL_BLOB, UNTOUCHED } from "./_registry_cases.ts";
import { sha256 } from "./_test_node.ts";

Deno.test("a manifest that is no release for this node is refused before a slot is touched", async () => {
  const refused = (says: RegExp): Ending => ({ ...UNTOUCHED, exit: 30, says });
  const here = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  const there = Deno.build.arch === "x86_64" ? "arm64" : "amd64";
  const platform = (architecture: string) => ({ platform: { architecture, os: "linux" } });
  await assertAll([
    [
      (r) => r.release({ layers: layers({ digest: `sha512:${"0".repeat(128)}` }) }),
      refused(/layers\[0\].digest: wanted a sha256 digest, found "sha512:0+…; nothing was staged/),
    ],
    [
      (r) => r.release({ layers: layers({}, { digest: `md5:${"0".repeat(32)}` }) }),
      refused(/layers\[1\].digest: wanted a sha256 digest, found "md5:0{32}"; nothing was/),
    ],
    [
      (r) => r.release({ layers: layers({ mediaType: "a/b" }, { mediaType: "c/d" }) }),
      refused(
        /: no layer of a release, where a kernel and an initramfs, or one image were wanted;/,
      ),
    ],
    [
      (r) => r.release({ layers: layers().slice(1) }),
      refused(/: layers for kubesolo-os.gz alone, where a kernel and an initramfs, or one image w/),
    ],
    [
      (r) => r.release({ layers: [...layers(), layers()[0]] }),
      refused(/: two layers of type application\/vnd.kubesolo.os.kernel.v1\+octet-stream; publish/),
    ],
    [
      (r) => r.release({ layers: layers({ size: -1 }) }),
      refused(/layers\[0\].size: wanted a number of bytes, found -1; nothing was staged/),
    ],
    [
      (r) => r.put(INDEX, { manifests: [{ ...r.release({}), ...platform(there) }] }),
      refused(
        /: an index for \w+, and nothing for \w+; publish one manifest for each architecture/,
      ),
    ],
    [
      (r) =>
        r.put(INDEX, { manifests: [{ ...r.put(INDEX, { manifests: [] }), ...platform(here) }] }),
      refused(/: an index inside the index, where a manifest was wanted; publish one/),
    ],
    [
      // an index cannot contain its own digest, but a registry can answer with it
      (r) => {
        const inner = r.release({});
        const outer = r.put(INDEX, { manifests: [{ ...inner, ...platform(here) }] });
        const { digest } = inner;
        r.answer = on(String(digest), (_, response) => {
          const text = JSON.stringify({
            schemaVersion: 2,
            mediaType: INDEX,
            manifests: [{ ...inner, ...platform(here) }],
          });
          assertEquals(entryOf(INDEX, new TextEncoder().encode(text)).digest, outer.digest);
          response.writeHead(200, { "content-type": INDEX }).end(text);
        });
      },
      refused(/fetching manifest .*@sha256:\w+: another manifest, sha256:\w+; nothing was staged/),
    ],
    [
      // the tag is moved between the two requests
      (r) => {
        const bytes = JSON.stringify({ schemaVersion: 2 });
        r.answer = (request, response) => {
          if (request.method === "HEAD") return false;
          response.writeHead(200, { "content-type": IMAGE }).end(bytes);
          return true;
        };
      },
      refused(/fetching manifest .*@sha256:\w+: another manifest, sha256:\w+; nothing was staged/),
    ],
  ]);
});

Deno.test("a manifest of 50 MB is not read, whether it says so or not", async () => {
  let sent = 0;
  const huge = (headers: Record<string, string>) => (r: BadRegistry) => {
    r.answer = on("manifests", (request, response) => {
      response.writeHead(200, { "content-type": IMAGE, ...headers });
      response.flushHeaders();
      if (request.method === "HEAD") return void response.end();
      let left = 50e6;
      const timer = setInterval(() => {
        response.write(new Uint8Array(1e6));
        sent += 1e6;
        if ((left -= 1e6) > 0) return;
        clearInterval(timer);
        response.end();
      }, 20);
      response.once("close", () => clearInterval(timer));
    });
  };
  const says = /manifest 127.*: more than the 4194304 bytes of a manifest; nothing was staged/;
  await assertAll([
    [huge({ "content-length": String(50e6) }), { ...UNTOUCHED, exit: 30, says }],
    [huge({}), { ...UNTOUCHED, exit: 30, says }],
  ]);
  assert(sent < 20e6, `${sent} bytes were sent`);
});

Deno.test("blobs that are not the promised ones are refused, and nothing is staged", async () => {
  const flipped = INITRAMFS.slice();
  flipped[1_000_000] ^= 1;
  const begun = (says: RegExp, exit: 30 | 40 = 30): Ending => ({ ...BEGUN, exit, says });
  const blob = (bytes: Uint8Array) => (r: BadRegistry) => {
    r.answer = on(INITRAMFS_BLOB, upTo(bytes, bytes.length, (response) => response.end()));
  };
  await assertAll([
    [
      blob(flipped),
      begun(new RegExp(`SHA-256 ${sha256(flipped)} .* where ${sha256(INITRAMFS)} was promised`)),
    ],
    [blob(INITRAMFS.subarray(1)), begun(/: 1999999 bytes instead of 2000000; nothing was staged/)],
    [blob(new Uint8Array(2_000_001)), begun(/: 2000001 bytes instead of 2000000; nothing was/)],
    [
      (r) => r.answer = on(INITRAMFS_BLOB, ofUnknownLength(new Uint8Array(2_000_001))),
      begun(/sends more than the 2000000 bytes that were promised; nothing was staged/),
    ],
    [
      (r) => r.answer = on(INITRAMFS_BLOB, ofUnknownLength(INITRAMFS.subarray(1))),
      begun(/the connection ended 1 bytes too early, 6 times in a row, after 1999999 bytes/, 40),
    ],
    [
      (r) => r.answer = on(KERNEL_BLOB, status(404)),
      begun(/fetching vmlinuz .*: fetching blob .*404 Not Found; check registry, rep/, 40),
    ],
  ]);
});
