/**
 * A private certificate authority, made by openssl.
 *
 * @module
 */

import { join } from "@std/path";
import { run } from "./loop_disk.ts";

/** Names of PEM files. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Issues certificates, which are for 127.0.0.1 and ::1, and as good for clients as for servers. */
export class Authority {
  /** Its own certificate, `ca.crt`. */
  readonly certificate: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.certificate = join(directory, "ca.crt");
  }

  /** One whose files are in `directory`. */
  static async create(directory: string): Promise<Authority> {
    const at = (name: string) => join(directory, name);
    await run(
      "openssl",
      ...["req", "-x509", ...KEY, "-subj", "/CN=private authority", "-days", "2"],
      ...["-keyout", at("ca.key"), "-out", at("ca.crt")],
    );
    await Deno.writeTextFile(at("index"), "");
    await Deno.writeTextFile(at("extensions"), "subjectAltName=IP:127.0.0.1,IP:::1\n");
    await Deno.writeTextFile(
      at("authority.conf"),
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${at("index")}\nnew_certs_dir=${directory}\n` +
        `certificate=${at("ca.crt")}\nprivate_key=${at("ca.key")}\nrand_serial=yes\n` +
        "default_md=sha256\ndefault_days=2\npolicy=any\n[any]\ncommonName=supplied\n",
    );
    return new Authority(directory);
  }

  /** A certificate that is good today, or was in 2020. */
  async issue(name: string, { expired = false } = {}): Promise<Issued> {
    const at = (kind: string) => join(this.#directory, `${name}.${kind}`);
    const [certificate, key, request] = [at("crt"), at("key"), at("csr")];
    await run(
      "openssl",
      ...["req", ...KEY, "-subj", `/CN=${name}`, "-keyout", key, "-out", request],
    );
    const dates = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
    await run(
      "openssl",
      ...["ca", "-batch", "-notext", "-config", join(this.#directory, "authority.conf")],
      ...["-extfile", join(this.#directory, "extensions"), ...expired ? dates : []],
      ...["-in", request, "-out", certificate],
    );
    return { certificate, key };
  }
}
