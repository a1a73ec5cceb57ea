// SPDX-License-Identifier: GPL-2.0
/*
 * The command lines of crun and runc, as far as it takes to find the
 * subcommand, the bundle and the container id.
 *
 * crun parses with argp, runc with Go's flag package. One table serves both:
 * where an option exists in both, it takes a value in both or in neither.
 */
#include <string.h>

#include "cid-runtime.h"

enum opt_use {
	USE_NOTHING,
	USE_BUNDLE,
	USE_CONFIG,
	USE_LOG,
	USE_LOG_FORMAT,
	USE_LOG_OTHER,
	USE_HELP,
};

struct opt {
	const char *name;
	char letter;
	bool value;
	enum opt_use use;
};

static const struct opt global_opts[] = {
	{ "cgroup-manager",	0,	true,	USE_NOTHING },
	{ "criu",		0,	true,	USE_NOTHING },
	{ "debug",		0,	false,	USE_LOG_OTHER },
	{ "help",		'h',	false,	USE_HELP },
	{ "help",		'?',	false,	USE_HELP },
	{ "log",		0,	true,	USE_LOG },
	{ "log-format",		0,	true,	USE_LOG_FORMAT },
	{ "log-level",		0,	true,	USE_LOG_OTHER },
	{ "root",		0,	true,	USE_NOTHING },
	{ "rootless",		0,	true,	USE_NOTHING },
	{ "systemd-cgroup",	0,	false,	USE_NOTHING },
	{ "usage",		0,	false,	USE_HELP },
	{ "version",		'v',	false,	USE_NOTHING },
	{ "version",		'V',	false,	USE_NOTHING },
	{ NULL, 0, false, USE_NOTHING }
};

/* create, run, restore and exec: no name means two things among them. */
static const struct opt command_opts[] = {
	{ "additional-gids",	'g',	true,	USE_NOTHING },
	{ "apparmor",		0,	true,	USE_NOTHING },
	{ "auto-dedup",		0,	false,	USE_NOTHING },
	{ "bundle",		'b',	true,	USE_BUNDLE },
	{ "cap",		'c',	true,	USE_NOTHING },
	{ "cgroup",		0,	true,	USE_NOTHING },
	{ "config",		'f',	true,	USE_CONFIG },
	{ "console-socket",	0,	true,	USE_NOTHING },
	{ "cwd",		0,	true,	USE_NOTHING },
	{ "detach",		'd',	false,	USE_NOTHING },
	{ "empty-ns",		0,	true,	USE_NOTHING },
	{ "env",		'e',	true,	USE_NOTHING },
	{ "ext-unix-sk",	0,	false,	USE_NOTHING },
	{ "file-locks",		0,	false,	USE_NOTHING },
	{ "help",		'h',	false,	USE_HELP },
	{ "help",		'?',	false,	USE_HELP },
	{ "ignore-paused",	0,	false,	USE_NOTHING },
	{ "image-path",		0,	true,	USE_NOTHING },
	{ "keep",		0,	false,	USE_NOTHING },
	{ "lazy-pages",		0,	false,	USE_NOTHING },
	{ "lsm-mount-context",	0,	true,	USE_NOTHING },
	{ "lsm-profile",	0,	true,	USE_NOTHING },
	{ "manage-cgroups-mode", 0,	true,	USE_NOTHING },
	{ "network-lock",	0,	false,	USE_NOTHING },
	{ "no-new-keyring",	0,	false,	USE_NOTHING },
	{ "no-new-privs",	0,	false,	USE_NOTHING },
	{ "no-pivot",		0,	false,	USE_NOTHING },
	{ "no-subreaper",	0,	false,	USE_NOTHING },
	{ "pid-file",		0,	true,	USE_NOTHING },
	{ "pidfd-socket",	0,	true,	USE_NOTHING },
	{ "preserve-fds",	0,	true,	USE_NOTHING },
	{ "process",		'p',	true,	USE_NOTHING },
	{ "process-label",	0,	true,	USE_NOTHING },
	{ "shell-job",		0,	false,	USE_NOTHING },
	{ "tcp-established",	0,	false,	USE_NOTHING },
	{ "tty",		't',	false,	USE_NOTHING },
	{ "usage",		0,	false,	USE_HELP },
	{ "user",		'u',	true,	USE_NOTHING },
	{ "work-path",		0,	true,	USE_NOTHING },
	{ NULL, 0, false, USE_NOTHING }
};

