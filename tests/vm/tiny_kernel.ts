/**
 * A kernel of one kilobyte that GRUB takes for Linux (Documentation/arch/x86/boot.rst): it prints
 * `KERNEL` and its command line on the serial line and resets the machine. So a test sees what a
 * kernel is told, two seconds after power-on.
 *
 * @module
 */

const SECTOR_BYTES = 512;

/** Runs in 32-bit mode with the boot parameters in esi, wherever it was loaded. */
const CODE = [
  ...[0xe8, 0, 0, 0, 0, 0x5d], // call next; next: pop ebp
  ...[0x8b, 0xbe, 0x28, 0x02, 0, 0], // mov edi, [esi + 0x228]   cmd_line_ptr
  ...[0x66, 0xba, 0xf8, 0x03], // mov dx, 0x3f8
  ...[0x8d, 0x5d, 0x2e], // lea ebx, [ebp + text - next]
  ...[0x8a, 0x03, 0x84, 0xc0, 0x74, 0x04, 0xee, 0x43, 0xeb, 0xf6], // print text
  ...[0x8a, 0x07, 0x84, 0xc0, 0x74, 0x04, 0xee, 0x47, 0xeb, 0xf6], // print the command line
  ...[0xb0, 0x0a, 0xee], // print a newline
  ...[0x66, 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xfe], // out 0xcf9, 6: reset
];
const TEXT = "\r\nKERNEL \0";

/** The kernel's bytes; `mark` makes one that differs from another. */
export function tinyKernel(mark: string): Uint8Array<ArrayBuffer> {
  const kernel = new Uint8Array(3 * SECTOR_BYTES);
  const header = new DataView(kernel.buffer);
  header.setUint8(0x1f1, 1); // setup_sects: the code starts behind two sectors
  header.setUint32(0x1f4, SECTOR_BYTES / 16, true); // syssize
  header.setUint16(0x1fe, 0xaa55, true); // boot_flag
  kernel.set(new TextEncoder().encode("HdrS"), 0x202);
  header.setUint16(0x206, 0x020c, true); // version of the protocol
  header.setUint8(0x211, 1); // loadflags: LOADED_HIGH
  header.setUint32(0x214, 0x100000, true); // code32_start
  header.setUint32(0x22c, 0x7fffffff, true); // initrd_addr_max
  header.setUint32(0x230, 0x200000, true); // kernel_alignment
  header.setUint8(0x234, 1); // relocatable_kernel
  header.setUint8(0x235, 21); // min_alignment
  header.setUint32(0x238, 2047, true); // cmdline_size
  header.setUint32(0x258, 0x1000000, true); // pref_address
  header.setUint32(0x260, 0x10000, true); // init_size
  const text = new TextEncoder().encode(TEXT);
  kernel.set([...CODE, ...text], 2 * SECTOR_BYTES);
  kernel.set(new TextEncoder().encode(mark), 2 * SECTOR_BYTES + 256);
  return kernel;
}
