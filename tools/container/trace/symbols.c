// SPDX-License-Identifier: GPL-2.0
/*
 * Names for addresses, of the kernel and of processes in whatever mount namespace.
 *
 * The files that a process has mapped are opened through /proc/PID/map_files, as a path
 * means another file outside of the container. They are known by their build ID from
 * then on, as processes may be gone when their addresses are named.
 */

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "symbols.h"
#include "util.h"

/* Files are whatever a container makes them. */
#define MAX_SYMBOLS	1000000		/* of a file */
#define MAX_ALL_SYMBOLS	8000000
#define MAX_TABLE	(64 << 20)	/* bytes of a section that is read */
#define MAX_NAMES	(256 << 20)
#define MAX_NOTES	65536
#define MAX_NAME	256
#define MAX_SEGMENTS	64
#define MAX_FILES	4096
#define MAX_PROCESSES	16384

/* So many looks after the last one that it was in, a process isn't asked for any more. */
#define KEEP_PROCESS	3
#define KEEP_FILE	60

struct symbol {
	uint64_t addr;
	uint64_t size;		/* 0: up to the next */
	char *name;
};

struct symbol_table {
	struct symbol *list;
	size_t nr, room;
};

struct segment {
	uint64_t offset, size, addr;
};

/* A file that code is from */
struct object {
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	char *name;
	unsigned char build_id[BPF_BUILD_ID_SIZE];
	bool has_build_id;
	struct segment *segments;
	size_t nr_segments;
	struct symbol_table table;
	uint64_t look;		/* it was mapped in, or asked for */
};

struct mapping {
	uint64_t start, end, offset;
	struct object *object;
};

struct process {
	pid_t pid;
	uint64_t look;		/* it was noted in */
	struct mapping *mappings;
	size_t nr;
};

struct symbols {
	struct symbol_table kernel;
	struct object **objects;
	size_t nr_objects;
	size_t nr_symbols;	/* of all of them */
	struct process *processes;
	size_t nr_processes;
	uint64_t look;
};

/* What is mounted where a process is: to read from FUSE may wait for an answer for ever. */
struct mounts {
	struct {
		unsigned int major, minor;
		bool fuse;
	} *list;
	size_t nr;
};

/* --- tables --- */

static void add_symbol(struct symbol_table *t, uint64_t addr, uint64_t size,
		       const char *name)
{
	if (t->nr == t->room) {
		t->room = t->room ? t->room * 2 : 256;
		t->list = xreallocarray(t->list, t->room, sizeof(*t->list));
	}
	t->list[t->nr++] = (struct symbol){ addr, size, xasprintf("%.*s", MAX_NAME, name) };
}

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void sort_table(struct symbol_table *t)
{
	if (t->nr)
		qsort(t->list, t->nr, sizeof(*t->list), by_addr);
}

static const char *find_symbol(const struct symbol_table *t, uint64_t addr)
{
	size_t from = 0, to = t->nr;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (t->list[mid].addr <= addr)
			from = mid + 1;
		else
			to = mid;
	}
	if (!from)
		return NULL;
	from--;
	if (t->list[from].size && addr - t->list[from].addr >= t->list[from].size)
		return NULL;
	return t->list[from].name;
}

static void free_table(struct symbol_table *t)
{
	for (size_t i = 0; i < t->nr; i++)
		free(t->list[i].name);
	free(t->list);
}

/* --- the kernel --- */

/* "ADDRESS TYPE NAME", and "[MODULE]"; where addresses are hidden, all of them are 0 */
static void add_kallsym(struct symbol_table *t, char *line)
{
	char *name;
	uint64_t addr = strtoull(line, &name, 16);

	if (!addr || name[0] != ' ' || !name[1] || !strchr("tTwW", name[1]) ||
	    name[2] != ' ')
		return;
	name += 3;
	name[strcspn(name, "\t\n ")] = '\0';
	add_symbol(t, addr, 0, name);
}

static void load_kernel(struct symbol_table *t)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) > 0)
		add_kallsym(t, line);
	free(line);
	fclose(f);
	sort_table(t);
}

/**
 * symbols_kernel - the function that an address of the kernel is in
 * @s: the symbols
 * @ip: the address
 *
 * Return: its name, which stays; NULL if it isn't known.
 */
const char *symbols_kernel(struct symbols *s, uint64_t ip)
{
	return find_symbol(&s->kernel, ip);
}

/* --- files --- */

