// SPDX-FileCopyrightText: 2025 Microsoft Corporation
// SPDX-FileCopyrightText: 2026 Cloudflare, Inc.
//
// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM landlock

#if !defined(LTTNG_TRACE_LANDLOCK_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_LANDLOCK_H

#include <lttng/tracepoint-event.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/socket.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/sock.h>

/* The events tell about structures that only Landlock itself knows. */
#include <../security/landlock/access.h>
#include <../security/landlock/domain.h>
#include <../security/landlock/limits.h>
#include <../security/landlock/log.h>
#include <../security/landlock/ruleset.h>

#ifndef _TRACE_LANDLOCK_DEF_
#define _TRACE_LANDLOCK_DEF_

/*
 * The layers of a rule are sparse and sorted by level. Make them dense, one mask
 * for each layer of the domain and 0 for those without the rule, and keep only
 * the rights that are requested. Returns the number of masks.
 */
static inline u8 lttng_landlock_fill_layers(access_mask_t *layers,
		const struct landlock_domain *domain,
		const struct landlock_rule *rule,
		access_mask_t access_request)
{
	u32 nr_layers = min_t(u32, domain->num_layers, LANDLOCK_MAX_NUM_LAYERS);
	u32 level, i = 0;

	for (level = 1; level <= nr_layers; level++) {
		access_mask_t grants = 0;

		if (i < rule->num_layers && rule->layers[i].level == level) {
			grants = rule->layers[i].access & access_request;
			i++;
		}
		layers[level - 1] = grants;
	}
	return nr_layers;
}

/* The port that was checked, in host byte order, or -1 if none was. */
static inline s64 lttng_landlock_port(u16 socket_family,
		const struct sockaddr_storage *address, int addrlen)
{
	const struct sockaddr_in *addr = (const struct sockaddr_in *) address;

	if (addrlen < (int) offsetofend(struct sockaddr_in, sin_port))
		return -1;
	switch (address->ss_family) {
	case AF_UNSPEC:
		if (socket_family != AF_INET)
			return -1;
		break;
	case AF_INET:
	case AF_INET6:	/* sin6_port is where sin_port is */
		break;
	default:
		return -1;
	}
	return ntohs(addr->sin_port);
}

/* Best effort: a datagram peer has no credentials. */
static inline pid_t lttng_landlock_peer_pid(const struct sock *peer)
{
	struct pid *pid = READ_ONCE(peer->sk_peer_pid);

	return pid ? pid_nr(pid) : 0;
}

/*
 * An abstract name without its leading NUL. The address doesn't change under the
 * state lock of the socket, which the caller of the tracepoint holds.
 */
static inline const char *lttng_landlock_sun_path(const struct sock *peer)
{
	const struct unix_address *addr = unix_sk(peer)->addr;

	return addr ? addr->name->sun_path + 1 : "";
}

static inline u8 lttng_landlock_sun_path_len(const struct sock *peer)
{
	const struct unix_address *addr = unix_sk(peer)->addr;
	int len;

	if (!addr)
		return 0;
	len = addr->len - (int) offsetof(struct sockaddr_un, sun_path) - 1;
	return clamp_t(int, len, 0, UNIX_PATH_MAX - 1);
}

#endif /* _TRACE_LANDLOCK_DEF_ */

LTTNG_TRACEPOINT_ENUM(landlock_request_type,

	TP_ENUM_VALUES(
		ctf_enum_value("ptrace", LANDLOCK_REQUEST_PTRACE)
		ctf_enum_value("change_topology", LANDLOCK_REQUEST_FS_CHANGE_TOPOLOGY)
		ctf_enum_value("fs_access", LANDLOCK_REQUEST_FS_ACCESS)
		ctf_enum_value("net_access", LANDLOCK_REQUEST_NET_ACCESS)
		ctf_enum_value("scope_abstract_unix_socket", LANDLOCK_REQUEST_SCOPE_ABSTRACT_UNIX_SOCKET)
		ctf_enum_value("scope_signal", LANDLOCK_REQUEST_SCOPE_SIGNAL)
	)
)

