import type { Desk } from "../answer.ts";
import { examples, withOutput } from "../options.ts";
import { DEFAULT_APP_ID } from "../settings.ts";

/** Where releases are put unless another directory is named. */
const DEFAULT_DIRECTORY = "/var/lib/kubesolo/serve";

/** Everywhere: nodes are elsewhere. */
const DEFAULT_LISTEN = ":8000";

const WHAT = `
What is in the directory is served as it is, and every release that is complete there:
  latest.json                  one release, beside its files
  stable/amd64/latest.json     or several, in directories of any names, 6 levels deep at most
  os/kubesolo/oci-layout       an image layout: the repository os/kubesolo of a registry
Releases may be added, changed and removed at any time. One is offered from the moment when
all files that its latest.json names are there, with the sizes and SHA-256 that it says.

Nodes ask with
  apply --server http://HOST:8000/stable/amd64
  apply --omaha http://HOST:8000/v1/update/
  apply --registry HOST:8000/os/kubesolo --plain-http

The compiled agent serves directories in its own places (${DEFAULT_DIRECTORY});
from a checkout, \`deno task serve --dir DIR\` serves any.`;

/** `serve`. */
export function addServe({ program, reporter }: Desk): void {
  const command = program.command("serve")
    .description("Serve the releases in a directory to the nodes of a LAN, until told to end.");
  withOutput(command)
    .option("--dir <directory>", "the releases", DEFAULT_DIRECTORY)
    .option("--listen <address:port>", "serve there; a port alone is every address", DEFAULT_LISTEN)
    .option("--database <file>", "nodes that have asked are kept there (default: DIR.sqlite)")
    .option("--app-id <id...>", "the applications that are served over Omaha", [DEFAULT_APP_ID])
    .addHelpText(
      "after",
      examples("serve", "serve --dir /var/lib/kubesolo/releases --listen 192.168.1.1:8080") +
        `\n${WHAT}`,
    )
    .action(async (flags) => {
      // no other command needs it
      const { runServe } = await import("../serve/run.ts");
      await runServe(flags, reporter);
    });
}
