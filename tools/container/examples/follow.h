/* SPDX-License-Identifier: GPL-2.0 */
/* What follow.bpf.c tells follow_bpf.c */
#ifndef FOLLOW_H
#define FOLLOW_H

enum follow_what {
	FOLLOW_CREATED,
	FOLLOW_LABELLED,
	FOLLOW_FREED,
	FOLLOW_EXEC,
};

struct follow_event {
	__u64 id;
	__u32 what;
	__u32 pid;
	char text[72];		/* the label, with a NUL; the program */
};

#endif
