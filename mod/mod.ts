/**
 * Atomic A/B updates of an edge Kubernetes node's operating system, as a library: the flows and their
 * interfaces ({@linkcode apply}, {@linkcode activate}, {@linkcode healthcheck}, {@linkcode rollback},
 * {@linkcode check}, {@linkcode status}), and what stands behind them on a real node.
 *
 * @module
 */

export * from "./boot/mod.ts";
export * from "./core/mod.ts";
export * from "./host/mod.ts";
export * from "./http/mod.ts";
export * from "./kube/mod.ts";
export * from "./metrics/mod.ts";
export * from "./oci/mod.ts";
export * from "./slots/mod.ts";
export * from "./trust/mod.ts";
