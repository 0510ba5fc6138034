import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseRequest, parseResponse, writeRequest, writeResponse } from "../../mod/omaha/mod.ts";

// whatever XML can hold, what looks like markup and what parsers like to normalise
const text = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "&amp;",
    "]]>",
    "<a/>",
    "\t\r\n",
    "&#0;",
    '"',
    "__proto__",
    "\ufeff",
    "true",
  ),
  fc.string({ unit: "binary" }).map((text) =>
    // deno-lint-ignore no-control-regex
    text.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "")
  ),
);
const int = fc.maxSafeInteger();
const size = fc.maxSafeNat();
const bool = fc.boolean();

/** A record any member of which may be missing; `rest` never is. */
function part<T extends object, R extends object>(
  optional: { [K in keyof T]: fc.Arbitrary<T[K]> },
  rest: { [K in keyof R]: fc.Arbitrary<R[K]> },
) {
  return fc.record({ ...optional, ...rest }, {
    requiredKeys: Object.keys(rest) as never[],
    noNullPrototype: true,
  }) as unknown as fc.Arbitrary<Partial<T> & R>;
}

const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 });
const requests = part({
  version: text,
  updaterversion: text,
  installsource: text,
  ismachine: int,
  sessionid: text,
  userid: text,
  requestid: text,
  testsource: text,
  os: part({ platform: text, version: text, sp: text, arch: text }, {}),
}, {
  apps: some(part({
    appid: text,
    version: text,
    nextversion: text,
    lang: text,
    client: text,
    installage: int,
    board: text,
    track: text,
    from_track: text,
    delta_okay: bool,
    hardware_class: text,
    bootid: text,
    machineid: text,
    machinealias: text,
    oem: text,
    oemversion: text,
    alephversion: text,
    multi_manifest_ok: bool,
    ping: part({ active: int, a: int, r: int }, {}),
    updatecheck: part({ targetversionprefix: text }, {}),
  }, {
    events: some(part({
      eventtype: int,
      eventresult: int,
      errorcode: int,
      nextversion: text,
      previousversion: text,
    }, {})),
  })),
});

const responses = part({ server: text }, {
  apps: some(part({
    appid: text,
    status: text,
    ping: part({ status: text }, {}),
    updatecheck: part({ status: text, PollInterval: text }, {
      urls: some(text),
      manifests: some(
        part({ version: text, is_floor: bool, floor_reason: text, is_target: bool }, {
          packages: some(part({
            name: text,
            hash: text,
            hash_sha256: text,
            size,
            required: bool,
            metadata: part({ "content-type": text }, { text }),
          }, {})),
          actions: some(part({
            event: text,
            DisplayVersion: text,
            sha256: text,
            needsadmin: bool,
            IsDeltaPayload: bool,
            DisablePayloadBackoff: bool,
            MaxFailureCountPerUrl: int,
            MetadataSignatureRsa: text,
            MetadataSize: text,
            deadline: text,
            MoreInfo: text,
            Prompt: bool,
          }, {})),
        }),
      ),
    }),
  }, { events: some(part({ status: text }, {})) })),
});

Deno.test("what is written is read back as it was", () => {
  fc.assert(
    fc.property(requests, (request) => {
      assertEquals(parseRequest(writeRequest(request)), request);
    }),
    { numRuns: 150 },
  );
  fc.assert(
    fc.property(responses, (response) => {
      assertEquals(parseResponse(new TextEncoder().encode(writeResponse(response))), response);
    }),
    { numRuns: 150 },
  );
});
