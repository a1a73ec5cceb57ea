// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever a server answers, in whatever order, the books on its containers balance, no
 * container is forgotten in a queue, and the registry is told nothing out of order.
 */

#include "../runtimes/docker.c"
#include "fuzz_rest.h"

static bool good_id(const char *id)
{
	return is_id(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct flavour flavour = { DOCKER_API, .name = "docker", .lazy = size & 1 };

	return fuzz(&flavour, data, size);
}
