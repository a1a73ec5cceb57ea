// SPDX-License-Identifier: GPL-2.0
/*
 * test_progs begins with adding a key for the tests of signed programs, and ends if
 * it can't. None of ours is signed, and the guests' kernels have no such keys, so
 * let it believe that: ld --wrap=syscall.
 */
#include <stdarg.h>
#include <sys/syscall.h>

long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);

long __wrap_syscall(long nr, ...)
{
	long arg[6];
	va_list ap;
	int i;

	if (nr == SYS_add_key)
		return 0;
	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	return __real_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
