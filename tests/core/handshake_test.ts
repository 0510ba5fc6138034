import { assertEquals, assertMatch } from "@std/assert";
import { adviceOnHandshake, failsForGood } from "../../mod/core/mod.ts";

Deno.test("each failed handshake has its advice, and only some are worth another try", () => {
  const cases: readonly [reason: string, forGood: boolean, advice: RegExp][] = [
    ["client error (Connect): invalid peer certificate: UnknownIssuer", true, /--ca-file/],
    ["invalid peer certificate: certificate expired: verification time 1795311000", true, /clock/],
    ["invalid peer certificate: certificate not valid yet: verification time 1", true, /clock/],
    ['invalid peer certificate: certificate not valid for name "a"', true, /^use the name/],
    ["connection error: received fatal alert: BadCertificate", true, /--client-cert/],
    ["connection error: received fatal alert: CertificateRequired", true, /--client-cert/],
    ["received fatal alert: UnknownCA", true, /--client-cert/],
    ["https://a/ did not answer: operation was canceled: connection closed", false, /whether/],
    ["https://a/ did not answer: stream closed because of a broken pipe", false, /whether/],
    ["https://a/ did not answer: Connection reset by peer (os error 104)", false, /whether/],
  ];
  for (const [reason, forGood, advice] of cases) {
    assertEquals(failsForGood(reason), forGood, reason);
    assertMatch(adviceOnHandshake(reason) ?? "none", advice);
  }
  for (
    const reason of [
      "http://a/ did not answer: Connection reset by peer (os error 104)",
      "https://a/ did not answer: Connection refused (os error 111)",
      "received fatal alert: InternalError",
    ]
  ) assertEquals([failsForGood(reason), adviceOnHandshake(reason)], [false, undefined], reason);
});
