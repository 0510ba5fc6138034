import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../mod/core/mod.ts";
import { ROOT } from "../../tasks/sources.ts";
import { type Ran, Sandbox } from "../sandbox.ts";
import { complaintOf } from "./_aftermath.ts";
import { TestNode } from "./_test_node.ts";

const { version }: { version: string } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));

/** The names that the section of a help text begins its lines with. */
function namesIn(help: string, section: string): string[] {
  const [, lines] = help.split(`\n${section}:\n`);
  return [...lines.split("\n\n")[0].matchAll(/^ {2}([\w-]+) /gm)].map(([, name]) => name);
}

/** What completion offers for the words so far. */
async function offers(sandbox: Sandbox, ...words: string[]): Promise<string[]> {
  const { stdout } = await sandbox.update("complete", "--", ...words);
  return stdout.split("\n").filter((line) => line.includes("\t")).map((line) =>
    line.split("\t")[0]
  );
}

Deno.test("a mistyped command line is answered with what was probably meant", async () => {
  await using sandbox = await Sandbox.create();
  const cases: readonly [args: string, says: string][] = [
    ["aply", "unknown command 'aply' (Did you mean apply?)"],
    ["staus --json", "unknown command 'staus' (Did you mean status?)"],
    ["apply --sever http://x", "unknown option '--sever' (Did you mean --server?)"],
    ["activate --rebot", "unknown option '--rebot' (Did you mean --reboot?)"],
    ["--no-such", "unknown option '--no-such'"],
    ["apply --server", "option '--server <url>' argument missing"],
    ["apply now", "too many arguments for 'apply'. Expected 0 arguments but got 1: now"],
    ["check --stall-timeout 0", "argument '0' is invalid. It takes a number of seconds, more"],
    ["check --stall-timeout soon", "argument 'soon' is invalid."],
    ["healthcheck --timeout -1", "argument '-1' is invalid."],
    ["completion csh", "argument 'shell'. Allowed choices are zsh, bash, fish"],
  ];
  for (const [args, says] of cases) {
    const ran = await sandbox.update(...args.split(" "));
    assertEquals(ran.code, 2, args);
    assertStringIncludes(complaintOf(ran), `reading the command line: `);
    assertStringIncludes(complaintOf(ran), says);
    assertEquals(ran.stderr.trimEnd().split("\n").length, 1, ran.stderr);
    assertEquals(ran.stdout === "", !args.includes("--json"), ran.stdout);
  }
  const nothing = await sandbox.update();
  assertEquals([nothing.code, nothing.stdout], [2, ""]);
  assertMatch(nothing.stderr, /^Usage: kubesolo-update /);
  assertEquals((await sandbox.sh("ls /var/lib/kubesolo")).trim(), "", "nothing was touched");
});

Deno.test("every command explains itself, with its options and an example", async () => {
  await using sandbox = await Sandbox.create();
  const general = await sandbox.update("--help");
  assertEquals([general.code, general.stderr], [0, ""]);
  for (const exit of Object.values(EXIT)) assertMatch(general.stdout, new RegExp(` ${exit}  `));
  assertStringIncludes(general.stdout, "kubesolo-update completion bash");

  const commands = namesIn(general.stdout, "Commands").filter((name) => name !== "help");
  for (const name of ["check", "apply", "activate", "healthcheck", "rollback", "status"]) {
    assert(commands.includes(name), name);
  }
  for (const name of commands) {
    const { code, stdout, stderr } = await sandbox.update(name, "--help");
    assertEquals([code, stderr], [0, ""], name);
    assertEquals(stdout, (await sandbox.update("help", name)).stdout);
    assertMatch(stdout, new RegExp(`\n\nExamples:\n  kubesolo-update ${name}\\b`));
    const options = await offers(sandbox, name, "--");
    assert(options.includes("--json"), name);
    for (const option of options) assertMatch(stdout, new RegExp(`^ +(-\\w, )?${option}\\b`, "m"));
  }
  for (const flag of ["--version", "-V"]) {
    assertEquals(await sandbox.update(flag), { code: 0, stdout: `${version}\n`, stderr: "" });
  }
});

