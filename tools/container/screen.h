/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_SCREEN_H
#define CID_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

int screen_open(void);
void screen_close(void);
bool screen_pause(double seconds);
void screen_size(size_t *rows, size_t *cols);
void screen_show(const char *text);

#endif
