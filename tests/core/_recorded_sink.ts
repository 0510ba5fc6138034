import { createHash, type Hash } from "node:crypto";
import type { ArtifactSink, Reporter, UpdateEvent } from "../../mod/core/mod.ts";

/** SHA-256 in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that do not repeat at any power of two. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7) & 0xff);
}

/** A sink in memory that may begin with what an earlier run left. */
export class RecordedSink implements ArtifactSink {
  readonly offset: number;
  readonly hash: Hash;
  readonly limit: number;
  bytes: Uint8Array<ArrayBuffer>;
  writes = 0;
  restarts = 0;

  constructor(options: { limit?: number; left?: Uint8Array } = {}) {
    this.bytes = new Uint8Array(options.left ?? []);
    this.offset = this.bytes.length;
    this.hash = createHash("sha256").update(this.bytes);
    this.limit = options.limit ?? 1 << 30;
  }

  write(bytes: Uint8Array): void {
    const grown = new Uint8Array(this.bytes.length + bytes.length);
    grown.set(this.bytes);
    grown.set(bytes, this.bytes.length);
    this.bytes = grown;
    this.writes++;
  }

  restart(): void {
    this.bytes = new Uint8Array();
    this.restarts++;
  }
}

/** A reporter that keeps what it is told. */
export class RecordedReporter implements Reporter {
  readonly events: UpdateEvent[] = [];

  report(event: UpdateEvent): void {
    this.events.push(event);
  }

  /** Messages of all warnings. */
  get warnings(): string[] {
    return this.events.flatMap((event) => event.kind === "warning" ? [event.message] : []);
  }
}