static void read_segments(struct object *o, Elf *elf, size_t nr)
{
	GElf_Phdr ph;

	for (size_t i = 0; i < nr && o->nr_segments < MAX_SEGMENTS; i++) {
		if (!gelf_getphdr(elf, i, &ph) || ph.p_type != PT_LOAD ||
		    !(ph.p_flags & PF_X))
			continue;
		o->segments = xreallocarray(o->segments, o->nr_segments + 1,
					    sizeof(*o->segments));
		o->segments[o->nr_segments++] = (struct segment){
			ph.p_offset, ph.p_filesz, ph.p_vaddr,
		};
	}
}

/* As the kernel reads it: the first of its notes */
static void find_build_id(struct object *o, Elf_Data *data)
{
	size_t offset = 0, next, name, desc;
	GElf_Nhdr nh;

	while ((next = gelf_getnote(data, offset, &nh, &name, &desc)) > 0) {
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == sizeof("GNU") &&
		    !memcmp((char *)data->d_buf + name, "GNU", sizeof("GNU")) &&
		    nh.n_descsz && nh.n_descsz <= sizeof(o->build_id)) {
			memcpy(o->build_id, (char *)data->d_buf + desc, nh.n_descsz);
			o->has_build_id = true;
			return;
		}
		offset = next;
	}
}

static void read_build_id(struct object *o, Elf *elf, size_t nr)
{
	for (size_t i = 0; i < nr && !o->has_build_id; i++) {
		Elf_Data *data;
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, i, &ph) || ph.p_type != PT_NOTE ||
		    ph.p_filesz > MAX_NOTES)
			continue;
		data = elf_getdata_rawchunk(elf, ph.p_offset, ph.p_filesz, ELF_T_NHDR);
		if (data)
			find_build_id(o, data);
	}
}

static bool is_readable(Elf *elf, const GElf_Shdr *sh)
{
	Elf_Scn *names = elf_getscn(elf, sh->sh_link);
	GElf_Shdr names_sh;

	return sh->sh_size <= MAX_TABLE && names && gelf_getshdr(names, &names_sh) &&
	       names_sh.sh_size <= MAX_NAMES;
}

static void read_section(struct object *o, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = is_readable(elf, sh) ? elf_getdata(scn, NULL) : NULL;
	size_t nr = sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;
	GElf_Sym sym;

	for (size_t i = 0; data && i < nr && o->table.nr < MAX_SYMBOLS; i++) {
		const char *name;

		if (!gelf_getsym(data, i, &sym) || !sym.st_value ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC &&
		    GELF_ST_TYPE(sym.st_info) != STT_GNU_IFUNC)
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (name && *name)
			add_symbol(&o->table, sym.st_value, sym.st_size, name);
	}
}

/* All functions, or of a stripped file those that others may call */
static void read_symbols(struct object *o, Elf *elf)
{
	static const unsigned int types[] = { SHT_SYMTAB, SHT_DYNSYM };
	GElf_Shdr sh;

	for (size_t i = 0; i < ARRAY_SIZE(types) && !o->table.nr; i++) {
		Elf_Scn *scn = NULL;

		/* There is one of each, and what is read stays in memory until the end. */
		while ((scn = elf_nextscn(elf, scn))) {
			if (!gelf_getshdr(scn, &sh) || sh.sh_type != types[i])
				continue;
			read_section(o, elf, scn, &sh);
			break;
		}
	}
	sort_table(&o->table);
}

/* Nobody needs more sections or segments than are counted in 16 bits. */
static bool is_plain_elf(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || memcmp(h.ident, ELFMAG, SELFMAG))
		return false;
	if (h.ident[EI_CLASS] == ELFCLASS64)
		return h.e64.e_phnum != PN_XNUM && (h.e64.e_shnum || !h.e64.e_shoff);
	return h.e32.e_phnum != PN_XNUM && (h.e32.e_shnum || !h.e32.e_shoff);
}

/* Not mapped: its owner could cut it off while it is read. */
static void read_object(struct object *o, int fd, bool with_symbols)
{
	Elf *elf = is_plain_elf(fd) ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	size_t nr;

	if (!elf)
		return;
	if (elf_kind(elf) == ELF_K_ELF && !elf_getphdrnum(elf, &nr)) {
		read_segments(o, elf, nr);
		read_build_id(o, elf, nr);
		if (with_symbols)
			read_symbols(o, elf);
	}
	elf_end(elf);
}

