/* SPDX-License-Identifier: (GPL-2.0-only or LGPL-2.1-only)
 *
 * lttng-statedump-cgroup.h
 *
 * State dump of control groups, namespaces and what processes are in.
 */

#ifndef LTTNG_STATEDUMP_CGROUP_H
#define LTTNG_STATEDUMP_CGROUP_H

struct lttng_kernel_session;

int lttng_statedump_cgroups(struct lttng_kernel_session *session);

#endif /* LTTNG_STATEDUMP_CGROUP_H */
