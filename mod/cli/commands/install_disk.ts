import { DenoDisk, ensureView, HOST_VIEW } from "../../host/mod.ts";
import { CommandMounts } from "../../slots/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, withOutput } from "../options.ts";
import { MOUNT_DIRECTORY } from "../node_parts.ts";

const ABOUT = `
The node's init runs it where GRUB's menu entry "Install KubeSolo OS onto this machine's
disk" was chosen on a provisioned stick, and nowhere else does it do anything. It shows
the disks, and wants the name of one typed twice. To install the agent onto a node that
has another system, see \`kubesolo-update install --help\`.`;

/** `install-disk`. */
export function addInstallDisk({ program, tell }: Desk): void {
  withOutput(program.command("install-disk"))
    .description("Install the stick that this machine was started from onto a disk of it.")
    .addHelpText("after", examples("install-disk") + `\n${ABOUT}`)
    .action(async (flags) => {
      const { installDisk } = await import("../install_disk/install_disk.ts");
      const { TERMINAL } = await import("../install_disk/terminal.ts");
      await ensureView();
      const outcome = await installDisk({
        disk: new DenoDisk(),
        mounts: new CommandMounts({ view: HOST_VIEW, directory: MOUNT_DIRECTORY }),
        view: HOST_VIEW,
        person: TERMINAL,
      });
      tell(flags, outcome, () =>
        [
          `KubeSolo OS is on ${outcome.device}, with what the stick carries: ${
            outcome.files.join(", ") || "nothing"
          }.`,
          `Take the stick (${outcome.from}) out, then press Enter: the machine starts from its disk.`,
        ].join("\n"));
    });
}
