/**
 * What is updated, and the server that it is fetched from.
 *
 * @module
 */

import type { LoopDisk } from "../../tests/loop_disk.ts";
import { sha256OfFile } from "../digest.ts";
import { freePort } from "../free_port.ts";
import { bash } from "./measure.ts";

const MEBIBYTE = 1 << 20;

/** Slot A confirmed, and a version in it: all that `apply` asks of a node. */
export async function prepareNode(disk: LoopDisk): Promise<void> {
  const block = "# GRUB Environment Block\nactive_slot=A\nboot_counter=3\nboot_success=1\n";
  await disk.mounted("KSOLOEFI", async (esp) => {
    await Deno.mkdir(`${esp}/grub`);
    for (const name of ["grubenv", "grubenv.bak"]) {
      await Deno.writeTextFile(`${esp}/grub/${name}`, block.padEnd(1024, "#"));
    }
  });
  await disk.mounted("KSOLOA", (slot) => Deno.writeTextFile(`${slot}/version`, "1.0.0\n"));
}

/** One image of random bytes, and the latest.json that announces it; the image's path. */
export async function publishImage(
  directory: string,
  url: string,
  mebibytes: number,
): Promise<string> {
  const image = `${directory}/www/image`;
  await bash(`head -c ${mebibytes * MEBIBYTE} /dev/urandom >${image}`);
  const latest = {
    version: "2.0.0",
    channel: "stable",
    architecture: "x86_64",
    image_url: `${url}/image`,
    image_sha256: await sha256OfFile(image),
    image_size: mebibytes * MEBIBYTE,
  };
  await Deno.writeTextFile(`${directory}/www/latest.json`, JSON.stringify(latest));
  return image;
}

/** nginx on a free port, with `www` below `directory`. */
export async function serveByNginx(directory: string): Promise<{ url: string } & AsyncDisposable> {
  const port = freePort();
  await Deno.mkdir(`${directory}/www`);
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `daemon off; user root; pid ${directory}/nginx.pid; error_log stderr crit; events {}
     http { access_log off; sendfile on; client_body_temp_path ${directory}/body;
       server { listen 127.0.0.1:${port}; root ${directory}/www;
         location ~ /manifests/ { default_type application/vnd.oci.image.manifest.v1+json; } } }`,
  );
  const child = new Deno.Command("/usr/sbin/nginx", {
    args: ["-p", directory, "-c", `${directory}/nginx.conf`],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    const answered = await fetch(url).then((response) => response.body?.cancel(), () => false);
    if (answered !== false) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}
