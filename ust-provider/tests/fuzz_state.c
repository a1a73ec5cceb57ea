// SPDX-License-Identifier: GPL-2.0
/*
 * Users may write anything into the files of their runtimes. What is made of it is in
 * bounds, and the same when it is asked for again.
 *
 * An input is lines; the first byte of each chooses the file whose text the rest is.
 */

#include <fcntl.h>

#include "../runtimes/statefile.c"
#include "fuzz.h"

/* of what is linked with it */
sd_event *loop;

#define USER	1000

static struct {
	char choice;
	const char *name;
	char *text;
	size_t len;
} files[] = {
	{ .choice = 'c', .name = "status" },
	{ .choice = 'r', .name = "state.json" },
	{ .choice = 'l', .name = "containers.json" },
	{ .choice = 'v', .name = "volatile-containers.json" },
	{ .choice = 'o', .name = "config.json" },
};

static uid_t owner;
static uint64_t inputs;

/* --- in place of what looks at files --- */

static char *text_named(const char *name, size_t *len)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		*len = files[i].len;
		if (!strcmp(files[i].name, name))
			return files[i].text;
	}
	abort();
}

static struct json_object *json_named(int dirfd, const char *name, size_t max, uid_t uid)
{
	size_t len;
	const char *text = text_named(name, &len);

	(void)dirfd;
	check(uid == owner);
	if (!text || len > max)
		return NULL;
	return json_of_text(text, strlen(text), uid ? BUDGET_USER : BUDGET_ROOT);
}

static bool stamp_named(int dirfd, const char *name, struct file_stamp *stamp)
{
	size_t len;

	(void)dirfd;
	*stamp = (struct file_stamp){ .ino = inputs };
	return text_named(name, &len);
}

static int walk(const char *path, uid_t *uid)
{
	check(*path == '/' && strlen(path) < PATH_MAX + strlen("/var/lib"));
	*uid = owner;
	return open("/", O_PATH | O_CLOEXEC);
}

#define json_of_file	json_named
#define file_stamp_at	stamp_named
#define folder_walk	walk
#include "../runtimes/oci_state.c"
#include "../runtimes/storage.c"

bool identity_belongs_to(pid_t pid, uid_t uid)
{
	return pid && !uid;
}

/* --- what comes of it --- */

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void check_info(const struct storage_info *info, const char *bundle)
{
	size_t len = strlen(info->folder);

	check(!strcmp(info->runtime, "podman") || !strcmp(info->runtime, "cri-o"));
	check_text(info->name, STRING_MAX);
	check_text(info->image, STRING_MAX);
	check_text(info->pod, 2 * STRING_MAX + 1);
	check(!strncmp(bundle, info->folder, len) && !strcmp(bundle + len, "/userdata"));
}

static void check_storage(const char *bundle)
{
	cleanup_free char *folder = xstrdup(bundle);
	struct storage_info first, second;
	char *slash = strrchr(folder, '/');
	const char *id;
	bool found;

	*slash = '\0';
	slash = strrchr(folder, '/');
	id = slash ? slash + 1 : "";
	found = storage_lookup(bundle, id, owner, &first);
	check(found == storage_lookup(bundle, id, owner, &second));
	check(first.runtime == second.runtime && same(first.name, second.name));
	check(same(first.image, second.image) && same(first.pod, second.pod));
	check(same(first.folder, second.folder) && found == !!first.runtime);
	if (found)
		check_info(&first, bundle);
	storage_info_clear(&first);
	storage_info_clear(&second);
}

static void check_state(void)
{
	struct oci_state st = { 0 };

	if (oci_state_read(&st, -1, owner)) {
		check(!strcmp(st.runtime, "crun") || !strcmp(st.runtime, "runc"));
		check(st.pid >= 0);
		check(!st.cgroup || (!owner && *st.cgroup == '/' && !strstr(st.cgroup, "..")));
		check(!st.bundle || *st.bundle == '/');
		check_text(st.cgroup, PATH_MAX);
		check_text(st.bundle, PATH_MAX - 1);
		check(oci_state_read(&st, -1, owner));
		if (st.bundle)
			check_storage(st.bundle);
	} else {
		check(!st.runtime && !st.cgroup && !st.bundle);
	}
	oci_state_clear(&st);
}

static void take(char choice, char *text, size_t len)
{
	uint64_t start;
	char state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i].choice == choice && !files[i].text) {
			files[i].text = text;
			files[i].len = len;
			return;
		}
	/* Its process gives itself a name, which is in here. */
	if (parse_stat(text, &state, &start))
		check(state);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char choice, *text;
	size_t len;

	inputs++;
	while ((text = next_line(&data, &size, &choice, &len)))
		take(choice, text, len);
	for (owner = 0; owner <= USER; owner += USER) {
		check_state();
		check_storage("/run/containers/storage/overlay-containers/a/userdata");
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		free(files[i].text);
		files[i].text = NULL;
	}
	for (size_t i = 0; i < SLOTS; i++)
		list_clear(&lists[i]);
	return 0;
}