Deno.test("a terminal is shown the same help", async () => {
  await using sandbox = await Sandbox.create();
  const cases: readonly (readonly [args: string, code: number])[] = [
    ["--help", 0],
    ["doctor --help", 0],
    ["help install", 0],
    ["", 2],
  ];
  for (const [args, code] of cases) {
    const plain = await sandbox.update(...args.split(" ").filter(Boolean));
    const shown = await sandbox.run(
      ...["env", "-u", "NO_COLOR", "TERM=xterm"],
      ...["script", "-qec", `stty cols 80; ${sandbox.agent} ${args}`, "/dev/null"],
    );
    assertEquals([plain.code, shown.code], [code, code], shown.stdout);
    assertEquals(shown.stdout.replaceAll("\r\n", "\n"), plain.stdout + plain.stderr);
  }
});

Deno.test("help may go to a reader that has enough of it", async () => {
  await using sandbox = await Sandbox.create();
  const { stdout, stderr } = await sandbox.run(
    "sh",
    "-c",
    `mkfifo /run/pipe; : </run/pipe & exec 3>/run/pipe; wait; ${sandbox.agent} --help >&3; echo $?`,
  );
  assertEquals({ stdout, stderr }, { stdout: "0\n", stderr: "" });
});

Deno.test("shells complete commands and options", async () => {
  await using sandbox = await Sandbox.create();
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await sandbox.update("completion", shell);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `# ${shell} completion for kubesolo-update`);
    assertStringIncludes(stdout, "kubesolo-update complete -- ");
  }
  await sandbox.sh(`bash -n <<'END'\n${(await sandbox.update("completion", "bash")).stdout}\nEND`);
  assertEquals(await offers(sandbox, "st"), ["status"]);
  assertEquals(await offers(sandbox, "ac"), ["activate"]);
  assertEquals(await offers(sandbox, "apply", "--st"), ["--state", "--stall-timeout"]);
});

Deno.test("colours are for terminals, and for people who want them", async () => {
  await using node = await TestNode.create();
  const plain = await node.update("status");
  assertEquals(plain.stdout.includes("\x1b"), false);

  const onTerminal = (...settings: string[]) =>
    node.sandbox.run(
      ...["env", "-u", "NO_COLOR", ...settings, "TERM=xterm"],
      ...["script", "-qec", `${node.sandbox.agent} status`, "/dev/null"],
    );
  const coloured = await onTerminal();
  assertStringIncludes(coloured.stdout, "\x1b[32mrunning\x1b[39m");
  const without = await onTerminal("NO_COLOR=1");
  assertEquals(without.stdout.replaceAll("\r\n", "\n"), plain.stdout);
});

Deno.test("every exit code is reached, and machines are told why in one shape", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const ends: Ran[] = [
    await node.update("status", "--json"),
    await node.ask("check", "--json"),
    await node.update("apply", "--sever", "http://x", "--json"),
    await node.update("activate", "--json"),
    await node.update("check", "--server", node.url, "--disk", "/dev/absent", "--json"),
    await node.update(
      ...["healthcheck", "--deadline", "1", "--json"],
      ...["--healthcheck-url", `${node.url}/healthz`],
    ),
  ];
  await node.publish({ version: "2.0.0", changes: { vmlinuz_sha256: "0".repeat(64) } });
  ends.push(await node.ask("apply", "--json"));
  await node.stopServer();
  ends.push(await node.ask("check", "--json"));

  const codes = Object.values(EXIT);
  assertEquals(ends.map(({ code }) => code).sort((a, b) => a - b), codes.sort((a, b) => a - b));
  for (const ran of ends.filter(({ code }) => code !== EXIT.done && code !== EXIT.available)) {
    const { error, ...rest } = JSON.parse(ran.stdout);
    assertEquals(rest, {});
    const { operation, found, advice } = error;
    for (const part of [operation, found, advice]) assertMatch(part, /./);
    const message = complaintOf(ran);
    assertEquals(error, {
      code: Object.entries(EXIT).find(([, exit]) => exit === ran.code)?.[0],
      exit: ran.code,
      message,
      operation,
      found,
      advice,
    });
    assertEquals(message, `${operation}: ${found}; ${advice}`);
  }
});
