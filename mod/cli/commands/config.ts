import type { Command } from "@commander-js/extra-typings";
import { EXIT } from "../../core/mod.ts";
import { DenoDisk, PRIVATE_MODE } from "../../host/mod.ts";
import type { Desk } from "../answer.ts";
import { DEFAULT_CONF } from "../conf_file.ts";
import { examples, withConf, withOutput, withSettings, withState } from "../options.ts";
import { scopedPath } from "../scope.ts";

/** `config`, and `config apply-cloud-init`. */
export function addConfig({ program, tell }: Desk): void {
  const command: Command = program.command("config").enablePositionalOptions();
  withSettings(withState(withConf(withOutput(command))), "all")
    .description(
      "Show every setting, where its value comes from, the root of trust, and what is wrong.",
    )
    .addHelpText("after", examples("config", "config --channel beta --json"))
    .action(async (flags) => {
      const { reportSettings, showReport } = await import("../report_settings.ts");
      const conf = flags.conf && await scopedPath("--conf", flags.conf, "read");
      const state = await scopedPath("--state", flags.state, "read");
      const report = await reportSettings(new DenoDisk(), { ...flags, conf }, state);
      const wrong = report.rootProblem ?? report.settings.some(({ problem }) => problem);
      tell(flags, report, () => showReport(report), { exit: wrong ? EXIT.usage : EXIT.done });
    });

  withConf(withOutput(command.command("apply-cloud-init")))
    .argument("[file]", "a #cloud-config document")
    .option(
      "--seed <directory>",
      "of user-data, meta-data and network-config (/var/lib/cloud/seed/nocloud)",
    )
    .description("Make settings, hostname, network and keys of the documents of this node.")
    .addHelpText(
      "after",
      examples("config apply-cloud-init", "config apply-cloud-init /var/lib/kubesolo/user-data"),
    )
    .action(async (file, flags) => {
      const { applyCloudInit, SEED, showApplied } = await import(
        "../cloud_init/apply_cloud_init.ts"
      );
      const named = (flag: string, path: string, access: "read" | "write", known: string) =>
        path === known ? path : scopedPath(flag, path, access);
      // an address may have a password in it
      const disk = new DenoDisk({ fileMode: PRIVATE_MODE });
      const outcome = await applyCloudInit(disk, {
        from: file && await scopedPath("the cloud-config", file, "read"),
        seed: flags.seed && await named("--seed", flags.seed, "read", SEED),
        conf: flags.conf && await named("--conf", flags.conf, "write", DEFAULT_CONF),
      });
      tell(flags, outcome, () => showApplied(outcome));
    });
}
