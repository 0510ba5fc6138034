import type { Desk } from "../answer.ts";
import { examples } from "../options.ts";

const WHERE = `
A private key belongs to the people who publish, not on a node. From a checkout,
\`deno task keygen\`, \`deno task sign\` and \`deno task verify\` do the same anywhere;
the compiled agent works below /var/lib/kubesolo and /run/kubesolo-update alone.`;

/** `keygen`. */
export function addKeygen({ program, tell }: Desk): void {
  program.command("keygen")
    .description(
      "Make an Ed25519 key pair to sign releases with: FILE, readable by you alone, FILE.pub in PEM " +
        "and FILE.minisign.pub. Nothing is ever overwritten.",
    )
    .option("--json", "print the outcome as JSON on standard output")
    .option("--output <file>", "where the private key goes", "update.key")
    .option(
      "--passphrase-file <file>",
      "encrypt it with the first line of this file (default: ask, at a terminal)",
    )
    .addHelpText(
      "after",
      examples(
        "keygen --output /run/kubesolo-update/update.key",
        "keygen --output /run/kubesolo-update/update.key --passphrase-file /run/kubesolo-update/words",
      ) + `\n${WHERE}`,
    )
    .action(async (flags) => {
      const { askNewPassphrase, passphraseIn } = await import("../passphrase.ts");
      const { writeNewFiles } = await import("../operator_files.ts");
      const { PrivateKey, publicKeyMinisign, publicKeyPem } = await import("../../trust/mod.ts");
      const { output } = flags;
      const passphrase = flags.passphraseFile === undefined
        ? askNewPassphrase()
        : await passphraseIn(flags.passphraseFile);
      const key = PrivateKey.generate();
      const { id, bytes } = key.publicKey;
      await writeNewFiles("--output", [
        { path: output, text: key.format(passphrase), mode: 0o600 },
        { path: `${output}.pub`, text: publicKeyPem(key.publicKey), mode: 0o644 },
        { path: `${output}.minisign.pub`, text: publicKeyMinisign(key.publicKey), mode: 0o644 },
      ]);
      const encrypted = passphrase !== undefined;
      const pubkey = bytes.toBase64();
      tell(flags, { id, pubkey, output, encrypted }, () =>
        [
          `key ${id}: ${output}, ${encrypted ? "encrypted with the passphrase" : "not encrypted"}`,
          `for update.conf on nodes: pubkey=${pubkey}`,
        ].join("\n"));
    });
}
