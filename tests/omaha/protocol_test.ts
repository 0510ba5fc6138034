import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import {
  MAX_APPS,
  MAX_ATTRIBUTES,
  MAX_DEPTH,
  MAX_DOCUMENT_BYTES,
  MAX_ELEMENTS,
  omahaArchitecture,
  parseRequest,
  parseResponse,
  writeResponse,
} from "../../mod/omaha/mod.ts";

Deno.test("update_engine's request is read, every attribute of it", () => {
  const request = parseRequest(`<?xml version="1.0" encoding="UTF-8"?>
<request protocol="3.0" version="CoreOSUpdateEngine-0.1.0.0" updaterversion="CoreOSUpdateEngine-0.1.0.0" installsource="ondemandupdate" ismachine="1">
    <os version="Chateau" platform="CoreOS" sp="1.0.0_x86_64"></os>
    <app appid="{e96281a6-d1af-4bde-9a0a-97b76e56dc57}" version="1.0.0" track="stable" bootid="{b}" oem="" oemversion="" alephversion="0.9.0" machineid="0123" machinealias="" lang="en-US" board="amd64-usr" hardware_class="" delta_okay="false" >
        <ping active="1"></ping>
        <updatecheck targetversionprefix=""></updatecheck>
        <event eventtype="3" eventresult="2" previousversion=""></event>
    </app>
</request>
`);
  assertEquals(request, {
    version: "CoreOSUpdateEngine-0.1.0.0",
    updaterversion: "CoreOSUpdateEngine-0.1.0.0",
    installsource: "ondemandupdate",
    ismachine: 1,
    os: { platform: "CoreOS", version: "Chateau", sp: "1.0.0_x86_64" },
    apps: [{
      appid: "{e96281a6-d1af-4bde-9a0a-97b76e56dc57}",
      version: "1.0.0",
      lang: "en-US",
      board: "amd64-usr",
      track: "stable",
      delta_okay: false,
      hardware_class: "",
      bootid: "{b}",
      machineid: "0123",
      machinealias: "",
      oem: "",
      oemversion: "",
      alephversion: "0.9.0",
      ping: { active: 1 },
      updatecheck: { targetversionprefix: "" },
      events: [{ eventtype: 3, eventresult: 2, previousversion: "" }],
    }],
  });
});

Deno.test("what Go's reader lets pass, passes", () => {
  const one = (inner: string, attributes = "") =>
    parseRequest(`<request protocol="3.0"><app ${attributes}>${inner}</app></request>`).apps[0];
  for (const yes of ["1", "t", "T", "TRUE", "true", "True", " true "]) {
    assertEquals(one("", `delta_okay="${yes}"`).delta_okay, true, yes);
  }
  for (const no of ["0", "f", "F", "FALSE", "false", "False", ""]) {
    assertEquals(one("", `delta_okay="${no}"`).delta_okay, false, no);
  }
  for (const [written, active] of [["", 0], [" 7\n", 7], ["+3", 3], ["-1", -1], ["007", 7]]) {
    assertEquals(one(`<ping active="${written}"/>`).ping, { active: active as number });
  }
  // update_engine's flags in the high bits, and beyond 32
  assertEquals(one('<event errorcode="2147483658"/>').events[0].errorcode, 2147483658);
  assertEquals(one('<event errorcode="-9223372036854775808"/>').events[0].errorcode, -(2 ** 63));

  const strange = `\ufeff<?xml version='1.0' encoding='utf-8'?><?pi any & thing?><!-- a < b & c -->
<o:request xmlns:o="urn:omaha" protocol='3.0' new="&#x26;&quot;"><Ping active="no"/><extra><app/></extra>
text <![CDATA[<app> & ]]> <o:app o:appid="a" VERSION="x" version="&lt;1&#46;0&gt;"/></o:request >
</nothing> & <more`;
  assertEquals(parseRequest(strange), { apps: [{ appid: "a", version: "<1.0>", events: [] }] });
  assertEquals(parseRequest('<request protocol="3.0"/>junk'), { apps: [] });
});

