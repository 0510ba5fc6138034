/** Directories to serve, and a server of them on the loopback. */

import { createHash } from "node:crypto";
import {
  Catalogue,
  DigestBook,
  Fleet,
  type OmahaParts,
  serveHandler,
} from "../../mod/serve/mod.ts";

export const APP = "io.kubesolo.os";

/** What is in a release besides the defaults. */
export interface ReleaseWords {
  readonly version: string;
  readonly channel?: string;
  readonly architecture?: string;
  readonly min?: string;
  /** Members of `latest.json` that are set, or taken away where undefined. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** The bytes of an artifact of a version: no two are the same. */
export function bytesOf(name: string, version: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${name} of ${version}\n`.repeat(1000));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A release of kernel and initramfs in `directory`; the text of its `latest.json`. */
export async function putRelease(directory: string, words: ReleaseWords): Promise<string> {
  const { version, channel = "stable", architecture = "x86_64", min, members } = words;
  await Deno.mkdir(directory, { recursive: true });
  const described: Record<string, unknown> = { version, channel, architecture };
  if (min) described.min_compatible_version = min;
  for (const [prefix, name] of [["vmlinuz", "vmlinuz"], ["initramfs", "kubesolo-os.gz"]]) {
    const bytes = bytesOf(name, version);
    await Deno.writeFile(`${directory}/${name}`, bytes);
    described[`${prefix}_url`] = name;
    described[`${prefix}_sha256`] = sha256(bytes);
    described[`${prefix}_size`] = bytes.length;
  }
  const text = JSON.stringify({ ...described, ...members });
  await Deno.writeTextFile(`${directory}/latest.json`, text);
  return text;
}

/** A server of a directory of its own, and what it has said. */
export class Served implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    /** The directory. */
    readonly directory: string,
    /** A directory around it. */
    readonly around: string,
    readonly parts: OmahaParts,
    /** What it has said. */
    readonly said: readonly string[],
  ) {
    const handle = serveHandler(parts);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request, info) => handle(request, (info.remoteAddr as Deno.NetAddr).hostname),
    );
  }

  /** Serves what `fill` has put into the directory. */
  static async start(
    fill: (directory: string) => Promise<unknown>,
    apps: readonly string[] = [APP],
  ): Promise<Served> {
    const around = await Deno.realPath(await Deno.makeTempDir());
    const directory = `${around}/served`;
    await Deno.mkdir(directory);
    await fill(directory);
    const catalogue = await Catalogue.open(directory, new DigestBook());
    await catalogue.settle();
    const said: string[] = [];
    const say = (client: string, words: string) => said.push(`${client} ${words}`);
    const parts = { catalogue, fleet: new Fleet(), apps, say };
    return new Served(directory, around, parts, said);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Looks at the directory until all is known. */
  look(): Promise<void> {
    return this.parts.catalogue.settle();
  }

  /** What comes back for bytes as they are, until the server closes or has nothing more to say. */
  async raw(request: string): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await connection.write(new TextEncoder().encode(request));
    let text = "";
    try {
      for await (const chunk of connection.readable) text += new TextDecoder().decode(chunk);
    } catch {
      // closed with bytes of ours unread
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.around, { recursive: true });
  }
}
