import { Option } from "@commander-js/extra-typings";
import type { Desk } from "../answer.ts";
import { examples } from "../options.ts";

/** `verify`. */
export function addVerify({ program, tell }: Desk): void {
  program.command("verify")
    .description(
      "Check the signature of a file as a node would that has these keys or this root of trust; of a " +
        "root, whether it takes over. Exit code 30 where it is not good.",
    )
    .argument("<file>", "what was signed")
    .addOption(
      new Option("--pubkey <keys>", "Ed25519 public keys: files or keys, separated by commas")
        .conflicts("root"),
    )
    .option("--root <file>", "a trust.json")
    .option("--json", "print the outcome as JSON on standard output")
    .option("--signature <file>", "the signature (default: FILE.sig, or else FILE.minisig)")
    .addHelpText(
      "after",
      examples(
        "verify /var/lib/kubesolo/www/latest.json --pubkey /etc/kubesolo/update.pub",
        "verify /var/lib/kubesolo/www/latest.json --pubkey RWRtn+icdfkfepSe7XxO6VethTDexHNYIu0MAuM//ck1w8Yvc4FVty1x",
        "verify /var/lib/kubesolo/www/trust/2.json --root /etc/kubesolo/trust.json",
      ) + "\n\n`kubesolo-update keygen --help` says where files may be.",
    )
    .action(async (file, flags) => {
      const { verifyFile } = await import("../verify_file.ts");
      const { signedBy, takesOver } = await verifyFile(file, flags);
      tell(
        flags,
        { file, signedBy, takesOver },
        () =>
          takesOver
            ? `${file}: good, this root takes over as version ${takesOver}`
            : `${file}: good, signed by ${signedBy.join(", ")}`,
      );
    });
}
