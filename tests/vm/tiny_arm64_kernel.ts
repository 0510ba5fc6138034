/**
 * The same as `tiny_kernel.ts` for aarch64: a program for EFI that GRUB takes for Linux
 * (Documentation/arch/arm64/booting.rst, PE format 2.4), for QEMU's machine `virt`.
 *
 * @module
 */

/** Where the code lies, in the file and in memory. */
const CODE_AT = 0x1000;

/** Called as EFI does: the image's handle in x0, the system table in x1. */
const CODE = [
  ...[0xaa0003f3, 0xaa0103f4, 0x10000455], // mov x19, x0; mov x20, x1; adr x21, data
  0x52a12016, // mov w22, #0x09000000   the serial line
  0xaa1503e4, // mov x4, x21
  ...[0x38401485, 0x34000065, 0xb90002c5, 0x17fffffd], // print text
  ...[0xd10043ff, 0xf9403285, 0xf9404ca5], // room for a pointer; x5 = HandleProtocol
  ...[0xaa1303e0, 0x910042a1, 0x910003e2, 0xd63f00a0], // (x19, GUID behind text, sp)
  ...[0xf94003e4, 0xb9403086, 0xf9401c84], // w6 = LoadOptionsSize; x4 = LoadOptions
  ...[0x340000c6, 0x78402485, 0x510008c6, 0x34000065, 0xb90002c5, 0x17fffffb], // print them, UTF-16
  ...[0x52800145, 0xb90002c5], // print a newline
  ...[0xf9402e85, 0xf94034a5, 0xaa1f03e0, 0xaa1f03e1, 0xaa1f03e2, 0xaa1f03e3], // ResetSystem(0, …)
  ...[0xd63f00a0, 0xd503201f, 0xd503201f],
];
const TEXT = "\r\nKERNEL \0";

/** EFI_LOADED_IMAGE_PROTOCOL_GUID (UEFI specification 2.10, 9.1.1). */
const LOADED_IMAGE = [
  ...[0xa1, 0x31, 0x1b, 0x5b, 0x62, 0x95, 0xd2, 0x11],
  ...[0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b],
];

/** The kernel's bytes; `mark` makes one that differs from another. */
export function tinyArm64Kernel(mark: string): Uint8Array<ArrayBuffer> {
  const kernel = new Uint8Array(2 * CODE_AT);
  const view = new DataView(kernel.buffer);
  const words = (at: number, ...values: number[]) =>
    values.forEach((value, index) => view.setUint32(at + 4 * index, value, true));
  const text = (at: number, value: string) => kernel.set(new TextEncoder().encode(value), at);
  text(0, "MZ");
  words(0x10, kernel.length); // image_size
  text(0x38, "ARM\x64");
  words(0x3c, 0x40); // where PE begins
  text(0x40, "PE");
  words(0x44, 0x0001_aa64); // one section, for aarch64
  words(0x54, 0x0206_00a0); // size of the next header; executable
  words(0x58, 0x020b, CODE_AT, 0, 0, CODE_AT, CODE_AT); // PE32+; sizes; entry; code
  words(0x78, CODE_AT, CODE_AT); // alignment in memory and in the file
  words(0x90, kernel.length, CODE_AT, 0, 10); // sizes of image and headers; checksum; EFI application
  words(0xc4, 6); // directories, all empty
  text(0xf8, ".text");
  words(0x100, CODE_AT, CODE_AT, CODE_AT, CODE_AT, 0, 0, 0, 0x6000_0020); // executable, readable
  words(CODE_AT, ...CODE);
  const data = CODE_AT + 4 * CODE.length;
  text(data, TEXT);
  kernel.set(LOADED_IMAGE, data + 16);
  text(data + 32, mark);
  return kernel;
}
