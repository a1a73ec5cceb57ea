/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_RUNTIME_NAMES_H
#define CID_RUNTIME_NAMES_H

char *runtime_id_of_name(const char *name);

#endif
