/* SPDX-License-Identifier: GPL-2.0 */
/* listns(2), which older headers and libraries don't have. */
#ifndef __SELFTESTS_METRICS_NS_LISTNS_H
#define __SELFTESTS_METRICS_NS_LISTNS_H

#include "metrics_ns.h"

#ifndef NS_ID_REQ_SIZE_VER0
#define NS_ID_REQ_SIZE_VER0 32
struct ns_id_req {
	__u32 size;
	__u32 spare;
	__u64 ns_id;
	struct {
		__u32 ns_type;
		__u32 spare2;
		__u64 user_ns_id;
	};
};
#endif

#ifndef LISTNS_CURRENT_USER
#define LISTNS_CURRENT_USER 0xffffffffffffffff
#endif

#ifndef __NR_listns
#define __NR_listns	470
#endif

#define LISTED_MAX	64
#define NAMESPACES_WAIT_S	120

/*
 * Is a namespace among all that listns(2) lists, or among those that a user
 * namespace owns? Negative: the call failed.
 */
static inline int listed_of(__u64 id, __u64 user_ns_id)
{
	struct ns_id_req req = {
		.size = NS_ID_REQ_SIZE_VER0,
		.ns_id = id - 1,
		.ns_type = METRICS_NS,
		.user_ns_id = user_ns_id,
	};
	__u64 ids[LISTED_MAX];
	long n = syscall(__NR_listns, &req, ids, LISTED_MAX, 0);

	/* The system call's word for: none with an ID that high. */
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return -errno;
	return n > 0 && ids[0] == id;
}

/* Metrics namespaces that there are, as far as the caller may see; or an error */
static inline int count_namespaces(void)
{
	struct ns_id_req req = {
		.size = NS_ID_REQ_SIZE_VER0,
		.ns_type = METRICS_NS,
	};
	__u64 ids[LISTED_MAX];
	int nr = 0;
	long n;

	while ((n = syscall(__NR_listns, &req, ids, LISTED_MAX, 0)) > 0) {
		nr += n;
		req.ns_id = ids[n - 1];
	}
	/* The system call's word for: none behind that one. */
	return n < 0 && errno != ENOENT ? -errno : nr;
}

/* They are freed by the last task's reaping, and that by whom? So: in time. */
static inline bool namespaces_become(int wanted)
{
	int i;

	for (i = 0; i < NAMESPACES_WAIT_S * 10; i++) {
		if (count_namespaces() == wanted)
			return true;
		usleep(100000);
	}
	return false;
}

static inline void expect_namespaces(struct __test_metadata *_metadata,
				     int wanted)
{
	EXPECT_TRUE(namespaces_become(wanted)) {
		TH_LOG("%d namespaces, and not %d", count_namespaces(), wanted);
	}
}

#endif /* __SELFTESTS_METRICS_NS_LISTNS_H */
