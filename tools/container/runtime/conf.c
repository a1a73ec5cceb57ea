// SPDX-License-Identifier: GPL-2.0
/* Configuration: a file of "key = value" lines, then the environment. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cid-runtime.h"

#define CONF_PATH	"/etc/cid-runtime.conf"
#define ENV_PREFIX	"CID_RUNTIME"

static bool parse_bool(const char *key, const char *value)
{
	if (!strcmp(value, "1") || !strcmp(value, "true"))
		return true;
	if (strcmp(value, "0") && strcmp(value, "false"))
		cid_die(CID_EXIT_FAILED,
			"%s=%s: not a truth value; use 0 or 1", key, value);
	return false;
}

static bool *find_flag(struct cid_conf *conf, const char *key)
{
	if (!strcmp(key, "annotations"))
		return &conf->annotations;
	if (!strcmp(key, "quota_cpus"))
		return &conf->quota_cpus;
	if (!strcmp(key, "host_view"))
		return &conf->host_view;
	if (!strcmp(key, "require"))
		return &conf->require;
	if (!strcmp(key, "time"))
		return &conf->time;
	return NULL;
}

static void set_runtime(struct cid_conf *conf, const char *value)
{
	free(conf->runtime);
	conf->runtime = strdup(value);
	if (!conf->runtime)
		cid_die(CID_EXIT_FAILED, "out of memory");
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

static void parse_line(struct cid_conf *conf, const char *path, int nr,
		       char *line)
{
	char *key = trim(line), *value;
	bool *flag;

	if (!*key || *key == '#')
		return;
	value = strchr(key, '=');
	if (!value)
		cid_die(CID_EXIT_FAILED, "%s:%d: no \"=\"; write key = value",
			path, nr);
	*value++ = '\0';
	key = trim(key);
	value = trim(value);
	flag = find_flag(conf, key);
	if (flag)
		*flag = parse_bool(key, value);
	else if (!strcmp(key, "runtime"))
		set_runtime(conf, value);
	else
		cid_die(CID_EXIT_FAILED,
			"%s:%d: unknown key \"%s\"; see cid-runtime(8)",
			path, nr, key);
}

static void load_file(struct cid_conf *conf)
{
	const char *given = getenv(ENV_PREFIX "_CONFIG");
	const char *path = given ? given : CONF_PATH;
	char *line = NULL;
	size_t size = 0;
	int nr = 0;
	FILE *f;

	f = fopen(path, "re");
	if (!f && errno == ENOENT && !given)
		return;
	if (!f)
		cid_die(CID_EXIT_FAILED, "%s: %s", path, strerror(errno));
	while (getline(&line, &size, f) >= 0)
		parse_line(conf, path, ++nr, line);
	if (ferror(f))
		cid_die(CID_EXIT_FAILED, "%s: cannot be read", path);
	free(line);
	fclose(f);
}

static void load_env(struct cid_conf *conf)
{
	static const char * const keys[] = {
		"annotations", "quota_cpus", "host_view", "require", "time",
	};
	const char *value = getenv(ENV_PREFIX);

	if (value && *value)
		set_runtime(conf, value);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char name[64];
		int n = snprintf(name, sizeof(name), ENV_PREFIX "_%s", keys[i]);

		while (n-- > 0)
			name[n] = toupper((unsigned char)name[n]);
		value = getenv(name);
		if (value && *value)
			*find_flag(conf, keys[i]) = parse_bool(name, value);
	}
}

/**
 * cid_conf_load() - read the configuration file and the environment
 * @conf: filled in; exits with a message if either is wrong
 */
void cid_conf_load(struct cid_conf *conf)
{
	*conf = (struct cid_conf){ 0 };
	load_file(conf);
	load_env(conf);
}
