/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_LISTENING_H
#define CID_AGENT_LISTENING_H

#include <stdbool.h>

bool is_listened_at(const char *path);

#endif
