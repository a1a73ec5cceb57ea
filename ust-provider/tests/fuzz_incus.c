// SPDX-License-Identifier: GPL-2.0
/* The same as fuzz_docker.c, of Incus: whose IDs are names, and go into URLs as they are. */

#define FUZZ_FAMILY	"lxc"

#include "../runtimes/incus.c"
#include "fuzz_rest.h"

bool is_listened_at(const char *path)
{
	return *path == '/';
}

static bool good_id(const char *id)
{
	return strlen(id) <= ID_MAX && is_name(name_in(id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz(&incus, data, size);
}
