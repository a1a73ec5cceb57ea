/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_METRICSNS_H
#define CID_METRICSNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "metricsns_abi.h"

int metricsns_supported(void);
int metricsns_require(void);
int metricsns_open_id(uint64_t id);
int metricsns_open_pid(pid_t pid);
int metricsns_get(int fd, struct metrics_ns_info *info);
int metricsns_set(int fd, const char *label, int scope_fd, uint32_t flags);
int metricsns_list(uint64_t **ids, size_t *nr);
int metricsns_label_valid(const char *label);
void metricsns_label(const struct metrics_ns_info *info,
		     char buf[NS_METRICS_LABEL_MAX + 1]);

struct metricsns_flag {
	uint32_t bit;
	const char *name;
};

extern const struct metricsns_flag metricsns_flags[3];

#endif
