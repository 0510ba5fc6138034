import { Option } from "@commander-js/extra-typings";
import type { Desk } from "../answer.ts";
import { DEFAULT_LISTEN } from "../metrics/listen_address.ts";
import { examples, withNode } from "../options.ts";

/** `metrics`. */
export function addMetrics({ program, reporter, tell }: Desk): void {
  const command = program.command("metrics")
    .description("Serve metrics for Prometheus until told to end, or write them once.");
  withNode(command)
    .option("--listen <address:port>", "serve there; :9100 is every address", DEFAULT_LISTEN)
    .addOption(
      new Option(
        "--textfile <file>",
        "write a file for node_exporter's textfile collector, and end",
      )
        .conflicts(["listen", "once"]),
    )
    .addOption(
      new Option("--once", "print them, and end").conflicts("listen").default(false),
    )
    .addHelpText(
      "after",
      examples(
        "metrics --listen :9100",
        "metrics --once",
        "metrics --textfile /var/lib/kubesolo/metrics/kubesolo_update.prom",
      ),
    )
    .action(async (flags) => {
      // no other command needs any of it
      const { runMetrics } = await import("../metrics/run.ts");
      await runMetrics(flags, reporter, tell);
    });
}
