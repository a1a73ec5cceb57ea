/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_SOURCES_H
#define CID_AGENT_SOURCES_H

#include "agent.h"

/* kernel.c: the kernel's own events, and the cgroups that there are at the start */
void kernel_start(void);
bool kernel_tells_victims(void);
bool kernel_tells_pauses(void);
void kernel_stop(void);

/* identity.c */
bool identity_belongs_to(pid_t pid, uid_t uid);

/* namespaces.c */
void namespaces_report(bool (*wanted)(uint64_t id));

/* Of both */
int socket_in(int dirfd, const char *name, int type, mode_t mode);

/* hook.c: what OCI hooks send */
int hook_start(int dirfd);
void hook_stop(int dirfd);

/* server.c: who asks for the containers that are known */
int server_start(int dirfd);
void server_stop(int dirfd);

/* runtimes.c */
int runtimes_choose(const char *spec);
void runtimes_start(void);
void runtimes_look(void);
void runtimes_look_soon(void);
void runtimes_stop(void);

#endif