/**
 * landlock_create_ruleset - called when a ruleset has been created
 * @ruleset: the ruleset, which has no file descriptor yet
 *
 * The ID of a ruleset isn't reused in a boot, and its version is the number of
 * rules that have been added. What it handles and scopes are masks of
 * LANDLOCK_ACCESS_FS_*, LANDLOCK_ACCESS_NET_* and LANDLOCK_SCOPE_*.
 */
LTTNG_TRACEPOINT_EVENT(landlock_create_ruleset,

	TP_PROTO(const struct landlock_ruleset *ruleset),

	TP_ARGS(ruleset),

	TP_FIELDS(
		ctf_integer_hex(u64, ruleset_id, ruleset->id)
		ctf_integer(u64, ruleset_version, ruleset->version)
		ctf_integer_hex(access_mask_t, handled_fs, ruleset->handled_masks.fs)
		ctf_integer_hex(access_mask_t, handled_net, ruleset->handled_masks.net)
		ctf_integer_hex(access_mask_t, scoped, ruleset->handled_masks.scope)
	)
)

/**
 * landlock_free_ruleset - called when a ruleset is freed
 * @ruleset: the ruleset, at its last reference
 *
 * Mostly when its last file descriptor is closed: a domain that was made of it
 * doesn't need it.
 */
LTTNG_TRACEPOINT_EVENT(landlock_free_ruleset,

	TP_PROTO(const struct landlock_ruleset *ruleset),

	TP_ARGS(ruleset),

	TP_FIELDS(
		ctf_integer_hex(u64, ruleset_id, ruleset->id)
		ctf_integer(u64, ruleset_version, ruleset->version)
	)
)

/**
 * landlock_add_rule_path_beneath - called when a rule about files is added
 * @ruleset: the ruleset, with the rule
 * @flags: flags of landlock_add_rule()
 * @access_rights: mask of LANDLOCK_ACCESS_FS_* that this call has allowed
 * @path: what the rule is about
 * @pathname: the same, absolute, or in angle brackets why it isn't known
 */
LTTNG_TRACEPOINT_EVENT(landlock_add_rule_path_beneath,

	TP_PROTO(const struct landlock_ruleset *ruleset, u32 flags,
		 u64 access_rights, const struct path *path,
		 const char *pathname),

	TP_ARGS(ruleset, flags, access_rights, path, pathname),

	TP_FIELDS(
		ctf_integer_hex(u64, ruleset_id, ruleset->id)
		ctf_integer(u64, ruleset_version, ruleset->version)
		ctf_integer_hex(u32, flags, flags)
		ctf_integer_hex(access_mask_t, access_rights, access_rights)
		ctf_integer(dev_t, dev, path->dentry->d_sb->s_dev)
		ctf_integer(u64, ino, d_backing_inode(path->dentry)->i_ino)
		ctf_string(pathname, pathname)
	)
)

/**
 * landlock_add_rule_net_port - called when a rule about a port is added
 * @ruleset: the ruleset, with the rule
 * @flags: flags of landlock_add_rule()
 * @access_rights: mask of LANDLOCK_ACCESS_NET_* that this call has allowed
 * @port: the port, in host byte order
 */
LTTNG_TRACEPOINT_EVENT(landlock_add_rule_net_port,

	TP_PROTO(const struct landlock_ruleset *ruleset, u32 flags,
		 u64 access_rights, u64 port),

	TP_ARGS(ruleset, flags, access_rights, port),

	TP_FIELDS(
		ctf_integer_hex(u64, ruleset_id, ruleset->id)
		ctf_integer(u64, ruleset_version, ruleset->version)
		ctf_integer_hex(u32, flags, flags)
		ctf_integer_hex(access_mask_t, access_rights, access_rights)
		ctf_integer(u64, port, port)
	)
)

