/* SPDX-License-Identifier: GPL-2.0 */
/* Text that nothing uses: what it does to the figures is what layout does. */
__asm__(".pushsection .text\n\t.skip 4096, 0x90\n\t.popsection");