/* Every subcommand: behind an unknown option it ends the search for one. */
static const struct {
	const char *name;
	enum cid_cmd cmd;
} commands[] = {
	{ "create",	CID_CMD_CREATE },
	{ "run",	CID_CMD_RUN },
	{ "restore",	CID_CMD_RESTORE },
	{ "exec",	CID_CMD_EXEC },
	{ "checkpoint",	CID_CMD_OTHER },
	{ "delete",	CID_CMD_OTHER },
	{ "events",	CID_CMD_OTHER },
	{ "features",	CID_CMD_OTHER },
	{ "help",	CID_CMD_OTHER },
	{ "kill",	CID_CMD_OTHER },
	{ "list",	CID_CMD_OTHER },
	{ "mounts",	CID_CMD_OTHER },
	{ "pause",	CID_CMD_OTHER },
	{ "ps",		CID_CMD_OTHER },
	{ "resume",	CID_CMD_OTHER },
	{ "spec",	CID_CMD_OTHER },
	{ "start",	CID_CMD_OTHER },
	{ "state",	CID_CMD_OTHER },
	{ "update",	CID_CMD_OTHER },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/**
 * struct word - one word of the command line, taken apart
 * @opt: the option with a value or a meaning; NULL: none, or unknown
 * @value: its value, or NULL
 * @words: words used up, 2 where the value is the next word
 * @unknown: an option that is not in the table and carries no "="
 */
struct word {
	const struct opt *opt;
	const char *value;
	int words;
	bool unknown;
};

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

/* argp takes any unambiguous beginning of a name. */
static const struct opt *find_name(const struct opt *table, const char *name,
				   size_t len, bool whole)
{
	const struct opt *o, *found = NULL;

	for (o = table; o->name; o++) {
		if (strncmp(o->name, name, len))
			continue;
		if (strlen(o->name) == len)
			return o;
		if (found)
			whole = true;
		found = o;
	}
	return whole ? NULL : found;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	const struct opt *o;

	for (o = table; o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static void take_value(struct word *w, const char *attached, const char *next)
{
	if (attached) {
		w->value = attached;
	} else {
		w->value = next;
		w->words = 2;
	}
}

/* -x, a cluster -xyz, -xVALUE and Go's -x=VALUE */
static void split_letters(struct word *w, const struct opt *table,
			  const char *letters, const char *next)
{
	for (; *letters && *letters != '='; letters++) {
		const struct opt *o = find_letter(table, *letters);
		const char *rest = letters + 1;

		if (!o) {
			w->unknown = !strchr(letters, '=');
			return;
		}
		w->opt = o;
		if (!o->value)
			continue;
		if (*rest == '=')
			rest++;
		take_value(w, *rest ? rest : NULL, next);
		return;
	}
}

static struct word split(const struct opt *table, const char *text,
			 const char *next)
{
	bool one_dash = text[1] != '-';
	const char *name = text + (one_dash ? 1 : 2);
	size_t len = strcspn(name, "=");
	struct word w = { .words = 1 };

	/* Go takes a long name behind one dash as well, argp does not. */
	w.opt = one_dash && len < 2 ? NULL :
		find_name(table, name, len, one_dash);
	if (w.opt) {
		if (w.opt->value)
			take_value(&w, name[len] ? name + len + 1 : NULL, next);
	} else if (one_dash) {
		split_letters(&w, table, name, next);
	} else {
		w.unknown = !name[len];
	}
	return w;
}

static void use(struct cid_args *args, const struct word *w)
{
	if (w->opt && w->opt->use == USE_HELP)
		args->cmd = CID_CMD_OTHER;
	if (!w->opt || !w->value)
		return;
	switch (w->opt->use) {
	case USE_BUNDLE:
		args->bundle = w->value;
		break;
	case USE_CONFIG:
		args->config = w->value;
		break;
	case USE_LOG:
		args->log = w->value;
		break;
	case USE_LOG_FORMAT:
		args->log_json = !strcmp(w->value, "json");
		break;
	case USE_LOG_OTHER:
	case USE_HELP:
	case USE_NOTHING:
		break;
	}
}

/* What is logged on the way to the container's state is not the engine's. */
static bool for_state(const struct word *w)
{
	return !w->opt || (w->opt->use != USE_LOG &&
			   w->opt->use != USE_LOG_FORMAT &&
			   w->opt->use != USE_LOG_OTHER);
}

static bool find_command(struct cid_args *args, const char *word)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, word)) {
			args->cmd = commands[i].cmd;
			return true;
		}
	}
	return false;
}

/* Returns the index of the first word behind the subcommand. */
static int parse_globals(struct cid_args *args, int argc, char **argv)
{
	bool unknown = false;
	int i = 1;

	while (i < argc) {
		struct word w = { .words = 1 };

		if (!is_option(argv[i])) {
			/* May it be the value of an option unknown here? */
			if (find_command(args, argv[i]) || !unknown)
				return i + 1;
		} else if (strcmp(argv[i], "--")) {
			w = split(global_opts, argv[i], argv[i + 1]);
			unknown |= w.unknown;
			use(args, &w);
		}
		for (int n = 0; for_state(&w) && n < w.words && i + n < argc; n++)
			args->globals[args->nr_globals++] = argv[i + n];
		i += w.words;
	}
	return argc;
}

/*
 * The last word that is no option: both runtimes take exactly one, and what
 * stands before it can only be the value of an option unknown here. (runc
 * takes options behind the id too.)
 */
static void parse_create(struct cid_args *args, int argc, char **argv, int i)
{
	bool options = true;

	while (i < argc) {
		struct word w = { .words = 1 };

		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && is_option(argv[i])) {
			w = split(command_opts, argv[i], argv[i + 1]);
			use(args, &w);
		} else {
			args->id = argv[i];
		}
		i += w.words;
	}
}

/*
 * The first word that is no option. Behind an unknown option that word may
 * be its value: then the id is not known, for the wrong one would put a
 * process under another container's name.
 */
static void parse_exec(struct cid_args *args, int argc, char **argv, int i)
{
	while (i < argc && is_option(argv[i])) {
		struct word w;

		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		w = split(command_opts, argv[i], argv[i + 1]);
		if (w.unknown)
			return;
		use(args, &w);
		i += w.words;
	}
	if (i < argc)
		args->id = argv[i];
}

/**
 * cid_args_parse() - understand a runtime's command line
 * @args: filled in
 * @argc: as main() got it
 * @argv: as main() got it; not changed
 */
void cid_args_parse(struct cid_args *args, int argc, char **argv)
{
	int i;

	*args = (struct cid_args){
		.bundle = ".",
		.config = "config.json",
		.globals = cid_alloc(argc + 1, sizeof(char *)),
	};
	i = parse_globals(args, argc, argv);
	switch (args->cmd) {
	case CID_CMD_CREATE:
	case CID_CMD_RUN:
	case CID_CMD_RESTORE:
		parse_create(args, argc, argv, i);
		break;
	case CID_CMD_EXEC:
		parse_exec(args, argc, argv, i);
		break;
	case CID_CMD_OTHER:
		break;
	}
}
