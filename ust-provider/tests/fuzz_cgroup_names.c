// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever a cgroup is called, name_of_cgroup() stays within its buffers and says the
 * same of a container's cgroup as of what is below it.
 */

#include <stdlib.h>
#include <string.h>

#include "../agent.h"

/* of what is linked with it */
sd_event *loop;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_guess(char *path, const struct cgroup_guess *g)
{
	struct cgroup_guess own;

	check(g->runtime && g->family && g->len && g->len <= strlen(path));
	check(!path[g->len] || path[g->len] == '/');
	check(*g->id && memchr(g->id, '\0', sizeof(g->id)) && !strchr(g->id, '/'));
	check(strcmp(g->id, ".") && strcmp(g->id, ".."));
	check(memchr(g->pod, '\0', sizeof(g->pod)));
	check(strspn(g->pod, "0123456789abcdef-") == strlen(g->pod));
	check(g->uid != (uid_t)-1);
	path[g->len] = '\0';
	check(name_of_cgroup(path, &own));
	check(own.runtime == g->runtime && own.family == g->family && own.uid == g->uid);
	check(own.len == g->len && !strcmp(own.id, g->id) && !strcmp(own.pod, g->pod));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cgroup_guess g;
	/* Of its exact size, for the sanitizer to see the first byte too many */
	char *path = malloc(size + 1);

	if (!path)
		return 0;
	if (size)
		memcpy(path, data, size);
	path[size] = '\0';
	memset(&g, 0xff, sizeof(g));
	if (name_of_cgroup(path, &g))
		check_guess(path, &g);
	else
		check(!g.runtime && !*g.id && !g.len);
	free(path);
	return 0;
}
