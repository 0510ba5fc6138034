/**
 * The heart of the agent: phases, gates, flows and the interfaces to everything outside. It knows
 * nothing of Deno, disks or networks, so all of it runs in a test.
 *
 * @module
 */

export * from "./activate.ts";
export * from "./apply.ts";
export * from "./architecture.ts";
export * from "./boot_env.ts";
export * from "./check.ts";
export * from "./choose.ts";
export * from "./disk.ts";
export * from "./errors.ts";
export * from "./explain.ts";
export * from "./floor.ts";
export * from "./gates.ts";
export * from "./gates_of_node.ts";
export * from "./gates_of_release.ts";
export * from "./give_up.ts";
export * from "./handshake.ts";
export * from "./health_check.ts";
export * from "./healthcheck.ts";
export * from "./known_time.ts";
export * from "./mount_table.ts";
export * from "./node.ts";
export * from "./partitions.ts";
export * from "./phases.ts";
export * from "./release.ts";
export * from "./repeated_member.ts";
export * from "./reporter.ts";
export * from "./rollback.ts";
export * from "./run_checks.ts";
export * from "./settle.ts";
export * from "./slot.ts";
export * from "./slot_store.ts";
export * from "./state.ts";
export * from "./state_records.ts";
export * from "./state_text.ts";
export * from "./status.ts";
export * from "./tls_key.ts";
export * from "./transfer.ts";
export * from "./trust.ts";
export * from "./update_source.ts";
export * from "./version.ts";
export * from "./window.ts";