static bool is_object(const struct object *o, const struct stat *st)
{
	return o->dev == st->st_dev && o->ino == st->st_ino &&
	       o->mtime.tv_sec == st->st_mtim.tv_sec &&
	       o->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

/* Return: the file; NULL if it isn't to be had. */
static struct object *object_of(struct symbols *s, int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct object *o;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	for (size_t i = 0; i < s->nr_objects; i++) {
		if (!is_object(s->objects[i], &st))
			continue;
		s->objects[i]->look = s->look;
		return s->objects[i];
	}
	if (s->nr_objects == MAX_FILES)
		return NULL;
	o = xcalloc(1, sizeof(*o));
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	o->mtime = st.st_mtim;
	o->look = s->look;
	o->name = xstrdup(slash ? slash + 1 : path);
	read_object(o, fd, s->nr_symbols < MAX_ALL_SYMBOLS);
	s->nr_symbols += o->table.nr;
	s->objects = xreallocarray(s->objects, s->nr_objects + 1, sizeof(*s->objects));
	s->objects[s->nr_objects++] = o;
	return o;
}

static void free_object(struct object *o)
{
	free(o->name);
	free(o->segments);
	free_table(&o->table);
	free(o);
}

/* --- processes --- */

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS ... - TYPE SOURCE OPTIONS" */
static void note_mount(struct mounts *m, const char *line)
{
	const char *type = strstr(line, " - ");
	unsigned int major, minor;

	if (!type || sscanf(line, "%*u %*u %u:%u", &major, &minor) != 2)
		return;
	m->list = xreallocarray(m->list, m->nr + 1, sizeof(*m->list));
	m->list[m->nr].major = major;
	m->list[m->nr].minor = minor;
	m->list[m->nr++].fuse = !strncmp(type + 3, "fuse", 4);
}

static void find_mounts(struct mounts *m, pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/mountinfo", pid);
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) > 0)
		note_mount(m, line);
	free(line);
	fclose(f);
}

/*
 * Not where it is FUSE, or may be, as it has been unmounted since. The kernel's own
 * memory files are mounted nowhere.
 */
static bool may_read(const struct mounts *m, unsigned int major, unsigned int minor,
		     const char *path)
{
	for (size_t i = 0; i < m->nr; i++)
		if (m->list[i].major == major && m->list[i].minor == minor)
			return !m->list[i].fuse;
	return major || !strncmp(path, "/memfd:", 7);
}

/* A device would be asked to be opened, so it is a file before it is opened. */
static int open_mapped(int maps, const char *name)
{
	cleanup_close int fd = openat(maps, name, O_PATH | O_CLOEXEC);
	char path[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void note_mapping(struct symbols *s, struct process *p, int maps, const char *line,
			 const struct mounts *mounts)
{
	struct mapping m = {};
	char perms[5], path[4096];
	unsigned int major, minor;
	char name[64];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %*s %4095[^\n]",
		   &m.start, &m.end, perms, &m.offset, &major, &minor, path) != 7 ||
	    perms[2] != 'x' || path[0] != '/' || !may_read(mounts, major, minor, path))
		return;
	snprintf(name, sizeof(name), "%" PRIx64 "-%" PRIx64, m.start, m.end);
	cleanup_close int fd = open_mapped(maps, name);

	m.object = fd < 0 ? NULL : object_of(s, fd, path);
	if (!m.object)
		return;
	p->mappings = xreallocarray(p->mappings, p->nr + 1, sizeof(*p->mappings));
	p->mappings[p->nr++] = m;
}

static struct process *find_process(const struct symbols *s, pid_t pid)
{
	for (size_t i = 0; i < s->nr_processes; i++)
		if (s->processes[i].pid == pid)
			return &s->processes[i];
	return NULL;
}

static struct process *new_process(struct symbols *s, pid_t pid)
{
	struct process *p = find_process(s, pid);

	if (p) {
		p->nr = 0;
		p->look = s->look;
		return p;
	}
	if (s->nr_processes == MAX_PROCESSES)
		return NULL;
	s->processes = xreallocarray(s->processes, s->nr_processes + 1,
				     sizeof(*s->processes));
	p = &s->processes[s->nr_processes++];
	*p = (struct process){ .pid = pid, .look = s->look };
	return p;
}

static void forget_processes(struct symbols *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_processes; i++) {
		if (s->processes[i].look + KEEP_PROCESS > s->look)
			s->processes[nr++] = s->processes[i];
		else
			free(s->processes[i].mappings);
	}
	s->nr_processes = nr;
}

/* The processes that have mapped one have been noted later than that, or are forgotten. */
static void forget_files(struct symbols *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_objects; i++) {
		struct object *o = s->objects[i];

		if (o->look + KEEP_FILE > s->look) {
			s->objects[nr++] = o;
			continue;
		}
		s->nr_symbols -= o->table.nr;
		free_object(o);
	}
	s->nr_objects = nr;
}

