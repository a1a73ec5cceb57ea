// SPDX-License-Identifier: GPL-2.0
/* Tracepoints of memory cgroups whose arguments may be NULL */

#include <test_progs.h>
#include "memcg_tp_null.skel.h"

void test_memcg_tp_null(void)
{
	RUN_TESTS(memcg_tp_null);
}
