// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel lets a program do with an argument that may be NULL. While a
 * program runs, a typed argument is followed without a check, so one that isn't
 * marked is a way to crash the machine.
 */

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "children.h"
#include "harness.h"
#include "nullable.skel.h"

#define NOBODY	65534

static char verifier_log[1 << 16];

/* Load one of the programs: 0 or a negative errno. */
static int load(const char *name)
{
	struct nullable_bpf *skel = nullable_bpf__open();
	struct bpf_program *program;
	int ret = -ENOENT;

	if (!skel)
		return -errno;
	program = bpf_object__find_program_by_name(skel->obj, name);
	if (program) {
		bpf_program__set_autoload(program, true);
		bpf_program__set_log_buf(program, verifier_log,
					 sizeof(verifier_log));
		verifier_log[0] = '\0';
		ret = nullable_bpf__load(skel);
	}
	nullable_bpf__destroy(skel);
	return ret;
}

/* For this reason and no other. */
static void refused(const char *name)
{
	int ret = load(name);

	check(ret == -EACCES, "%s: loading it gives %d", name, ret);
	check(strstr(verifier_log, "ptr_or_null_"), "it says: %s",
	      verifier_log);
}

static void accepted(const char *name)
{
	int ret = load(name);

	check(!ret, "%s: loading it gives %d: %s", name, ret, verifier_log);
}

/* The machine reclaims for no cgroup. */
static void reclaim_unchecked(void)
{
	refused("reclaim_unchecked");
}

static void reclaim_checked(void)
{
	accepted("reclaim_checked");
}

/* There may be no memory controller. */
static void refault_unchecked(void)
{
	refused("refault_unchecked");
}

/* The cgroup that had the page evicted may be gone. */
static void evictor_unchecked(void)
{
	refused("evictor_unchecked");
}

static void refault_checked(void)
{
	accepted("refault_checked");
}

/* Linux's own events beside those: the machine's reclaim has no cgroup. */
static void direct_begin_unchecked(void)
{
	refused("direct_begin_unchecked");
}

static void direct_begin_checked(void)
{
	accepted("direct_begin_checked");
}

static void direct_end_unchecked(void)
{
	refused("direct_end_unchecked");
}

static void node_end_unchecked(void)
{
	refused("node_end_unchecked");
}

/* Without a memory controller, shrinkers have none either. */
static void slab_start_unchecked(void)
{
	refused("slab_start_unchecked");
}

static void slab_end_unchecked(void)
{
	refused("slab_end_unchecked");
}

/* An event that isn't there is no event that never comes. */
static void no_such_event(void)
{
	int ret = load("no_such_event");

	check(ret == -ESRCH, "loading it gives %d", ret);
}

static long do_load_as_nobody(void *unused)
{
	(void)unused;
	if (setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return load("reclaim_checked") == -EPERM ? 0 : -EPROTO;
}

/* Events show the whole machine: they are for who is privileged. */
static void unprivileged(void)
{
	struct child c;

	child_do(&c, NULL, do_load_as_nobody, NULL);
}

const struct test verifier_tests[] = {
	{ NULL, "memcg_reclaim: target unchecked is refused",
	  reclaim_unchecked },
	{ NULL, "memcg_reclaim: target checked is accepted", reclaim_checked },
	{ NULL, "memcg_refault: memcg unchecked is refused",
	  refault_unchecked },
	{ NULL, "memcg_refault: evictor unchecked is refused",
	  evictor_unchecked },
	{ NULL, "memcg_refault: both checked is accepted", refault_checked },
	{ NULL, "mm_vmscan_direct_reclaim_begin: memcg unchecked is refused",
	  direct_begin_unchecked },
	{ NULL, "mm_vmscan_direct_reclaim_begin: memcg checked is accepted",
	  direct_begin_checked },
	{ NULL, "mm_vmscan_direct_reclaim_end: memcg unchecked is refused",
	  direct_end_unchecked },
	{ NULL, "mm_vmscan_node_reclaim_end: memcg unchecked is refused",
	  node_end_unchecked },
	{ NULL, "mm_shrink_slab_start: memcg unchecked is refused",
	  slab_start_unchecked },
	{ NULL, "mm_shrink_slab_end: memcg unchecked is refused",
	  slab_end_unchecked },
	{ NULL, "an event that doesn't exist is refused", no_such_event },
	{ NULL, "nothing loads for who has no privilege", unprivileged },
	{ 0 }
};