/**
 * landlock_create_domain - called when a domain has been created
 * @domain: the domain, not enforced yet
 * @ruleset: what it was made of
 *
 * Once for each landlock_restrict_self() with a ruleset. The ID of a domain
 * isn't reused in a boot; that of the parent is 0 if the task had no domain.
 */
LTTNG_TRACEPOINT_EVENT(landlock_create_domain,

	TP_PROTO(const struct landlock_domain *domain,
		 const struct landlock_ruleset *ruleset),

	TP_ARGS(domain, ruleset),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, domain->hierarchy->id)
		ctf_integer_hex(u64, parent_id,
			domain->hierarchy->parent ? domain->hierarchy->parent->id : 0)
		ctf_integer_hex(u64, ruleset_id, ruleset->id)
		ctf_integer(u64, ruleset_version, ruleset->version)
	)
)

/**
 * landlock_enforce_domain - called when a domain is enforced on current
 * @domain: the domain
 * @complete: this is the last thread of those that the call is about
 * @process_wide: the call is about all threads of the process
 * @no_new_privs: the thread has no_new_privs set, and doesn't only have
 *                CAP_SYS_ADMIN
 *
 * In the context of each thread that gets the domain, and not for the tasks that
 * inherit it.
 */
LTTNG_TRACEPOINT_EVENT(landlock_enforce_domain,

	TP_PROTO(const struct landlock_domain *domain, bool complete,
		 bool process_wide, bool no_new_privs),

	TP_ARGS(domain, complete, process_wide, no_new_privs),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, domain->hierarchy->id)
		ctf_integer(bool, complete, complete)
		ctf_integer(bool, process_wide, process_wide)
		ctf_integer(bool, no_new_privs, no_new_privs)
	)
)

/**
 * landlock_free_domain - called when a domain is freed
 * @hierarchy: what is left of it
 *
 * After the last task and the last domain below are gone, mostly by a kworker.
 * Denials is the number of requests that it has denied.
 */
LTTNG_TRACEPOINT_EVENT(landlock_free_domain,

	TP_PROTO(const struct landlock_hierarchy *hierarchy),

	TP_ARGS(hierarchy),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, hierarchy->id)
		ctf_integer(u64, denials, atomic64_read(&hierarchy->num_denials))
	)
)

/**
 * landlock_check_rule_inode - called for each rule that matches a file
 * @domain: the domain that is asked
 * @rule: the rule
 * @access_request: mask of LANDLOCK_ACCESS_FS_* that is asked for
 * @dentry: the file, or what is above it
 *
 * Before it is known whether the access is denied. Grants are those of the
 * requested rights that the rule gives, for each layer of the domain.
 */
LTTNG_TRACEPOINT_EVENT_CODE(landlock_check_rule_inode,

	TP_PROTO(const struct landlock_domain *domain,
		 const struct landlock_rule *rule,
		 u64 access_request, const struct dentry *dentry),

	TP_ARGS(domain, rule, access_request, dentry),

	TP_locvar(
		access_mask_t grants[LANDLOCK_MAX_NUM_LAYERS];
		u8 nr_grants;
	),

	TP_code_pre(
		tp_locvar->nr_grants = lttng_landlock_fill_layers(
				tp_locvar->grants, domain, rule, access_request);
	),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, domain->hierarchy->id)
		ctf_integer_hex(access_mask_t, access_request, access_request)
		ctf_integer(dev_t, dev, dentry->d_sb->s_dev)
		ctf_integer(u64, ino, d_backing_inode(dentry)->i_ino)
		ctf_sequence_hex(access_mask_t, grants, tp_locvar->grants,
			u8, tp_locvar->nr_grants)
	),

	TP_code_post()
)

/**
 * landlock_check_rule_net_port - called for each rule that matches a port
 * @domain: the domain that is asked
 * @rule: the rule
 * @access_request: mask of LANDLOCK_ACCESS_NET_* that is asked for
 * @port: the port, in host byte order
 *
 * Before it is known whether the access is denied. Grants are those of the
 * requested rights that the rule gives, for each layer of the domain.
 */
