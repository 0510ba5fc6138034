/**
 * The site of the demo: a node's disk, and the update server in its LAN.
 *
 * @module
 */

import { serveDir } from "@std/http/file-server";

/** An update server on this machine, with the releases below one directory. */
export interface UpdateServer extends AsyncDisposable {
  readonly port: number;
  /** Makes a release the newest one. */
  publish(version: string): Promise<void>;
}

/**
 * Serves `directory`, in which every release has a directory of its own, on a free port of the
 * loopback.
 */
export function serveReleases(directory: string): UpdateServer {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => serveDir(request, { fsRoot: directory, quiet: true }),
  );
  return {
    port: server.addr.port,
    async publish(version) {
      const release = JSON.parse(
        await Deno.readTextFile(`${directory}/${version}/latest.json`),
      ) as Record<string, unknown>;
      for (const name of ["vmlinuz_url", "initramfs_url"]) {
        release[name] = `${version}/${release[name]}`;
      }
      await Deno.writeTextFile(`${directory}/latest.json.new`, JSON.stringify(release, null, 2));
      await Deno.rename(`${directory}/latest.json.new`, `${directory}/latest.json`);
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

/**
 * What a node does once it is up: it asks for updates every few seconds, takes what there is, and
 * switches itself off when it has refused a release.
 */
export function onBootScript(statusMark: string): string {
  return `#!/bin/sh
while :; do
  kubesolo-update check
  case $? in
    10) kubesolo-update apply && kubesolo-update activate --reboot && sleep 600 ;;
    20) break ;;
  esac
  sleep 2
done
status=$(kubesolo-update status --json | tr -d '\\n')
echo "${statusMark}$status"
poweroff
`;
}
