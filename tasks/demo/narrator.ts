/**
 * Tells a {@linkcode Story} to a person, while it happens.
 *
 * @module
 */

import { bold, dim, green, red } from "@std/fmt/colors";
import { bar, slotsPicture } from "./picture.ts";
import type { BootRecord, Scene, Story } from "./story.ts";

const WHY: Readonly<Record<string, string>> = {
  normal: "it is confirmed",
  trial: "it is on trial, and this attempt was written down first",
  rollback: "the other slot used up its three attempts",
  fallback: "the other slot cannot be loaded",
  nosave: "the attempt could not be written down",
  noenv: "there is no boot environment",
  manual: "chosen by hand",
};

const PHASE: Readonly<Record<string, string>> = {
  checking: "asking the server what is new",
  downloading: "writing it into the slot that does not run",
  staged: "every byte was read back from the slot and matches",
  activated: "GRUB will try it at the next boot, three times at most",
  verifying: "is the new system well?",
  success: "confirmed: this is the version to stay with",
  failed: "it is not well; GRUB has the last word",
  rolled_back: "the agent notices that GRUB came back, and will not take that release again",
};

/** Writes scenes to standard error. */
export class Narrator {
  #story: Story;
  #terminal = Deno.stderr.isTerminal();
  #write: (text: string) => void;
  #moving?: string;
  #tenth = -1;

  /** Tells `story`; to standard error where no other outlet is given. */
  constructor(story: Story, write: (text: string) => void = toStandardError) {
    this.#story = story;
    this.#write = write;
  }

  /** A heading. */
  title(text: string): void {
    this.#line(`\n${bold(text)}`);
  }

  /** One line. */
  note(text: string): void {
    this.#line(`    ${text}`);
  }

  /** Tells one scene. */
  tell(scene: Scene): void {
    switch (scene.kind) {
      case "boot":
        return this.title(
          `Boot ${scene.boot.number}: GRUB starts slot ${scene.boot.slot}: ${WHY[scene.boot.why]}`,
        );
      case "up":
        this.note(
          `version ${bold(String(scene.boot.version))} is up after ${scene.boot.seconds} s`,
        );
        return this.picture();
      case "health":
        this.note(verdict(scene.boot, scene.line));
        return this.picture();
      case "phase": {
        const { to, version } = scene.phase;
        this.note(`${bold(to)}${version ? ` ${version}` : ""}  ${dim(PHASE[to] ?? "")}`);
        return to === "staged" || to === "activated" ? this.picture() : undefined;
      }
      case "progress":
        return this.#progress(scene);
      case "says":
        return this.note(dim(scene.line));
      case "status":
        return;
    }
  }

  /** The slots, as they are now. */
  picture(): void {
    this.#line(slotsPicture(this.#story));
  }

  #progress({ what, percent, amount }: Scene & { kind: "progress" }): void {
    if (this.#terminal) {
      const fresh = this.#moving !== undefined && this.#moving !== what ? "\n" : "";
      this.#moving = what;
      this.#write(
        `${fresh}\r    ${what.padEnd(28)} ${bar(percent)} ${percent} % ${dim(amount)}\x1b[K`,
      );
      return;
    }
    const tenth = Math.floor(percent / 10);
    if (what === this.#moving && tenth === this.#tenth) return;
    this.#moving = undefined;
    this.#line(`    ${what.padEnd(28)} ${bar(percent)} ${percent} % ${amount}`);
    this.#moving = what;
    this.#tenth = tenth;
  }

  #line(text: string): void {
    if (this.#terminal && this.#moving !== undefined) this.#write("\n");
    this.#moving = undefined;
    this.#write(`${text}\n`);
  }
}

function toStandardError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

function verdict(boot: BootRecord, line: string): string {
  return boot.healthy
    ? green(`healthy: slot ${boot.slot} is confirmed`)
    : red(`${line.split(";")[0]}: the node reboots, and GRUB counts`);
}
