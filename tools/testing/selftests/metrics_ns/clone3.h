/* SPDX-License-Identifier: GPL-2.0 */
/* clone3(2) for a child that shares the caller's memory */
#ifndef __SELFTESTS_METRICS_NS_CLONE3_H
#define __SELFTESTS_METRICS_NS_CLONE3_H

#include "metrics_ns.h"

/*
 * clone3(2) with CLONE_VM, whose child does nothing but exit: it may not even
 * return from a function, as it would spoil the parent's stack or has one
 * without a caller.
 */
#if defined(__x86_64__)
#define HAVE_CLONE3_EXIT_VM	true
static inline long clone3_exit_vm(struct clone_args *args)
{
	long ret;

	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xor %%edi, %%edi\n\t"
		     "mov %[exit], %%eax\n\t"
		     "syscall\n"
		     "1:"
		     : "=a" (ret)
		     : "a" (__NR_clone3), "D" (args), "S" (sizeof(*args)),
		       [exit] "i" (__NR_exit)
		     : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
#define HAVE_CLONE3_EXIT_VM	true
static inline long clone3_exit_vm(struct clone_args *args)
{
	register long x0 asm("x0") = (long)args;
	register long x1 asm("x1") = sizeof(*args);
	register long x8 asm("x8") = __NR_clone3;

	asm volatile("svc #0\n\t"
		     "cbnz x0, 1f\n\t"
		     "mov x8, %[exit]\n\t"
		     "svc #0\n"
		     "1:"
		     : "+r" (x0)
		     : "r" (x1), "r" (x8), [exit] "i" (__NR_exit)
		     : "memory");
	return x0;
}
#else
#define HAVE_CLONE3_EXIT_VM	false
static inline long clone3_exit_vm(struct clone_args *args)
{
	return -EOPNOTSUPP;
}
#endif

#define NEEDS_CLONE3_EXIT_VM() do { \
	if (!HAVE_CLONE3_EXIT_VM) \
		SKIP(return, "no stub for clone3 with CLONE_VM on this machine"); \
} while (0)

#endif /* __SELFTESTS_METRICS_NS_CLONE3_H */
