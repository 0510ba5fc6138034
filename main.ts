/**
 * The agent's executable: `kubesolo-update`.
 *
 * @module
 */

import { run } from "./mod/cli/mod.ts";

Deno.exit(await run(Deno.args));
