import { until } from "../until.ts";
import { closedPort } from "./_servers.ts";

const NGINX = "/usr/sbin/nginx";

/** Whether it is not installed. */
export const nginxAbsent = await Deno.stat(NGINX).then(() => false, () => true);

/** A real nginx on a free port that serves a directory. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
  /** What it serves. */
  readonly directory: string;
  /** Status, range, if-range and bytes sent of the first `count` requests for the image. */
  log(count: number): Promise<string[]>;
}

/** Resolves when it answers. `servers` are more blocks of its configuration, with a place for the root. */
export async function startNginx(
  servers: (directory: string) => string = () => "",
): Promise<Nginx> {
  const directory = await Deno.makeTempDir();
  await Deno.chmod(directory, 0o755);
  await Deno.mkdir(`${directory}/www`);
  const port = closedPort();
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `
    daemon off; pid ${directory}/pid; error_log ${directory}/error.log; worker_processes 1;
    ${Deno.uid() === 0 ? "user root;" : ""}
    events {}
    http {
      log_format asked '$request_uri $status [$http_range] [$http_if_range] $body_bytes_sent';
      access_log ${directory}/access.log asked;
      client_body_temp_path ${directory}/t1; proxy_temp_path ${directory}/t2;
      fastcgi_temp_path ${directory}/t3; uwsgi_temp_path ${directory}/t4;
      scgi_temp_path ${directory}/t5;
      server { listen 127.0.0.1:${port}; root ${directory}/www; }
      ${servers(`${directory}/www`)}
    }`,
  );
  const child = new Deno.Command(NGINX, {
    args: ["-c", `${directory}/nginx.conf`, "-e", `${directory}/error.log`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    const answer = await fetch(`${url}/none`).catch(() => undefined);
    await answer?.body?.cancel();
    if (!answer) throw new Error(await Deno.readTextFile(`${directory}/error.log`));
    return true;
  });
  return {
    url,
    directory: `${directory}/www`,
    async log(count) {
      // nginx logs a request when it has ended, which is after its client has everything
      let lines: string[] = [];
      await until(async () => {
        const text = await Deno.readTextFile(`${directory}/access.log`);
        lines = text.split("\n").filter((line) => line.startsWith("/root.img"));
        return lines.length >= count;
      });
      return lines;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}
