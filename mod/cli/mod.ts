/**
 * The command line of the agent.
 *
 * @module
 */

export { run } from "./program.ts";
