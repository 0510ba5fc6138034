import type { Desk } from "../answer.ts";
import { examples, withOutput } from "../options.ts";

const WHERE = `
It takes the place of go-omaha's program of the same name. The compiled agent reads
update.gz in the directory that it is started in, and files in its own places;
from a checkout, \`deno task serve-package\` serves any file.`;

/** `serve-package`. */
export function addServePackage({ program, reporter }: Desk): void {
  const command = program.command("serve-package")
    .description(
      "Serve one update to Flatcar's and CoreOS's update_engine, over Omaha, until told to end.",
    );
  withOutput(command)
    .requiredOption("--package-file <file>", "the update, such as update.gz")
    .requiredOption("--package-version <version>", "its version, such as 4230.2.1")
    .option("--listen-address <address:port>", "serve there", "localhost:8000")
    .addHelpText(
      "after",
      examples(
        "serve-package --package-file update.gz --package-version 4230.2.1",
        "serve-package --package-file update.gz --package-version 4230.2.1 --listen-address :8000",
      ) + `\n${WHERE}`,
    )
    .action(async (flags) => {
      // no other command needs Omaha
      const { runServePackage } = await import("../serve_package/run.ts");
      await runServePackage(flags, reporter);
    });
}
