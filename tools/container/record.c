// SPDX-License-Identifier: GPL-2.0
/* cid record: a program of its own, so that cid doesn't need LTTng's library */

#include <errno.h>
#include <unistd.h>

#include "cid.h"
#include "util.h"

#define PROGRAM	"cid-record"

/* argv[0] is "cid record", by which it calls itself then. */
int cmd_record(int argc, char **argv)
{
	(void)argc;
	execvp(PROGRAM, argv);
	if (errno == ENOENT)
		msg("there is no " PROGRAM " in PATH: it comes with tools/lttng/record and needs liblttng-ctl");
	else
		msg("cannot run " PROGRAM ": %m");
	return CID_FAIL;
}
