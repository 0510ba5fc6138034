/**
 * How the node's one wired interface gets its address, as the node's init reads it: one line.
 *
 * @module
 */

/** The network of a node. */
export interface NodeNetwork {
  /** Name or hardware address of the interface; the first wired one where absent. */
  readonly interface?: string;
  /** `dhcp`, or an IPv4 address with the bits of its network. */
  readonly address: string;
  /** Where everything else is reached; an IPv4 address. */
  readonly gateway?: string;
  /** Addresses of name servers. */
  readonly nameservers: readonly string[];
}

/** What the kernel may call an interface, of that what a shell does not stumble over. */
export const INTERFACE_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,14}$/;

/** A hardware address. */
export const HARDWARE_ADDRESS = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** `[INTERFACE ]dhcp`, or `[INTERFACE ]ADDRESS/BITS[,GATEWAY[,NAMESERVER…]]`; an empty gateway is none. */
export function networkLine(network: NodeNetwork): string {
  const { address, gateway = "", nameservers } = network;
  const words = [address, gateway, ...nameservers].join(",").replace(/,+$/, "");
  return network.interface ? `${network.interface} ${words}` : words;
}
