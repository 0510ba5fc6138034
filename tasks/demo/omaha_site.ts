/**
 * The site's releases from `kubesolo-update serve`, which nodes ask over Omaha.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { PrivateKey, signFile } from "../../mod/trust/mod.ts";
import { HOST_ADDRESS } from "../vm.ts";
import type { UpdateServer } from "./site.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));

/** A release directory in the order in which its files get there. */
const FILES = ["vmlinuz", "kubesolo-os.gz", "latest.json.sig", "latest.json"];

/** An update server, and where this machine reaches it. */
export interface FleetServer extends UpdateServer {
  /** Status page, JSON and metrics. */
  readonly url: string;
}

/** Serves releases of `directory` once they are published. */
export async function serveToFleet(directory: string): Promise<FleetServer> {
  const served = `${directory}/served`;
  await Deno.mkdir(served);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "serve", "--dir", served, "--listen", "127.0.0.1:0"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = readLines(child.stderr);
  const url = await said.found(/ at (http:\S+?),/);
  const key = PrivateKey.generate();
  return {
    url,
    setting: "omaha",
    pubkey: key.publicKey.bytes.toHex(),
    address: `${url.replace("127.0.0.1", HOST_ADDRESS)}/v1/update/`,
    flags: "",
    async publish(version, tampered = false) {
      const [from, to] = [`${directory}/${version}`, `${served}/${version}`];
      const signed = await Deno.readFile(`${from}/latest.json`);
      await Deno.mkdir(to, { recursive: true });
      for (const name of FILES) {
        const path = `${to}/${name}`;
        if (name === "latest.json") {
          const release = JSON.parse(new TextDecoder().decode(signed));
          const changed = JSON.stringify({ ...release, version: "9.9.9" });
          await Deno.writeFile(
            `${path}.new`,
            tampered ? new TextEncoder().encode(changed) : signed,
          );
          await Deno.rename(`${path}.new`, path);
        } else if (name === "latest.json.sig") {
          await Deno.writeFile(path, signFile(key, signed, "base64"));
        } else {
          // the same file, without its bytes once more
          await Deno.link(`${from}/${name}`, path).catch((error) => {
            if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
          });
        }
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.all([child.status, said.ended]);
    },
  };
}

/** Reads a stream to its end; `found` resolves with what a pattern's group has matched in it. */
function readLines(stream: ReadableStream<Uint8Array>) {
  let text = "";
  const waiting: (() => void)[] = [];
  const ended = (async () => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      for (const wake of waiting.splice(0)) wake();
    }
  })();
  return {
    ended,
    async found(pattern: RegExp): Promise<string> {
      for (let gone = false;;) {
        const match = pattern.exec(text);
        if (match) return match[1];
        if (gone) throw new Error(`the server has ended: ${text}`);
        await Promise.race([
          new Promise<void>((resolve) => waiting.push(resolve)),
          ended.then(() => gone = true),
        ]);
      }
    },
  };
}