Deno.test("what is no request is refused, and the message says why", () => {
  const body = '<app appid="a"/>';
  const wrap = (inner: string, attributes = 'protocol="3.0"') =>
    `<request ${attributes}>${inner}</request>`;
  const cases: readonly [document: string | Uint8Array, found: RegExp][] = [
    ["", /no element/],
    ["   \n", /no element/],
    ["hello", /no element/],
    ['{"protocol":"3.0"}', /no element/],
    ['<response protocol="3.0"/>', /<request> was wanted, found <response>/],
    ['<Request protocol="3.0"/>', /found <Request>/],
    ["<request/>", /protocol 3.0 was wanted, found ""/],
    [wrap(body, 'protocol="2.0"'), /found "2.0"/],
    [wrap(body, 'protocol=" 3.0"'), /found " 3.0"/],
    [wrap(body).slice(0, -4), /no well-formed|an end before/],
    [wrap("<app>"), /./],
    [wrap("<app></ping>"), /./],
    [wrap("<app appid=a/>"), /./],
    [wrap("<app appid/>"), /./],
    [wrap('<app appid="<"/>'), /no well-formed XML/],
    [wrap('<app appid="a/>'), /no well-formed XML/],
    [wrap("]]>"), /end of CDATA/],
    [wrap("&nbsp;"), /an entity that XML does not have/],
    [wrap('<unknown x="&custom;"/>'), /an entity/],
    [wrap("a & b"), /an entity/],
    [wrap("&#0;"), /a character that XML does not have/],
    [wrap("&#xD800;"), /a character that XML does not have/],
    [wrap("\x01"), /a control character/],
    [`<?xml version="1.1"?>${wrap(body)}`, /not version 1.0/],
    [`<?xml version="1.0" encoding="ISO-8859-1"?>${wrap(body)}`, /encoding other than UTF-8/],
    [new Uint8Array([0x3c, 0xff, 0x3e]), /./],
    [`<!DOCTYPE request [<!ENTITY a "b">]>${wrap("&a;")}`, /a document type/],
    [`<!DOCTYPE request SYSTEM "file:///etc/passwd">${wrap(body)}`, /a document type/],
    [wrap('<app installage="ten"/>'), /installage="ten": a whole number of 64 bits was wanted/],
    [wrap('<app installage="9223372036854775808"/>'), /a whole number of 64 bits/],
    [wrap('<app delta_okay="yes"/>'), /delta_okay="yes": true or false was wanted/],
    [wrap("<app/>".repeat(MAX_APPS + 1)), /more than 256 applications/],
    [wrap("<x/>".repeat(MAX_ELEMENTS + 1)), /more than 20000 elements/],
    [wrap(`<x ${"a='\"' ".repeat(MAX_ATTRIBUTES)}/>`), /more than 20000 attributes/],
    [wrap("<x a='' b=''/>".repeat(MAX_ATTRIBUTES / 2)), /more than 20000 attributes/],
    [wrap("<x>".repeat(MAX_DEPTH + 1)), /more than 32 elements inside each other/],
    [wrap(`<app appid="${"a".repeat(70_000)}"/>`), /a text of more than 65536/],
    [wrap(" ".repeat(MAX_DOCUMENT_BYTES)), /more than 1048576 bytes/],
  ];
  for (const [document, found] of cases) {
    const error = assertThrows(() => parseRequest(document), UpdateError);
    assertEquals(error.code, "verification");
    assertMatch(error.found, found, String(document).slice(0, 80));
    assertEquals(error.message.length < 400, true);
  }
});

Deno.test("bombs are read in no time", () => {
  const full = (piece: string) => piece.repeat(Math.floor(MAX_DOCUMENT_BYTES / piece.length));
  const started = performance.now();
  for (
    const piece of ["<!--", "<![CDATA[", "<?", "<a ", '<a b="', "<", "&", "&#", "<a>", "]]", "</"]
  ) {
    assertThrows(() => parseRequest(full(piece)), UpdateError);
    assertThrows(() => parseRequest(`<request protocol="3.0" x="${full(piece)}`), UpdateError);
  }
  const seconds = (performance.now() - started) / 1000;
  assertEquals(seconds < 20, true, `${seconds} s`);
});

Deno.test("a response is written as clients expect it", () => {
  const text = writeResponse({
    server: "test",
    apps: [{
      appid: "a",
      status: "ok",
      ping: { status: "ok" },
      updatecheck: {
        status: "ok",
        urls: ["http://host/packages/"],
        manifests: [{
          version: "2.0.0",
          packages: [{ name: "update.gz", hash: "aGFzaA==", size: 4, required: true }],
          actions: [{ event: "postinstall", sha256: "c2hh", DisablePayloadBackoff: true }],
        }],
      },
      events: [{ status: "ok" }],
    }],
  });
  assertEquals(
    text.replaceAll(/<(\w+)([^<>]*)><\/\1>/g, "<$1$2/>").split("\n").join(""),
    '<?xml version="1.0" encoding="UTF-8"?><response protocol="3.0" server="test">' +
      '<daystart elapsed_seconds="0"/><app appid="a" status="ok"><ping status="ok"/>' +
      '<updatecheck status="ok"><urls><url codebase="http://host/packages/"/>' +
      '</urls><manifest version="2.0.0"><packages>' +
      '<package name="update.gz" hash="aGFzaA==" size="4" required="true"/></packages>' +
      '<actions><action event="postinstall" sha256="c2hh" DisablePayloadBackoff="true"/>' +
      '</actions></manifest></updatecheck><event status="ok"/></app></response>',
  );
  assertEquals(["amd64", "386", "arm64"].map(omahaArchitecture), ["x64", "x86", "arm64"]);
});

Deno.test("CoreUpdate's and nebraska's responses are read", () => {
  const { apps: [app] } = parseResponse(
    '<response protocol="3.0" server="nebraska"><daystart elapsed_seconds="0"></daystart>' +
      '<app appid="a" status="ok"><ping></ping><event/><updatecheck status="ok" PollInterval="60">' +
      '<urls><url codebase="http://one"/><url codebase="http://two/"/></urls>' +
      '<manifest version="1.5.0" is_floor="true" floor_reason="new &amp; old"><packages>' +
      '<package name="p" hash="h" size="18446744073709551615" required="false">' +
      '<metadata content-type="text/plain"><![CDATA[a & <b>]]></metadata></package></packages>' +
      '<actions><action event="postinstall" IsDelta="true" ChromeOSVersion="x"/></actions>' +
      "</manifest></updatecheck></app></response>",
  );
  assertEquals([app.ping, app.events, app.updatecheck?.PollInterval], [{}, [{}], "60"]);
  assertEquals(app.updatecheck?.urls, ["http://one", "http://two/"]);
  const [manifest] = app.updatecheck?.manifests ?? [];
  assertEquals([manifest.is_floor, manifest.floor_reason], [true, "new & old"]);
  assertEquals(manifest.packages[0].metadata, { "content-type": "text/plain", text: "a & <b>" });
  assertEquals(manifest.actions, [{ event: "postinstall" }]);
  assertThrows(
    () =>
      parseResponse(
        '<response protocol="3.0"><app><updatecheck><manifest><packages>' +
          '<package size="-1"/></packages></manifest></updatecheck></app></response>',
      ),
    UpdateError,
    'package size="-1": a whole number of bytes was wanted',
  );
});
