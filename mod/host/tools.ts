/**
 * The programs of the node that an update needs.
 *
 * @module
 */

/** The name of one of {@linkcode TOOLS}. */
export type ToolName = "mount" | "umount" | "grub-editenv" | "setsid" | "reboot";

/** Where each may be. */
export const TOOLS: Readonly<Record<ToolName, readonly string[]>> = {
  mount: ["/usr/bin/mount", "/bin/mount"],
  umount: ["/usr/bin/umount", "/bin/umount"],
  "grub-editenv": ["/usr/bin/grub-editenv", "/bin/grub-editenv"],
  setsid: ["/usr/bin/setsid", "/bin/setsid"],
  reboot: ["/usr/sbin/reboot", "/sbin/reboot"],
};

/** Whether the node has a program. It is not run: one of them reboots. */
export async function hasTool(name: ToolName): Promise<boolean> {
  const found = await Promise.all(
    TOOLS[name].map((path) => Deno.lstat(path).catch(() => undefined)),
  );
  return found.some((info) => info !== undefined);
}
