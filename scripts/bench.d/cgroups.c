// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on cgroups, and such as cost more in a cgroup than outside. Each is
 * prepared in a process of its own, so nothing here puts it back.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "bench.h"

#define FIRST		CGROUPS "/bench-first"
#define SECOND		CGROUPS "/bench-second"
#define CHILD		FIRST "/child"

#define PATH_SIZE	32
#define PAGE		4096UL
/* What the kernel charges at once, so that each round does */
#define CHARGE		(64 * PAGE)
/* What it evicts at once */
#define CLUSTER		(32 * PAGE)

/* So much more is read than there is room for that nothing is taken to be in use. */
#define CACHE		(32 * CLUSTER)
#define DEVICE		(4 * CACHE)

bool cgroups_there(const void *arg)
{
	(void)arg;
	return !access(CGROUPS "/cgroup.controllers", R_OK);
}

static bool controller_there(const char *name)
{
	FILE *f = fopen(CGROUPS "/cgroup.controllers", "r");
	bool found = false;
	char word[32];

	while (f && !found && fscanf(f, "%31s", word) == 1)
		found = !strcmp(word, name);
	if (f)
		fclose(f);
	return found;
}

bool memory_there(const void *arg)
{
	(void)arg;
	return controller_there("memory");
}

bool cpu_there(const void *arg)
{
	(void)arg;
	return controller_there("cpu");
}

bool pids_there(const void *arg)
{
	(void)arg;
	return controller_there("pids");
}

bool pids_and_ns_there(const void *arg)
{
	return pids_there(NULL) && ns_there(arg);
}

bool loop_there(const void *arg)
{
	return memory_there(arg) && !access("/dev/loop-control", R_OK);
}

/* With the controllers that containers have, as far as they are there */
static void make_cgroups(void)
{
	static const char *const controllers[] = { "cpu", "memory", "pids" };
	static const char *const paths[] = { FIRST, SECOND };
	char text[16];

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		if (!controller_there(controllers[i]))
			continue;
		snprintf(text, sizeof(text), "+%s", controllers[i]);
		put(CGROUPS "/cgroup.subtree_control", text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (mkdir(paths[i], 0755) && errno != EEXIST)
			err(1, "%s", paths[i]);
}

/* The device that is swapped to, "" if none is; shared with who removes it */
static char *swap_device;

/* With who is in it: that takes a moment. */
static void remove_cgroup(const char *path)
{
	char file[64];

	while (rmdir(path) && errno == EBUSY) {
		snprintf(file, sizeof(file), "%s/cgroup.kill", path);
		put(file, "1");
		usleep(1000);
	}
}

void put_back(void)
{
	if (swap_device && *swap_device) {
		if (swapoff(swap_device))
			err(1, "swapoff %s", swap_device);
		*swap_device = '\0';
	}
	remove_cgroup(CHILD);
	remove_cgroup(FIRST);
	remove_cgroup(SECOND);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* --- the files --- */

static int procs[2];

void prepare_attach(void)
{
	make_cgroups();
	procs[0] = open_file(FIRST "/cgroup.procs", O_WRONLY);
	procs[1] = open_file(SECOND "/cgroup.procs", O_WRONLY);
}

void run_attach(const void *arg)
{
	static int turn;

	(void)arg;
	if (pwrite(procs[turn], "0", 1, 0) != 1)
		err(1, "cgroup.procs");
	turn = !turn;
}

static int limit;

void prepare_limit(void)
{
	make_cgroups();
	limit = open_file(FIRST "/memory.max", O_WRONLY);
}

void run_limit(const void *arg)
{
	(void)arg;
	if (pwrite(limit, "1G", 2, 0) != 2)
		err(1, "memory.max");
}

/* In a cgroup that gives its own no controllers, which cost far more */
void prepare_mkdir(void)
{
	make_cgroups();
}

void run_mkdir(const void *arg)
{
	(void)arg;
	if (mkdir(CHILD, 0755) || rmdir(CHILD))
		err(1, CHILD);
}

/* --- memory --- */

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	return p;
}

void prepare_memory(void)
{
	make_cgroups();
	put(FIRST "/cgroup.procs", "0");
}

void run_touch(const void *arg)
{
	(void)arg;
	if (munmap(map(CHARGE), CHARGE))
		err(1, "munmap");
}

static int device;

/* A hole, so that reading it takes memory for the device's pages alone */
static int open_loop(int flags, char path[PATH_SIZE])
{
	struct loop_config config = {
		.block_size = PAGE,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR |
				 (flags == O_RDONLY ? LO_FLAGS_READ_ONLY : 0),
	};
	int control = open_file("/dev/loop-control", O_RDWR);
	int fd, n = ioctl(control, LOOP_CTL_GET_FREE);

	if (n < 0)
		err(1, "LOOP_CTL_GET_FREE");
	snprintf(path, PATH_SIZE, "/dev/loop%d", n);
	fd = open_file(path, flags);
	config.fd = memfd_create("bench", MFD_CLOEXEC);
	if (ftruncate(config.fd, DEVICE) || ioctl(fd, LOOP_CONFIGURE, &config))
		err(1, "%s", path);
	close(config.fd);
	close(control);
	return fd;
}

/* Only what is read, a page at a time, as far as memory goes */
static int open_device(void)
{
	char path[PATH_SIZE];
	int fd = open_loop(O_RDONLY, path);

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fd;
}

void run_reclaim(const void *arg)
{
	static char buf[CLUSTER];
	static off_t pos;

	(void)arg;
	if (pread(device, buf, sizeof(buf), pos) != sizeof(buf))
		err(1, "read of a loop device");
	pos = (pos + sizeof(buf)) % DEVICE;
}

static void put_size(const char *path, size_t size)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", size);
	put(path, text);
}

