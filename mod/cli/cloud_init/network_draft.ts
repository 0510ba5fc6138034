/**
 * A {@linkcode NodeNetwork} while it is put together from the lines of a network-config.
 *
 * @module
 */

import { isIP, isIPv4 } from "node:net";
import { oneLine } from "../../core/mod.ts";
import { HARDWARE_ADDRESS, INTERFACE_NAME, type NodeNetwork } from "./node_network.ts";
import type { YamlText } from "./yaml_text.ts";

/** Most name servers: the resolver asks no more (`MAXNS`). */
const MAX_NAMESERVERS = 3;

/** What was said so far. What does not fit beside what was said before gets a warning. */
export class NetworkDraft {
  #yaml: YamlText;
  #interface?: string;
  #dhcp?: number;
  #address?: string;
  #gateway?: string;
  #nameservers: { line: number; address: string }[] = [];

  /** Its complaints are those of `yaml`. */
  constructor(yaml: YamlText) {
    this.#yaml = yaml;
  }

  /** Which interface, by the name that the kernel gives. */
  name(text: string, line: number): void {
    if (!INTERFACE_NAME.test(text)) {
      this.#yaml.warn(
        line,
        `${oneLine(text)}: no name of an interface: the first wired one is used`,
      );
    } else this.#interface ??= text;
  }

  /** Which interface, by its hardware address, which goes before the name. */
  hardware(text: string, line: number): void {
    const address = text.toLowerCase();
    if (!HARDWARE_ADDRESS.test(address)) {
      throw this.#yaml.refuse(
        line,
        `"${oneLine(text)}"`,
        "give a hardware address: 52:54:00:12:34:56",
      );
    }
    this.#interface = address;
  }

  /** DHCP, said in `line`. */
  dhcp(line: number): void {
    this.#dhcp = line;
  }

  /** One of its addresses, `192.168.1.10/24`; `mask` where the bits are given apart. */
  address(text: string, line: number, mask = ""): void {
    const [address, bits = bitsOf(mask) ?? mask, more] = text.split("/");
    const isSix = isIP(address) === 6;
    const good = more === undefined && isIP(address) !== 0 && /^[1-9][0-9]{0,2}$/.test(bits) &&
      Number(bits) <= (isSix ? 128 : 32) && address !== "0.0.0.0";
    if (!good) {
      throw this.#yaml.refuse(
        line,
        `the address "${oneLine(mask ? `${text} ${mask}` : text)}"`,
        "give one such as 192.168.1.10/24",
      );
    }
    if (isSix) {
      this.#yaml.warn(line, `${address}: counts for nothing: the node sets IPv4 addresses`);
    } else if (this.#address) {
      this.#yaml.warn(line, `${address}: counts for nothing: it is the second`);
    } else this.#address = `${address}/${bits}`;
  }

  /** The way to everything else. */
  gateway(text: string, line: number): void {
    const family = this.#ip(text, line, "gateway");
    if (family === 6) {
      this.#yaml.warn(
        line,
        `the gateway ${text}: counts for nothing: the node sets IPv4 addresses`,
      );
    } else if (this.#gateway && this.#gateway !== text) {
      this.#yaml.warn(line, `the gateway ${text}: counts for nothing: it is the second`);
    } else this.#gateway = text;
  }

  /** One that resolves names. */
  nameserver(text: string, line: number): void {
    this.#ip(text, line, "name server");
    this.#nameservers.push({ line, address: text });
  }

  /** What it comes to; undefined, with a warning in `line`, where it gives no address. */
  finish(line: number): NodeNetwork | undefined {
    const nameservers = this.#nameservers.map(({ address }) => address);
    if (this.#address) {
      if (this.#dhcp) this.#yaml.warn(this.#dhcp, "DHCP: counts for nothing beside an address");
      for (const { line, address } of this.#nameservers.slice(MAX_NAMESERVERS)) {
        this.#yaml.warn(line, `${address}: counts for nothing: ${MAX_NAMESERVERS} are asked`);
      }
      return {
        interface: this.#interface,
        address: this.#address,
        gateway: this.#gateway,
        nameservers: nameservers.slice(0, MAX_NAMESERVERS),
      };
    }
    if (this.#dhcp) {
      for (const { line, address } of this.#nameservers) {
        this.#yaml.warn(line, `${address}: counts for nothing: DHCP names the servers`);
      }
      return { interface: this.#interface, address: "dhcp", nameservers: [] };
    }
    this.#yaml.warn(line, "neither an IPv4 address nor DHCP for IPv4: the network stays as it is");
  }

  #ip(text: string, line: number, what: string): 4 | 6 {
    const family = isIP(text);
    if (family === 4 || family === 6) return family;
    throw this.#yaml.refuse(line, `the ${what} "${oneLine(text)}"`, "give an IP address");
  }
}

/** Bits of a mask such as 255.255.255.0; undefined where it is none. */
function bitsOf(mask: string): string | undefined {
  if (!isIPv4(mask)) return undefined;
  const bits = mask.split(".").map((part) => Number(part).toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? String(bits.replaceAll("0", "").length) : undefined;
}
