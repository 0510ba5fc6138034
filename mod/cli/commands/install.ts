import { Option } from "@commander-js/extra-typings";
import { INITS } from "../../host/mod.ts";
import type { Desk } from "../answer.ts";
import { PREFIXES } from "../install/prefixes.ts";
import { examples, withOutput, withSettings } from "../options.ts";
import { givenByFlags } from "../read_settings.ts";

const MORE = `
From another machine, onto a node that has nothing yet:
  scp kubesolo-update root@node:
  ssh root@node ./kubesolo-update install --server https://updates.example/stable

It puts into place, and says of each whether it did:
  this very executable       /usr/local/bin, or where one is already
  systemd's units            /etc/systemd/system: timer, health check, metrics; enabled
  or OpenRC's services       /etc/init.d, in the runlevel default
  update.conf                /etc/kubesolo: what flags say, the rest as comments
On KubeSolo OS the system brings the agent, and its init runs it: only update.conf is made.

Done again, it changes nothing. A newer executable takes the older one's place in one step.
A second agent below another prefix, or what is no agent in its place, is refused without --force.
What somebody has changed stays as it is; with --force it is replaced, and kept as .bak.
A unit that nobody wants is to be masked (systemctl mask): that stays so.`;

/** `install`. */
export function addInstall({ program, tell }: Desk): void {
  const command = program.command("install")
    .description("Make this one file the agent of this node: executable, units, settings.");
  withSettings(
    withOutput(command)
      .addOption(
        new Option("--init <init>", "who starts services here").choices(["auto", ...INITS] as const)
          .default("auto" as const),
      )
      .addOption(
        new Option("--prefix <directory>", "the executable goes into its bin directory")
          .choices(PREFIXES),
      )
      .option("--uninstall", "take away what it has put in place; settings and state stay", false)
      .option("--dry-run", "only say what would be done", false)
      .option("--force", "replace also what somebody has changed, and what is newer", false),
    "all",
  )
    .addHelpText(
      "after",
      examples(
        "install --server https://updates.example/stable",
        "install --dry-run",
        "install --prefix /usr --init openrc",
      ) + `\n${MORE}`,
    )
    .action(async (flags) => {
      const { showInstalled } = await import("../install/show.ts");
      const { prefix, dryRun, force } = flags;
      const init = flags.init === "auto" ? undefined : flags.init;
      // types know nothing of the flags that a table adds
      const wish = {
        init,
        prefix,
        dryRun,
        force,
        given: givenByFlags({ ...flags, conf: undefined }),
      };
      const outcome = flags.uninstall
        ? await import("../install/uninstall.ts").then(({ uninstall }) => uninstall(wish))
        : await import("../install/install.ts").then(({ install }) => install(wish));
      tell(flags, outcome, () => showInstalled(outcome));
    });
}