LTTNG_TRACEPOINT_EVENT_CODE(landlock_check_rule_net_port,

	TP_PROTO(const struct landlock_domain *domain,
		 const struct landlock_rule *rule,
		 u64 access_request, u64 port),

	TP_ARGS(domain, rule, access_request, port),

	TP_locvar(
		access_mask_t grants[LANDLOCK_MAX_NUM_LAYERS];
		u8 nr_grants;
	),

	TP_code_pre(
		tp_locvar->nr_grants = lttng_landlock_fill_layers(
				tp_locvar->grants, domain, rule, access_request);
	),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, domain->hierarchy->id)
		ctf_integer_hex(access_mask_t, access_request, access_request)
		ctf_integer(u64, port, port)
		ctf_sequence_hex(access_mask_t, grants, tp_locvar->grants,
			u8, tp_locvar->nr_grants)
	),

	TP_code_post()
)

/**
 * landlock_deny_access_fs - called when access to a file is denied
 * @hierarchy: the innermost domain that denies it
 * @same_exec: current has executed nothing since it got the domain
 * @logged: the domain wants the denial in the audit log
 * @blockers: the type of the request, and the LANDLOCK_ACCESS_FS_* that are
 *            missing, 0 for a change of the topology
 * @path: the file
 * @pathname: the same, absolute or from the root of the file system, or in angle
 *            brackets why it isn't known
 *
 * The inode number of a file that doesn't exist is 0.
 */
LTTNG_TRACEPOINT_EVENT(landlock_deny_access_fs,

	TP_PROTO(const struct landlock_hierarchy *hierarchy, bool same_exec,
		 bool logged, const struct landlock_blockers *blockers,
		 const struct path *path, const char *pathname),

	TP_ARGS(hierarchy, same_exec, logged, blockers, path, pathname),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, hierarchy->id)
		ctf_integer(bool, same_exec, same_exec)
		ctf_integer(bool, logged, logged)
		ctf_enum(landlock_request_type, u32, blockers_type, blockers->type)
		ctf_integer_hex(access_mask_t, blockers_access, blockers->access)
		ctf_integer(dev_t, dev, path->dentry->d_sb->s_dev)
		ctf_integer(u64, ino,
			d_backing_inode(path->dentry) ?
				d_backing_inode(path->dentry)->i_ino : 0)
		ctf_string(pathname, pathname)
	)
)

/**
 * landlock_deny_access_net - called when a network operation is denied
 * @hierarchy: the innermost domain that denies it
 * @same_exec: current has executed nothing since it got the domain
 * @logged: the domain wants the denial in the audit log
 * @blockers: the type of the request, and the LANDLOCK_ACCESS_NET_* that are
 *            missing, which tell whether it was to bind or to connect
 * @sk: the socket, not locked
 * @socket_family: its family
 * @address: the address that was checked
 * @addrlen: bytes of it
 *
 * The port is in host byte order, and -1 if none was checked.
 */
LTTNG_TRACEPOINT_EVENT(landlock_deny_access_net,

	TP_PROTO(const struct landlock_hierarchy *hierarchy, bool same_exec,
		 bool logged, const struct landlock_blockers *blockers,
		 const struct sock *sk, u16 socket_family,
		 const struct sockaddr_storage *address, int addrlen),

	TP_ARGS(hierarchy, same_exec, logged, blockers, sk, socket_family,
		address, addrlen),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, hierarchy->id)
		ctf_integer(bool, same_exec, same_exec)
		ctf_integer(bool, logged, logged)
		ctf_enum(landlock_request_type, u32, blockers_type, blockers->type)
		ctf_integer_hex(access_mask_t, blockers_access, blockers->access)
		ctf_integer(u16, socket_family, socket_family)
		ctf_integer(s64, port,
			lttng_landlock_port(socket_family, address, addrlen))
	)
)

