import { pattern } from "../core/_recorded_sink.ts";
import { imageJson, serve, type TestServer } from "./_servers.ts";

/** The image. */
export const BYTES = pattern(1000);

/** A server whose `root.img` is given by `answer`; `asked` has only the requests for that. */
export function imageServer(answer: (request: Request, count: number) => Response) {
  let count = 0;
  const asked: Headers[] = [];
  const server: TestServer = serve((request) => {
    if (request.url.endsWith(".json")) return new Response(imageJson(BYTES));
    asked.push(new Headers(request.headers));
    return answer(request, ++count);
  });
  return { ...server, asked };
}
