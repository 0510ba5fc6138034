import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseConf } from "../../mod/cli/conf_file.ts";
import { flagOf, givenByFile, keyOf, readGiven, Settings } from "../../mod/cli/read_settings.ts";
import { type SettingName, settingOf, SETTINGS } from "../../mod/cli/settings.ts";
import { printable } from "../../mod/cli/setting_values.ts";
import { ROOT } from "../../tasks/sources.ts";
import { UpdateError } from "../../mod/core/mod.ts";

/** What counts in a text, as `key=value line`. */
function counted(text: string): string[] {
  return givenByFile(text, "x").map(({ name, text, origin }) =>
    `${keyOf(name)}=${text} ${origin.from === "file" && origin.line}`
  );
}

Deno.test("lines are counted whatever ends them, and comments and empty ones are none", () => {
  const forms = ["# a\n\nchannel=x\n", "# a\r\n\r\nchannel=x\r\n", "\uFEFF# a\r\rchannel=x"];
  for (const form of forms) assertEquals(counted(form), ["channel=x 3"]);
  assertEquals(parseConf(" \t\n\n#x\n  # y"), []);
});

Deno.test("quotes round a whole value go, others stay", () => {
  const valueOf = (text: string) => parseConf(`tag=${text}`)[0].value;
  assertEquals(valueOf('"a b"'), "a b");
  assertEquals(valueOf("' a '"), " a ");
  assertEquals(valueOf('"a'), '"a');
  assertEquals(valueOf("\"a'"), "\"a'");
  assertEquals(valueOf('"'), '"');
  assertEquals(valueOf('""'), "");
  assertEquals(valueOf("a=b # c"), "a=b # c");
});

Deno.test("keys of nothing are kept out, and nothing is inherited from objects", () => {
  const text = "constructor=x\n__proto__=x\nSERVER=x\nmaintenanceWindow=x\nserver x\n=x\ntag=\n";
  assertEquals(counted(text), []);
  assertEquals(parseConf(text).length, 7, "but they are seen");
});

Deno.test("the last of several counts, and registry is another word for server", () => {
  const of = (text: string) => new Settings(givenByFile(text, "x")).given("server")?.text;
  assertEquals(of("server=http://a/\nserver=http://b/"), "http://b/");
  assertEquals(of("server=http://a/\nregistry=b.lan/os"), "b.lan/os");
  assertEquals(of("registry=b.lan/os\nserver=http://a/"), "http://a/");
});

Deno.test("whatever is in a file, each line is a setting, a comment or nothing, and is counted once", () => {
  const piece = fc.constantFrom(
    ...[
      "server",
      "channel",
      "=",
      " ",
      "\t",
      '"',
      "'",
      "#",
      "\n",
      "\r\n",
      "\r",
      "\0",
      "x",
      "\uFEFF",
    ],
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const text = pieces.join("");
    const lines = parseConf(text);
    for (const [index, { line, key, value }] of lines.entries()) {
      assert(line > (lines[index - 1]?.line ?? 0));
      assert(key === undefined || /^\w+$/.test(key));
      assert(!/[\r\n]/.test(value));
    }
    for (const given of givenByFile(text, "x")) {
      try {
        readGiven(given);
      } catch (error) {
        assert(error instanceof UpdateError && error.code === "usage", String(error));
        assert(error.operation.includes(" in x:"), error.operation);
      }
    }
  }));
});

Deno.test("a value that is written reads back, for every setting", () => {
  const value = fc.string({ unit: "grapheme-ascii" }).map((text) => text.trim())
    .filter((text) => text !== "" && !/^(["']).*\1$/.test(text));
  const name = fc.constantFrom(...Object.keys(SETTINGS) as SettingName[]);
  fc.assert(fc.property(name, value, (name, text) => {
    assertEquals(counted(`# x\n${keyOf(name)} = ${text}\n`), [`${keyOf(name)}=${text} 2`]);
  }));
});

Deno.test("no user, password or query of an address is ever shown", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abc:/?#[]\\ \t%.é"), maxLength: 8 });
  const secret = "hunter2";
  const address = fc.tuple(fc.constantFrom("http://", "https://", "ftp://", "HTTP:\\\\", ""), word);
  fc.assert(
    fc.property(address, word, word, fc.boolean(), ([scheme, user], host, path, inQuery) => {
      const text = inQuery
        ? `${scheme}${host}/${path}?token=${secret}`
        : `${scheme}${user}:${secret}@${host}/${path.replaceAll("?", "")}`;
      assertEquals(printable(text).includes(secret), false, text);
    }),
    { numRuns: 500 },
  );
  assertEquals(printable("http://me:x@updates.lan:80/a?b"), "http://…@updates.lan:80/a?…");
  assertEquals(printable("http://updates.lan/stable"), "http://updates.lan/stable");
  assertEquals(printable("r.lan/os@sha256:ab"), "r.lan/os@sha256:ab");
});

Deno.test("the README's table has every setting, its flag and its default", async () => {
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const [, table] = readme.split(/^\| in `update.conf` .*\n.*\n/m);
  const rows = table.split("\n\n")[0].split("\n").map((row) =>
    row.split("|").slice(1, 4).map((cell) => cell.trim().replaceAll("`", ""))
  );
  const names = Object.keys(SETTINGS) as SettingName[];
  assertEquals(rows.map(([key, , text]) => [key, text]), [
    ...names.map((name) => [keyOf(name), settingOf(name).default ?? ""]),
  ]);
  for (const [index, name] of names.entries()) {
    if (settingOf(name).group !== "other") assertEquals(rows[index][1], flagOf(name));
  }
});