/**
 * landlock_deny_ptrace - called when ptrace access is denied
 * @hierarchy: the innermost domain that denies it
 * @same_exec: the tracer has executed nothing since it got the domain
 * @logged: the domain wants the denial in the audit log
 * @tracee_domain_id: the domain of the tracee, 0 if it has none
 * @tracee: the task that was to be traced
 * @tracer: the task that was to trace it: the parent, and not current, if
 *          current asked to be traced
 *
 * The pids are those of processes, in the initial pid namespace.
 */
LTTNG_TRACEPOINT_EVENT(landlock_deny_ptrace,

	TP_PROTO(const struct landlock_hierarchy *hierarchy, bool same_exec,
		 bool logged, u64 tracee_domain_id,
		 const struct task_struct *tracee,
		 const struct task_struct *tracer),

	TP_ARGS(hierarchy, same_exec, logged, tracee_domain_id, tracee, tracer),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, hierarchy->id)
		ctf_integer(bool, same_exec, same_exec)
		ctf_integer(bool, logged, logged)
		ctf_integer_hex(u64, tracee_domain_id, tracee_domain_id)
		ctf_integer(pid_t, tracee_pid, tracee->tgid)
		ctf_array_text(char, tracee_comm, tracee->comm, TASK_COMM_LEN)
		ctf_integer(pid_t, tracer_pid, tracer->tgid)
	)
)

/**
 * landlock_deny_scope_signal - called when a signal is denied by its scope
 * @hierarchy: the innermost domain that denies it
 * @same_exec: the sender has executed nothing since it got the domain
 * @logged: the domain wants the denial in the audit log
 * @target_domain_id: the domain of the target, 0 if it has none
 * @target: the task that was to get the signal
 * @signal: the signal, 0 if only the permission was asked for
 *
 * The pid is that of a process, in the initial pid namespace.
 */
LTTNG_TRACEPOINT_EVENT(landlock_deny_scope_signal,

	TP_PROTO(const struct landlock_hierarchy *hierarchy, bool same_exec,
		 bool logged, u64 target_domain_id,
		 const struct task_struct *target, int signal),

	TP_ARGS(hierarchy, same_exec, logged, target_domain_id, target, signal),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, hierarchy->id)
		ctf_integer(bool, same_exec, same_exec)
		ctf_integer(bool, logged, logged)
		ctf_integer_hex(u64, target_domain_id, target_domain_id)
		ctf_integer(pid_t, target_pid, target->tgid)
		ctf_array_text(char, target_comm, target->comm, TASK_COMM_LEN)
		ctf_integer(int, signal, signal)
	)
)

/**
 * landlock_deny_scope_abstract_unix_socket - called when an abstract Unix socket
 *     is denied by its scope
 * @hierarchy: the innermost domain that denies it
 * @same_exec: current has executed nothing since it got the domain
 * @logged: the domain wants the denial in the audit log
 * @peer_domain_id: the domain of the peer, 0 if it has none
 * @peer: the socket that was to be connected or sent to
 *
 * The pid is in the initial pid namespace, and 0 for a datagram socket. The name
 * is without its leading NUL. It is a sequence of bytes and no text: it may have
 * further ones, at which a text would end.
 */
LTTNG_TRACEPOINT_EVENT(landlock_deny_scope_abstract_unix_socket,

	TP_PROTO(const struct landlock_hierarchy *hierarchy, bool same_exec,
		 bool logged, u64 peer_domain_id, const struct sock *peer),

	TP_ARGS(hierarchy, same_exec, logged, peer_domain_id, peer),

	TP_FIELDS(
		ctf_integer_hex(u64, domain_id, hierarchy->id)
		ctf_integer(bool, same_exec, same_exec)
		ctf_integer(bool, logged, logged)
		ctf_integer_hex(u64, peer_domain_id, peer_domain_id)
		ctf_integer(pid_t, peer_pid, lttng_landlock_peer_pid(peer))
		ctf_sequence_hex(u8, sun_path, lttng_landlock_sun_path(peer),
			u8, lttng_landlock_sun_path_len(peer))
	)
)

#endif /* LTTNG_TRACE_LANDLOCK_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
