/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the programs and the test of kfuncs that name metrics namespaces. */
#ifndef __METRICS_NS_KFUNCS_H
#define __METRICS_NS_KFUNCS_H

#ifndef CLONE_NEWMETRICS
#define CLONE_NEWMETRICS	0x00000040
#endif

#define LABEL_SIZE	72

/**
 * struct task_answer - what was said of the watched task, the last time
 * @id: its container ID
 * @top_id: ID of the outermost container around it
 * @seen: how many times
 */
struct task_answer {
	__u64 id;
	__u64 top_id;
	__u32 seen;
};

/**
 * struct lookup - a question about an ID, and what was answered
 * @id: container ID
 * @level: level of the ancestor asked for
 * @size: how much of @label to offer, one of 4, 8 and LABEL_SIZE
 * @ancestor_id: bpf_container_ancestor_id()
 * @ret: bpf_container_label()
 * @label: likewise
 * @seen: how many times
 */
struct lookup {
	__u64 id;
	__u32 level;
	__u32 size;
	__u64 ancestor_id;
	__s32 ret;
	__u32 seen;
	char label[LABEL_SIZE];
};

#endif /* __METRICS_NS_KFUNCS_H */
