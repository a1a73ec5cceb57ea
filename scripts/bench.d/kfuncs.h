/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the program that measures the kfuncs and what calls them. */
#ifndef BENCH_KFUNCS_H
#define BENCH_KFUNCS_H

#define CALLS	100	/* in one run of a program */

#endif
