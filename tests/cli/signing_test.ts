import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { Sandbox } from "../sandbox.ts";
import { until } from "../until.ts";

Deno.test("keys are made, files signed and checked, on whose machine it may be", async () => {
  const cwd = await Deno.makeTempDir();
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", `${ROOT}/deno.json`, `${ROOT}/main.ts`, ...args],
      cwd,
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out, err };
  };
  const must = async (...args: string[]) => {
    const { code, out, err } = await run(...args);
    assertEquals(code, 0, err);
    return out;
  };
  try {
    await Deno.writeTextFile(`${cwd}/latest.json`, "{}");
    await Deno.writeTextFile(`${cwd}/words`, "correct horse\n");

    const { id, pubkey, encrypted } = JSON.parse(await must("keygen", "--json"));
    assertEquals(encrypted, false);
    const { mode } = await Deno.stat(`${cwd}/update.key`);
    assertEquals((mode ?? 0) & 0o777, 0o600);
    const before = await Deno.readTextFile(`${cwd}/update.key`);
    assertMatch((await run("keygen")).err, /update.key: a file is there already, and keys are nev/);
    await Deno.remove(`${cwd}/update.key`);
    assertEquals((await run("keygen")).code, 2, "nor is update.key.pub");
    assertEquals(await Deno.stat(`${cwd}/update.key`).catch(() => "none"), "none", "all or none");
    await Deno.writeTextFile(`${cwd}/update.key`, before);

    await must("keygen", "--output", "b.key", "--passphrase-file", "words");
    assertMatch(await Deno.readTextFile(`${cwd}/b.key`), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    assertMatch(
      (await run("sign", "latest.json", "--key", "b.key")).err,
      /b.key: an encrypted key, and no passphrase; give --passphrase-file/,
    );

    await must("sign", "latest.json", "--key", "update.key", "--format", "raw");
    assertMatch(
      await must("verify", "latest.json", "--pubkey", pubkey),
      new RegExp(`^latest.json: good, signed by ${id}\n$`),
    );
    const b = ["--key", "b.key", "--passphrase-file", "words"];
    await must("sign", "latest.json", ...b, "--add");
    for (const keys of ["update.key.pub", "b.key.minisign.pub"]) {
      assertMatch(await must("verify", "latest.json", "--pubkey", keys), /good/);
    }
    await must("sign", "latest.json", "--key", "update.key", "--format", "minisign");
    await must("sign", "latest.json", ...b, "--format", "minisign", "--add");
    const minisig = ["--signature", "latest.json.minisig", "--json"];
    const both = await must(
      "verify",
      "latest.json",
      "--pubkey",
      "update.key.pub,b.key.pub",
      ...minisig,
    );
    assertEquals(JSON.parse(both).signed_by.length, 2);
    const asked = ["-V", "-m", `${cwd}/latest.json`, "-p", `${cwd}/update.key.minisign.pub`];
    assertMatch(await runText("minisign", asked), /comment: timestamp:\d+\tfile:latest.json$/m);

    await Deno.writeTextFile(`${cwd}/latest.json`, "{ }");
    const changed = await run("verify", "latest.json", "--pubkey", "update.key.pub");
    assertEquals(changed.code, 30);
    assertMatch(
      changed.err,
      /found one of another key, or over other bytes; sign the file exactly/,
    );
    await Deno.writeTextFile(`${cwd}/other.json`, "{}");
    const unsigned = await run("verify", "other.json", "--pubkey", "update.key.pub");
    assertEquals(unsigned.code, 30);
    assertStringIncludes(unsigned.err, "found none at other.json.sig, other.json.minisig;");

    await Deno.writeFile(`${cwd}/large.sig`, new Uint8Array(10 << 20));
    const large = await run("verify", "other.json", "--pubkey", pubkey, "--signature", "large.sig");
    assertEquals(large.code, 30, large.err);
    assertStringIncludes(
      large.err,
      "large.sig, which cannot be read: 10485760 bytes, where at most",
    );

    const { pubkey: next } = JSON.parse(await must("keygen", "--json", "--output", "next.key"));
    const root = (version: number, key: string) =>
      JSON.stringify({ version, threshold: 1, keys: [{ name: "ops", key }] });
    await Deno.writeTextFile(`${cwd}/trust.json`, root(1, pubkey));
    await Deno.writeTextFile(`${cwd}/2.json`, root(2, next));
    const follow = () => run("verify", "2.json", "--root", "trust.json");
    await must("sign", "2.json", "--key", "update.key");
    const halfSigned = await follow();
    assertEquals(halfSigned.code, 30);
    assertMatch(halfSigned.err, /wanted a signature of key ops \(\S+\), found one of another key/);
    await must("sign", "2.json", "--key", "next.key", "--add");
    assertMatch((await follow()).out, /^2.json: good, this root takes over as version 2\n$/);
    await Deno.writeTextFile(`${cwd}/2.json`, root(3, next));
    for (const key of ["update.key", "next.key"]) {
      await must("sign", "2.json", "--key", key, "--add");
    }
    assertMatch((await follow()).err, /reading 2.json: version 3, where 2 was wanted;/);
    await must("sign", "latest.json", "--key", "update.key");
    assertMatch(await must("verify", "latest.json", "--root", "trust.json"), /signed by ops \(/);

    const usage: [args: string[], says: string][] = [
      [["verify", "absent", "--pubkey", pubkey], "absent: no such file"],
      [["verify", "latest.json"], "neither keys nor a root; give --pubkey KEY, or --root"],
      [
        ["verify", "latest.json", "--root", "latest.json"],
        "reading --root: latest.json: keys: a list",
      ],
      [["verify", "latest.json", "--root", "absent"], "absent: no such file"],
      [["sign", "latest.json", "--key", "update.key.pub"], "a PUBLIC KEY, where a PRIVATE KEY was"],
      [
        ["sign", "latest.json", "--key", "b.key", "--passphrase-file", "b.key"],
        "another passphrase than this key's; give the one that it was made with",
      ],
      [
        ["sign", "latest.json", "--key", "update.key", "--add", "--format", "raw"],
        "--add with --for",
      ],
      [
        ["sign", "latest.json", "--key", "update.key", "--trusted-comment", "x"],
        "--format minisign",
      ],
      [["sign", "latest.json", "--key", "update.key", "--format", "pgp"], "Allowed choices are"],
    ];
    for (const [args, says] of usage) {
      const { code, err } = await run(...args);
      assertEquals(code, 2, err);
      assertStringIncludes(err, says);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("a passphrase is asked for at a terminal, and not shown", async () => {
  const cwd = await Deno.makeTempDir();
  const entry = `${Deno.execPath()} run -A --config ${ROOT}/deno.json ${ROOT}/main.ts`;
  const atTerminal = async (command: string, ...words: string[]) => {
    const child = new Deno.Command("script", {
      args: ["-qec", `${entry} ${command}`, "/dev/null"],
      cwd,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    let shown = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) shown += text;
    })();
    const writer = child.stdin.getWriter();
    for (let asked = 0; asked < words.length; asked++) {
      await until(() => Promise.resolve(shown.split(": ").length > asked + 1));
      await writer.write(new TextEncoder().encode(`${words[asked]}\r`));
    }
    const { code } = await child.status;
    await writer.close().catch(() => {});
    await reading;
    assertEquals(words.filter((word) => word !== "" && shown.includes(word)), [], shown);
    return code;
  };
  try {
    assertEquals(await atTerminal("keygen", "corrést\x7f\x7f\x7fect horse", "correct horse"), 0);
    assertMatch(await Deno.readTextFile(`${cwd}/update.key`), /^-----BEGIN ENCRYPTED/);
    await Deno.writeTextFile(`${cwd}/latest.json`, "{}");
    assertEquals(await atTerminal("sign latest.json --key update.key", "correct horse"), 0);
    assertEquals(await atTerminal("sign latest.json --key update.key", "wrong horse"), 2);
    assertEquals(await atTerminal("keygen --output b.key", "zebra", "giraffe"), 2);
    assertEquals(await atTerminal("keygen --output b.key", "\x03"), 2);
    assertEquals(await atTerminal("keygen --output b.key", ""), 0);
    assertMatch(await Deno.readTextFile(`${cwd}/b.key`), /^-----BEGIN PRIVATE KEY-----/);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("the compiled agent keeps keys to its own places, and says which", async () => {
  await using sandbox = await Sandbox.create();
  const outside = await sandbox.update("keygen");
  assertEquals(outside.code, 2);
  assertMatch(
    outside.stderr,
    /update.key lies outside of what this program may write; name a file inside \/var\/lib\/kubesolo, /,
  );
  const key = "/run/kubesolo-update/update.key";
  assertEquals((await sandbox.update("keygen", "--output", key)).code, 0);
  await sandbox.sh("echo '{}' > /var/lib/kubesolo/latest.json");
  const file = "/var/lib/kubesolo/latest.json";
  const signed = await sandbox.update("sign", file, "--key", key);
  assertEquals(signed.code, 0, signed.stderr);
  const good = await sandbox.update("verify", file, "--pubkey", `${key}.pub`);
  assertEquals(good.code, 0, good.stderr);
  assertEquals((await sandbox.update("verify", "/etc/passwd", "--pubkey", `${key}.pub`)).code, 2);
});