/* Where it already is: what is read counts for its cgroup. */
void prepare_disk(void)
{
	device = open_device();
	for (size_t i = 0; i < DEVICE; i += CLUSTER)
		run_reclaim(NULL);
}

/* Not on a machine of somebody's: who interrupts would leave it on. */
bool swap_there(const void *arg)
{
	if (is_native())
		return false;
	swap_device = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return loop_there(arg) && swap_device != MAP_FAILED;
}

/* What mkswap(8) writes of a header, of which the kernel wants no more */
static void write_swap_header(int fd)
{
	struct {
		uint8_t bootbits[1024];
		uint32_t version;
		uint32_t last_page;
		uint8_t rest[PAGE - 1024 - 2 * sizeof(uint32_t) - 10];
		char magic[10];
	} header = {
		.version = 1,
		.last_page = DEVICE / PAGE - 1,
		.magic = { 'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2' },
	};

	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		err(1, "swap header");
}

/* Nothing is swapped to what is memory itself. */
void prepare_swap(void)
{
	char path[PATH_SIZE];
	int fd = open_loop(O_RDWR, path);

	write_swap_header(fd);
	if (fsync(fd) || swapon(path, 0))
		err(1, "swapon %s", path);
	strcpy(swap_device, path);
	close(fd);
}

/* The first time around fills the cgroup, and from then on a page takes another. */
void prepare_reclaim(void)
{
	device = open_device();
	prepare_memory();
	put_size(FIRST "/memory.max", CACHE);
	for (size_t i = 0; i < DEVICE; i += CLUSTER)
		run_reclaim(NULL);
}

/* As much is evicted as was read; that it was protected is an event of its own. */
void prepare_protected(void)
{
	device = open_device();
	make_cgroups();
	put(FIRST "/cgroup.subtree_control", "+memory");
	if (mkdir(CHILD, 0755))
		err(1, CHILD);
	put(CHILD "/memory.low", "max");
	put(CHILD "/cgroup.procs", "0");
	for (size_t i = 0; i < CACHE; i += CLUSTER)
		run_reclaim(NULL);
	for (size_t i = 0; i < DEVICE; i += CLUSTER)
		run_protected(NULL);
}

void run_protected(const void *arg)
{
	run_reclaim(arg);
	put_size(FIRST "/memory.reclaim", CLUSTER);
}

/* With no room at all, whoever takes memory is made to sleep for it. */
void prepare_high(void)
{
	prepare_memory();
	put(FIRST "/memory.high", "0");
}

/* --- new processes --- */

static int target;

static pid_t clone_into_target(uint64_t flags)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | flags,
		.exit_signal = SIGCHLD,
		.cgroup = target,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

void prepare_clone(void)
{
	make_cgroups();
	target = open_file(FIRST, O_RDONLY | O_DIRECTORY);
}

void run_clone(const void *arg)
{
	pid_t pid = clone_into_target(0);

	(void)arg;
	if (!pid)
		_exit(0);
	reap(pid);
}

void prepare_full(void)
{
	prepare_clone();
	put(FIRST "/pids.max", "0");
}

/*
 * It is refused at last, when its namespaces are there already. What is shared
 * needs no copy that would be thrown away.
 */
void run_clone_refused(const void *arg)
{
	const struct ns *ns = arg;
	pid_t pid = clone_into_target(CLONE_VM | CLONE_VFORK | CLONE_FS |
				      CLONE_FILES | CLONE_SIGHAND |
				      (ns ? ns->flag : 0));

	if (!pid)
		_exit(0);
	if (pid > 0 || errno != EAGAIN)
		errx(1, "pids.max has not refused a process");
}

/* --- bandwidth --- */

#define PERIOD	"1000000"

static int quota;

static void put_quota(const char *text)
{
	if (pwrite(quota, text, strlen(text), 0) < 0)
		err(1, "cpu.max");
}

static unsigned long nr_throttled(void)
{
	unsigned long n = 0;
	char line[64];
	FILE *f = fopen(FIRST "/cpu.stat", "r");

	if (!f)
		err(1, "cpu.stat");
	while (fgets(line, sizeof(line), f) &&
	       sscanf(line, "nr_throttled %lu", &n) != 1)
		;
	fclose(f);
	return n;
}

/* One that never ends, but with who is measured */
void prepare_quota(void)
{
	pid_t pid;

	prepare_clone();
	quota = open_file(FIRST "/cpu.max", O_WRONLY);
	pid = clone_into_target(0);
	if (pid < 0)
		err(1, "clone3");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		;
}

/* It is throttled by itself, */
void ready_quota(void)
{
	unsigned long before = nr_throttled();
	int i;

	put_quota("1000 " PERIOD);
	for (i = 0; nr_throttled() == before && i < 1000; i++)
		usleep(5000);
	if (i == 1000)
		errx(1, "cpu.max has not throttled a cgroup");
}

/* and unthrottled by who takes the limit away. */
void run_quota(const void *arg)
{
	(void)arg;
	put_quota("max " PERIOD);
}
