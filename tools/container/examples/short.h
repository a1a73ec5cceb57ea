/* SPDX-License-Identifier: GPL-2.0 */
/* What the two sides of short-bpf share. */
struct short_event {
	unsigned long long id;
	unsigned int begins;
};
