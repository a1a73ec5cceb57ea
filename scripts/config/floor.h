/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text and per-CPU data that nothing uses: what they do to the figures is what
 * layout does. The data shifts what the per-CPU allocator has to search for each
 * mm, and so what a fork costs.
 */
__asm__(".pushsection .text\n\t.skip 4096, 0x90\n\t.popsection\n\t"
	".pushsection .data..percpu,\"aw\"\n\t.skip 64\n\t.popsection");
