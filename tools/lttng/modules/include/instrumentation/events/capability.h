// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM capability

#if !defined(LTTNG_TRACE_CAPABILITY_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_CAPABILITY_H

#include <lttng/tracepoint-event.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

/* The kernels that have the tracepoint have all of these. */
LTTNG_TRACEPOINT_ENUM(capability_cap,

	TP_ENUM_VALUES(
		ctf_enum_value("CAP_CHOWN", CAP_CHOWN)
		ctf_enum_value("CAP_DAC_OVERRIDE", CAP_DAC_OVERRIDE)
		ctf_enum_value("CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH)
		ctf_enum_value("CAP_FOWNER", CAP_FOWNER)
		ctf_enum_value("CAP_FSETID", CAP_FSETID)
		ctf_enum_value("CAP_KILL", CAP_KILL)
		ctf_enum_value("CAP_SETGID", CAP_SETGID)
		ctf_enum_value("CAP_SETUID", CAP_SETUID)
		ctf_enum_value("CAP_SETPCAP", CAP_SETPCAP)
		ctf_enum_value("CAP_LINUX_IMMUTABLE", CAP_LINUX_IMMUTABLE)
		ctf_enum_value("CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE)
		ctf_enum_value("CAP_NET_BROADCAST", CAP_NET_BROADCAST)
		ctf_enum_value("CAP_NET_ADMIN", CAP_NET_ADMIN)
		ctf_enum_value("CAP_NET_RAW", CAP_NET_RAW)
		ctf_enum_value("CAP_IPC_LOCK", CAP_IPC_LOCK)
		ctf_enum_value("CAP_IPC_OWNER", CAP_IPC_OWNER)
		ctf_enum_value("CAP_SYS_MODULE", CAP_SYS_MODULE)
		ctf_enum_value("CAP_SYS_RAWIO", CAP_SYS_RAWIO)
		ctf_enum_value("CAP_SYS_CHROOT", CAP_SYS_CHROOT)
		ctf_enum_value("CAP_SYS_PTRACE", CAP_SYS_PTRACE)
		ctf_enum_value("CAP_SYS_PACCT", CAP_SYS_PACCT)
		ctf_enum_value("CAP_SYS_ADMIN", CAP_SYS_ADMIN)
		ctf_enum_value("CAP_SYS_BOOT", CAP_SYS_BOOT)
		ctf_enum_value("CAP_SYS_NICE", CAP_SYS_NICE)
		ctf_enum_value("CAP_SYS_RESOURCE", CAP_SYS_RESOURCE)
		ctf_enum_value("CAP_SYS_TIME", CAP_SYS_TIME)
		ctf_enum_value("CAP_SYS_TTY_CONFIG", CAP_SYS_TTY_CONFIG)
		ctf_enum_value("CAP_MKNOD", CAP_MKNOD)
		ctf_enum_value("CAP_LEASE", CAP_LEASE)
		ctf_enum_value("CAP_AUDIT_WRITE", CAP_AUDIT_WRITE)
		ctf_enum_value("CAP_AUDIT_CONTROL", CAP_AUDIT_CONTROL)
		ctf_enum_value("CAP_SETFCAP", CAP_SETFCAP)
		ctf_enum_value("CAP_MAC_OVERRIDE", CAP_MAC_OVERRIDE)
		ctf_enum_value("CAP_MAC_ADMIN", CAP_MAC_ADMIN)
		ctf_enum_value("CAP_SYSLOG", CAP_SYSLOG)
		ctf_enum_value("CAP_WAKE_ALARM", CAP_WAKE_ALARM)
		ctf_enum_value("CAP_BLOCK_SUSPEND", CAP_BLOCK_SUSPEND)
		ctf_enum_value("CAP_AUDIT_READ", CAP_AUDIT_READ)
		ctf_enum_value("CAP_PERFMON", CAP_PERFMON)
		ctf_enum_value("CAP_BPF", CAP_BPF)
		ctf_enum_value("CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE)
	)
)

/**
 * cap_capable - called after it's determined if a task has a capability
 * @cred: the credentials that were asked about
 * @target_ns: the user namespace of the resource that is accessed
 * @capable_ns: the user namespace in which @cred gives the capability; only
 *              meaningful if @ret is 0
 * @cap: the capability
 * @ret: 0 if the credentials give it, a negative errno if they don't
 *
 * User namespaces are told by their inode number in nsfs, which is reused, and
 * where the kernel has one by their ID, which isn't reused in a boot. Those of
 * @capable_ns are 0 if @ret isn't. The credentials are mostly, and not always,
 * those of the current task; their user IDs are those of the initial user
 * namespace.
 */
LTTNG_TRACEPOINT_EVENT_MAP(cap_capable,

	capability_cap_capable,

	TP_PROTO(const struct cred *cred, struct user_namespace *target_ns,
		const struct user_namespace *capable_ns, int cap, int ret),

	TP_ARGS(cred, target_ns, capable_ns, cap, ret),

	TP_FIELDS(
		ctf_enum(capability_cap, int, cap, cap)
		ctf_integer(int, ret, ret)
		ctf_integer(u32, target_ns_inum, target_ns->ns.inum)
		ctf_integer(u32, capable_ns_inum,
			ret == 0 ? capable_ns->ns.inum : 0)
		ctf_integer(u32, cred_ns_inum, cred->user_ns->ns.inum)
#ifdef LTTNG_HAVE_NS_ID
		ctf_integer(u64, target_ns_id, target_ns->ns.ns_id)
		ctf_integer(u64, capable_ns_id,
			ret == 0 ? capable_ns->ns.ns_id : 0)
		ctf_integer(u64, cred_ns_id, cred->user_ns->ns.ns_id)
#endif
		ctf_integer(uid_t, cred_uid, from_kuid_munged(&init_user_ns, cred->uid))
		ctf_integer(uid_t, cred_euid, from_kuid_munged(&init_user_ns, cred->euid))
	)
)

#endif /* LTTNG_TRACE_CAPABILITY_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
