/* SPDX-License-Identifier: GPL-2.0 */
/* Macros that coccinelle doesn't know for what they are, and passes over a function for. */
#define scoped_guard(...) if (1)
#define scoped_class(...) if (1)
#define __uninitialized
