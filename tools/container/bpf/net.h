/* SPDX-License-Identifier: GPL-2.0 */
/* What cid net counts apart */
#ifndef CID_NET_H
#define CID_NET_H

enum net_kind {
	/* by the task that calls */
	NET_TCP_SEND,
	NET_TCP_RECEIVE,
	NET_UDP_SEND,
	NET_UDP_RECEIVE,
	NET_CONNECT,		/* of TCP: from the call to the answer */
	NET_ACCEPT,		/* of TCP: how long it was there before it was taken */
	/* by the cgroup in which the socket was made */
	NET_PACKETS_OUT,	/* of IP, whatever is in them */
	NET_PACKETS_IN,
	NET_RETRANSMIT,		/* of TCP: segments */
	NET_KINDS,
};

#define NET_SOCKETS	16384

#endif
