/**
 * `deno task release:publish`: puts the files of a release on the forge that a workflow runs for.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { main, say } from "./screen.ts";

/** Where a release goes; GitHub and Gitea speak the same here. */
export interface Forge {
  /** `https://api.github.com`, `https://gitea.example/api/v1`. */
  readonly api: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly token: string;
}

/** The part of a forge's release that matters here. */
interface ForgeRelease {
  readonly url: string;
  readonly upload_url: string;
  readonly html_url: string;
}

const HELP = `deno task release:publish --from DIR --tag v0.1.0

Makes a release of the tag on GitHub or Gitea, with all files in DIR. It is a draft until the last
file is there. The forge comes from GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN, which
workflows of both have.

  --from DIR   a release, made by \`deno task release\`
  --tag TAG    the tag, which is there already`;

/**
 * Resolves with the release's page when all files in `directory` are in a release of `tag`.
 *
 * @throws {Error} with what the forge said; what is there then is a draft.
 */
export async function publishFiles(forge: Forge, directory: string, tag: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
  const releases = `${forge.api}/repos/${forge.repository}/releases`;
  const draft = { tag_name: tag, name: tag, draft: true };
  const release = await ask(forge, "POST", releases, "application/json", JSON.stringify(draft));
  // GitHub's address is a template (RFC 6570): …/assets{?name,label}
  const assets = release.upload_url.replace(/\{.*\}$/, "");
  for (const name of names) {
    say(`uploading ${name}`);
    const bytes = await Deno.readFile(`${directory}/${name}`);
    const query = `?name=${encodeURIComponent(name)}`;
    await ask(forge, "POST", assets + query, "application/octet-stream", bytes);
  }
  const shown = JSON.stringify({ draft: false });
  return (await ask(forge, "PATCH", release.url, "application/json", shown)).html_url;
}

async function ask(
  { token }: Forge,
  method: string,
  url: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<ForgeRelease> {
  const headers = { "authorization": `token ${token}`, "content-type": type };
  const answer = await fetch(url, { method, headers, body });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  throw new Error(`${method} ${url}: ${answer.status} ${answer.statusText}\n${text}`.trim());
}

function variable(name: string): string {
  const value = Deno.env.get(name);
  if (value) return value;
  throw new Error(`wanted ${name} in the environment, as a workflow has it`);
}

if (import.meta.main) {
  await main(async () => {
    const { from, tag } = taskOptions(HELP, { from: { type: "string" }, tag: { type: "string" } });
    if (!from || !tag) throw new Error(`wanted --from and --tag\n\n${HELP}`);
    const forge = {
      api: variable("GITHUB_API_URL"),
      repository: variable("GITHUB_REPOSITORY"),
      token: variable("GITHUB_TOKEN"),
    };
    console.log(await publishFiles(forge, from, tag));
  });
}