/** symbols_look_again - processes may have mapped something else by now */
void symbols_look_again(struct symbols *s)
{
	s->look++;
	if (s->nr_processes > MAX_PROCESSES / 2 || s->nr_objects > MAX_FILES / 2 ||
	    s->nr_symbols > MAX_ALL_SYMBOLS / 2)
		forget_processes(s);
	if (s->nr_objects > MAX_FILES / 2 || s->nr_symbols > MAX_ALL_SYMBOLS / 2)
		forget_files(s);
}

static void note_mappings(struct symbols *s, pid_t pid)
{
	cleanup_free char *dir = xasprintf("/proc/%d/map_files", pid);
	cleanup_free char *path = xasprintf("/proc/%d/maps", pid);
	cleanup_close int maps = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *text = maps < 0 ? NULL : read_all_at(AT_FDCWD, path);
	struct process *p = text && *text ? new_process(s, pid) : NULL;
	struct mounts mounts = {};

	if (!p)
		return;
	find_mounts(&mounts, pid);
	for (char *line = text, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		note_mapping(s, p, maps, line, &mounts);
	}
	free(mounts.list);
}

/**
 * symbols_note_process - see what a process has mapped, while it is there
 * @s: the symbols
 * @pid: the process; nothing happens if it is gone, or was noted in this look
 */
void symbols_note_process(struct symbols *s, pid_t pid)
{
	const struct process *p = find_process(s, pid);

	if (!p || p->look != s->look)
		note_mappings(s, pid);
}

/** symbols_note_new - the same, but only of a process that isn't known yet */
void symbols_note_new(struct symbols *s, pid_t pid)
{
	if (!find_process(s, pid))
		note_mappings(s, pid);
}

static bool has_build_id(const struct object *o, const unsigned char *id)
{
	return o->has_build_id && !memcmp(o->build_id, id, BPF_BUILD_ID_SIZE);
}

/* Anybody can give a file the ID of another: its own files come first. */
static struct object *object_by_id(const struct symbols *s, pid_t pid,
				   const unsigned char *id)
{
	const struct process *p = find_process(s, pid);

	for (size_t i = 0; p && i < p->nr; i++)
		if (has_build_id(p->mappings[i].object, id))
			return p->mappings[i].object;
	for (size_t i = 0; i < s->nr_objects; i++)
		if (has_build_id(s->objects[i], id))
			return s->objects[i];
	return NULL;
}

static struct object *object_at(struct symbols *s, pid_t pid, uint64_t ip,
				      uint64_t *offset)
{
	const struct process *p = find_process(s, pid);

	for (size_t i = 0; p && i < p->nr; i++) {
		const struct mapping *m = &p->mappings[i];

		if (ip < m->start || ip >= m->end)
			continue;
		*offset = ip - m->start + m->offset;
		return m->object;
	}
	return NULL;
}

static const char *name_at(const struct object *o, uint64_t offset)
{
	for (size_t i = 0; i < o->nr_segments; i++) {
		const struct segment *seg = &o->segments[i];

		if (offset >= seg->offset && offset - seg->offset < seg->size)
			return find_symbol(&o->table, offset - seg->offset + seg->addr);
	}
	return NULL;
}

/**
 * symbols_user - the function that a frame of a process is in
 * @s: the symbols
 * @pid: the process
 * @frame: the frame
 *
 * Return: a new string: its name, as its file has it; or the file and the offset in
 * it, or that nothing is known.
 */
char *symbols_user(struct symbols *s, pid_t pid, const struct bpf_stack_build_id *frame)
{
	struct object *o = NULL;
	uint64_t offset = 0;
	const char *name;

	/* Of an address below any mapping the kernel takes the next one: negative */
	if (frame->status == BPF_STACK_BUILD_ID_VALID && (int64_t)frame->offset >= 0) {
		offset = frame->offset;
		o = object_by_id(s, pid, frame->build_id);
	} else if (frame->status == BPF_STACK_BUILD_ID_IP) {
		o = object_at(s, pid, frame->ip, &offset);
	}
	if (!o)
		return xstrdup("[unknown]");
	o->look = s->look;
	name = name_at(o, offset);
	return name ? xstrdup(name) : xasprintf("[%s+0x%" PRIx64 "]", o->name, offset);
}

/** symbols_new - begin with the kernel's symbols */
struct symbols *symbols_new(void)
{
	struct symbols *s = xcalloc(1, sizeof(*s));

	elf_version(EV_CURRENT);
	load_kernel(&s->kernel);
	return s;
}

/** symbols_free - free all of it */
void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_objects; i++)
		free_object(s->objects[i]);
	for (size_t i = 0; i < s->nr_processes; i++)
		free(s->processes[i].mappings);
	free(s->objects);
	free(s->processes);
	free_table(&s->kernel);
	free(s);
}
