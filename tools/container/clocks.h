/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_CLOCKS_H
#define CID_CLOCKS_H

#include <stdbool.h>
#include <time.h>

bool clocks_supported(void);
int clocks_restart(clockid_t clock, struct timespec *offset);

#endif
