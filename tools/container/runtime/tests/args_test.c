// SPDX-License-Identifier: GPL-2.0
/* The command lines that engines and people write, TAP on stdout. */
#include <stdio.h>
#include <string.h>

#include "../cid-runtime.h"

#define WORDS_MAX	24

struct args_case {
	const char *line;
	enum cid_cmd cmd;
	const char *id;
	const char *bundle;
	const char *config;
	const char *globals;
};

#define C	CID_CMD_CREATE
#define R	CID_CMD_RUN
#define S	CID_CMD_RESTORE
#define E	CID_CMD_EXEC
#define O	CID_CMD_OTHER
#define DEF	"config.json"

static const struct args_case cases[] = {
	/* what engines write */
	{ "--systemd-cgroup --log-format=json --log /l create --bundle /b --pid-file /p c1",
	  C, "c1", "/b", DEF, "--systemd-cgroup" },
	{ "--root /r --log /l --log-format json create --bundle /b --pid-file /p --console-socket /s c1",
	  C, "c1", "/b", DEF, "--root /r" },
	{ "--root /r --log /l --log-format json --systemd-cgroup exec --process /p --detach --pid-file /f c1",
	  E, "c1", ".", DEF, "--root /r --systemd-cgroup" },
	{ "--root=/r --rootless=true exec -d -t -e A=b -u 1:2 c1 sh -c create",
	  E, "c1", ".", DEF, "--root=/r --rootless=true" },
	{ "--cgroup-manager cgroupfs --root /r create -b /b c1",
	  C, "c1", "/b", DEF, "--cgroup-manager cgroupfs --root /r" },
	{ "--log-level debug --debug state c1", O, NULL, ".", DEF, "" },
	/* spellings */
	{ "run c1", R, "c1", ".", DEF, "" },
	{ "run -b/b c1", R, "c1", "/b", DEF, "" },
	{ "run -db /b c1", R, "c1", "/b", DEF, "" },
	{ "run -b=/b c1", R, "c1", "/b", DEF, "" },
	{ "run -bundle /b c1", R, "c1", "/b", DEF, "" },
	{ "run -bundle=/b -detach=false c1", R, "c1", "/b", DEF, "" },
	{ "run --bun /b c1", R, "c1", "/b", DEF, "" },
	{ "run --bundle=/b=c c1", R, "c1", "/b=c", DEF, "" },
	{ "-root /r run c1", R, "c1", ".", DEF, "-root /r" },
	{ "run --no-pivot --keep --preserve-fds 2 c1", R, "c1", ".", DEF, "" },
	{ "run c1 --bundle /b", R, "c1", "/b", DEF, "" },
	{ "run -- c1", R, "c1", ".", DEF, "" },
	{ "run -f other.json -- -c1", R, "-c1", ".", "other.json", "" },
	{ "exec -- c1 sh", E, "c1", ".", DEF, "" },
	{ "exec -tu 1 c1 -d", E, "c1", ".", DEF, "" },
	{ "exec --tty c1 sh", E, "c1", ".", DEF, "" },
	{ "exec -g 1 --cgroup x --cwd / --cap CAP_KILL c1 sh",
	  E, "c1", ".", DEF, "" },
	{ "restore --image-path /i --work-path /w --bundle /b -d c1",
	  S, "c1", "/b", DEF, "" },
	/* unknown options */
	{ "--new val create c1", C, "c1", ".", DEF, "--new val" },
	{ "--new=val create c1", C, "c1", ".", DEF, "--new=val" },
	{ "--new create c1", C, "c1", ".", DEF, "--new" },
	{ "--new val state create", O, NULL, ".", DEF, "--new val" },
	{ "create --new val c1", C, "c1", ".", DEF, "" },
	{ "create --new c1", C, "c1", ".", DEF, "" },
	{ "exec --new val c1 sh", E, NULL, ".", DEF, "" },
	{ "exec -z c1 sh", E, NULL, ".", DEF, "" },
	{ "exec --new=val c1 sh", E, "c1", ".", DEF, "" },
	/* nothing to wrap */
	{ "", O, NULL, ".", DEF, "" },
	{ "--version", O, NULL, ".", DEF, "--version" },
	{ "-v", O, NULL, ".", DEF, "-v" },
	{ "features", O, NULL, ".", DEF, "" },
	{ "kill create KILL", O, NULL, ".", DEF, "" },
	{ "nosuch create c1", O, NULL, ".", DEF, "" },
	{ "create", C, NULL, ".", DEF, "" },
	{ "create --help", O, NULL, ".", DEF, "" },
	{ "exec -h", O, NULL, ".", DEF, "" },
	{ "run -d -? c1", O, "c1", ".", DEF, "" },
	{ "create --bundle", C, NULL, ".", DEF, "" },
	{ "run -b", R, NULL, ".", DEF, "" },
	{ "exec -e", E, NULL, ".", DEF, "" },
	{ "--root", O, NULL, ".", DEF, "--root" },
};

static int same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void join(char *out, size_t size, char **words, int nr)
{
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; i < nr; i++)
		n += snprintf(out + n, size - n, i ? " %s" : "%s", words[i]);
}

static int run(const struct args_case *c, int nr)
{
	char line[256], globals[256], *argv[WORDS_MAX] = { "cid-runtime" };
	struct cid_args a;
	int argc = 1, ok;

	snprintf(line, sizeof(line), "%s", c->line);
	for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	cid_args_parse(&a, argc, argv);
	join(globals, sizeof(globals), a.globals, a.nr_globals);
	ok = a.cmd == c->cmd && same(a.id, c->id) &&
	     same(a.bundle, c->bundle) && same(a.config, c->config) &&
	     same(globals, c->globals);
	printf("%sok %d - cid-runtime args: %s\n", ok ? "" : "not ", nr,
	       c->line);
	if (!ok)
		printf("# cmd %d id %s bundle %s config %s globals %s\n",
		       a.cmd, a.id ? a.id : "(none)", a.bundle, a.config,
		       globals);
	return !ok;
}

int main(void)
{
	int n = sizeof(cases) / sizeof(cases[0]), failed = 0;

	printf("TAP version 13\n1..%d\n", n);
	for (int i = 0; i < n; i++)
		failed += run(&cases[i], i + 1);
	return failed != 0;
}
