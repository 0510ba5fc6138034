import { run } from "../loop_disk.ts";

/** Copies an image as it is, between layouts and registries that speak plain http. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  const flags = ["--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
  await run("skopeo", "--insecure-policy", "copy", ...flags, from, to);
}
