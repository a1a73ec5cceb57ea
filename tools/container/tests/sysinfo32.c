// SPDX-License-Identifier: GPL-2.0
/*
 * What a 32-bit program gets from sysinfo(2): total and free RAM in KiB, tasks, and
 * the load of a minute in hundredths. Without a C library, as 32-bit ones aren't
 * everywhere, and by the system call that such programs have always had.
 */

struct sysinfo32 {
	int		uptime;
	unsigned int	loads[3];
	unsigned int	totalram;
	unsigned int	freeram;
	unsigned int	sharedram;
	unsigned int	bufferram;
	unsigned int	totalswap;
	unsigned int	freeswap;
	unsigned short	procs;
	unsigned short	pad;
	unsigned int	totalhigh;
	unsigned int	freehigh;
	unsigned int	mem_unit;
	char		fill[8];
};

#define SYS_EXIT	1
#define SYS_WRITE	4
#define SYS_SYSINFO	116

static int call(int nr, int a, const void *b, int c)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory");
	return ret;
}

static void print(unsigned int number, char end)
{
	char text[16], *p = text + sizeof(text);

	*--p = end;
	do {
		*--p = '0' + number % 10;
		number /= 10;
	} while (number);
	call(SYS_WRITE, 1, p, text + sizeof(text) - p);
}

static unsigned int kib(const struct sysinfo32 *info, unsigned int amount)
{
	return info->mem_unit >= 1024 ? amount * (info->mem_unit / 1024) :
	       amount / (1024 / info->mem_unit);
}

void _start(void)
{
	struct sysinfo32 info;

	if (call(SYS_SYSINFO, (int)&info, 0, 0))
		call(SYS_EXIT, 1, 0, 0);
	print(kib(&info, info.totalram), ' ');
	print(kib(&info, info.freeram), ' ');
	print(info.procs, ' ');
	print(info.loads[0] * 100 >> 16, '\n');
	call(SYS_EXIT, 0, 0, 0);
}
