import type { Desk } from "../answer.ts";
import { examples } from "../options.ts";

/** `verify`. */
export function addVerify({ program, tell }: Desk): void {
  program.command("verify")
    .description(
      "Check the signature of a file as a node with these keys would. Exit code 30 where it is not good.",
    )
    .argument("<file>", "what was signed")
    .requiredOption("--pubkey <keys>", "Ed25519 public keys: files or keys, separated by commas")
    .option("--json", "print the outcome as JSON on standard output")
    .option("--signature <file>", "the signature (default: FILE.sig, or else FILE.minisig)")
    .addHelpText(
      "after",
      examples(
        "verify /var/lib/kubesolo/www/latest.json --pubkey /etc/kubesolo/update.pub",
        "verify /var/lib/kubesolo/www/latest.json --pubkey RWRtn+icdfkfepSe7XxO6VethTDexHNYIu0MAuM//ck1w8Yvc4FVty1x",
      ) + "\n\n`kubesolo-update keygen --help` says where files may be.",
    )
    .action(async (file, flags) => {
      const { verifyFile } = await import("../verify_file.ts");
      const { signedBy } = await verifyFile(file, flags);
      tell(flags, { file, signedBy }, () => `${file}: good, signed by ${signedBy.join(", ")}`);
    });
}
