import { Option } from "@commander-js/extra-typings";
import { UpdateError } from "../../core/mod.ts";
import type { SignatureFormat } from "../../trust/mod.ts";
import type { Desk } from "../answer.ts";
import { examples } from "../options.ts";

// named here as well, so that no other command loads the room
const FORMATS = ["base64", "raw", "minisign"] as const satisfies readonly SignatureFormat[];

/** `sign`. */
export function addSign({ program, tell }: Desk): void {
  program.command("sign")
    .description(
      "Sign files exactly as they are, such as a latest.json: the signature goes to FILE.sig, or in " +
        "minisign's format to FILE.minisig.",
    )
    .argument("<file...>", "what to sign")
    .requiredOption(
      "--key <file>",
      "private key: PKCS #8 in PEM, or minisign's without a passphrase",
    )
    .option("--json", "print the outcome as JSON on standard output")
    .addOption(
      new Option("--format <format>", "how to write it").choices(FORMATS)
        .default("base64" as const),
    )
    .option("--trusted-comment <text>", "a line that minisign signs as well")
    .option("--add", "keep the signatures that are there: where several people sign", false)
    .option(
      "--passphrase-file <file>",
      "the key's passphrase is its first line (default: ask, at a terminal)",
    )
    .addHelpText(
      "after",
      examples(
        "sign /var/lib/kubesolo/www/latest.json --key /run/kubesolo-update/update.key",
        "sign /var/lib/kubesolo/www/latest.json --key /run/kubesolo-update/update.key --add",
      ) + "\n\n`kubesolo-update keygen --help` says where keys belong.",
    )
    .action(async (files, flags) => {
      const { signFiles } = await import("../sign_files.ts");
      const { format, trustedComment, add } = flags;
      if (trustedComment !== undefined && format !== "minisign" || add && format === "raw") {
        throw new UpdateError("usage", {
          operation: "reading the command line",
          found: `${add ? "--add" : "--trusted-comment"} with --format ${format}`,
          advice: add ? "only text can hold several: base64 or minisign" : "add --format minisign",
        });
      }
      const { id, signatures } = await signFiles(files, flags);
      tell(flags, { id, signatures }, () => `signed with key ${id}: ${signatures.join(", ")}`);
    });
}
