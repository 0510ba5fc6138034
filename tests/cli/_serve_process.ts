/** `serve` of the compiled agent, as a process of its own. */

import type { Sandbox } from "../sandbox.ts";
import { SpeakingProcess } from "./_speaking_process.ts";

/** Where it finds releases unless told otherwise. */
export const SERVED = "/var/lib/kubesolo/serve";

/** Puts a release of two tiny files into a directory of the sandbox. */
export async function putTinyRelease(
  sandbox: Sandbox,
  version: string,
  directory = SERVED,
): Promise<void> {
  await sandbox.sh(`
    mkdir -p ${directory}; cd ${directory}
    echo "kernel ${version}" >vmlinuz; echo "initramfs ${version}" >kubesolo-os.gz
    digest() { sha256sum <"$1" | cut -d' ' -f1; }
    printf '{"version":"%s","channel":"stable","vmlinuz_url":"vmlinuz","vmlinuz_sha256":"%s",' \\
      ${version} "$(digest vmlinuz)" >latest.json
    printf '"initramfs_url":"kubesolo-os.gz","initramfs_sha256":"%s"}' \\
      "$(digest kubesolo-os.gz)" >>latest.json
  `);
}

/** A server in a sandbox, on any free port of the loopback. */
export class ServeProcess extends SpeakingProcess {
  constructor(sandbox: Sandbox, ...args: string[]) {
    super(sandbox.start(sandbox.agent, "serve", "--listen", "127.0.0.1:0", ...args));
  }

  /** Where it listens. */
  get url(): Promise<string> {
    return this.waitFor(/ at (http:\S+), over Omaha/).then((match) => match[1]);
  }
}
