// SPDX-License-Identifier: GPL-2.0
/* cid - containers by their kernel-made ID: the table of subcommands */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cid.h"
#include "util.h"

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
	int usage_status;
};

static const struct command commands[] = {
	{ "run", "run a command in a new container", cmd_run, CID_OWN_ERROR },
	{ "ls", "list the containers", cmd_ls, CID_USAGE },
	{ "ps", "list the processes of containers", cmd_ps, CID_USAGE },
	{ "top", "show what the containers use, live", cmd_top, CID_USAGE },
	{ "events", "tell what happens to containers, as it does", cmd_events, CID_USAGE },
	{ "record", "record what they do with LTTng", cmd_record, CID_USAGE },
	{ "runqlat", "tell how long tasks wait for a CPU", cmd_runqlat, CID_USAGE },
	{ "cpudist", "tell how long tasks have a CPU", cmd_cpudist, CID_USAGE },
	{ "offcpu", "tell why tasks don't have a CPU", cmd_offcpu, CID_USAGE },
	{ "profile", "tell in which code they use the CPUs", cmd_profile, CID_USAGE },
	{ "bio", "tell how long disks take", cmd_bio, CID_USAGE },
	{ "fsdist", "tell how long operations on files take", cmd_fsdist, CID_USAGE },
	{ "fsslower", "tell which operations on files take long", cmd_fsslower, CID_USAGE },
	{ "net", "tell what goes through sockets", cmd_net, CID_USAGE },
	{ "syscalls", "tell which system calls are made", cmd_syscalls, CID_USAGE },
	{ "of", "tell which container a process is in", cmd_of, CID_USAGE },
	{ "enter", "run a command in an existing container", cmd_enter,
	  CID_OWN_ERROR },
	{ "self", "tell which container the caller is in", cmd_self,
	  CID_USAGE },
	{ "check", "tell what this kernel offers", cmd_check, CID_USAGE },
};

struct invocation {
	const struct command *cmd;
	int first;	/* index of the command's name in argv */
};

const char *argp_program_version = "cid " CID_VERSION;

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* The list of commands in --help comes from the table, so they can't differ. */
static char *help_filter(int key, const char *text, void *input)
{
	char *buf = NULL;
	size_t size;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&buf, &size);
	if (!f)
		return NULL;
	fputs("Commands:\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-9s%s\n", commands[i].name, commands[i].summary);
	fputs("\n'cid COMMAND --help' tells the options of a command.", f);
	fclose(f);
	return buf;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	cleanup_free char *name = xasprintf("cid %s", cmd->name);

	argp_err_exit_status = cmd->usage_status;
	argv[0] = name;
	return cmd->run(argc, argv);
}

static error_t parse_main(int key, char *arg, struct argp_state *state)
{
	struct invocation *inv = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		inv->cmd = find_command(arg);
		if (!inv->cmd)
			argp_error(state, "there is no command '%s'", arg);
		/* All that follows is the command's. */
		inv->first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
	}
	return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_main,
		.args_doc = "COMMAND [ARG...]",
		.doc = "Containers by the ID that the kernel gives them.\v",
		.help_filter = help_filter,
	};
	struct invocation inv = {};
	int ret;

	argp_err_exit_status = CID_USAGE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &inv))
		return CID_USAGE;
	ret = run_command(inv.cmd, argc - inv.first, argv + inv.first);
	if (fflush(stdout) || ferror(stdout)) {
		msg("cannot write the output: %m");
		return ret ? ret : CID_FAIL;
	}
	return ret;
}
