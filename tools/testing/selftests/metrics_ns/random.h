/* SPDX-License-Identifier: GPL-2.0 */
/* Chance that can be repeated, for tests that take what comes. */
#ifndef __SELFTESTS_METRICS_NS_RANDOM_H
#define __SELFTESTS_METRICS_NS_RANDOM_H

/* What goes on for a time does so for METRICS_NS_SECONDS, or for these. */
#define SECONDS		20
/* Hours, as far as the harness is concerned */
#define PATIENCE	(10 * 3600)

static inline long from_env(const char *name, long fallback)
{
	const char *value = getenv(name);

	return value && atol(value) > 0 ? atol(value) : fallback;
}

static inline void seed(struct __test_metadata *_metadata)
{
	long value = from_env("METRICS_NS_SEED", time(NULL) ^ getpid());

	TH_LOG("METRICS_NS_SEED=%ld", value);
	srand(value);
}

static inline int pick(int n)
{
	return rand() / (RAND_MAX / n + 1);
}

#endif /* __SELFTESTS_METRICS_NS_RANDOM_H */
