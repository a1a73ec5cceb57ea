/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_H
#define CID_H

#define CID_VERSION "1.0"

enum cid_exit {
	CID_OK = 0,
	CID_FAIL = 1,		/* also: not found */
	CID_USAGE = 2,
	/* run and enter exit as the command does; these are what is left */
	CID_OWN_ERROR = 125,
	CID_CANNOT_EXEC = 126,
	CID_NO_COMMAND = 127,
};

int cmd_run(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_of(int argc, char **argv);
int cmd_enter(int argc, char **argv);
int cmd_self(int argc, char **argv);
int cmd_runqlat(int argc, char **argv);
int cmd_cpudist(int argc, char **argv);
int cmd_offcpu(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_fsdist(int argc, char **argv);
int cmd_fsslower(int argc, char **argv);
int cmd_syscalls(int argc, char **argv);
int cmd_bio(int argc, char **argv);
int cmd_net(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_check(int argc, char **argv);

#endif
