/* SPDX-License-Identifier: GPL-2.0 */
/* What cid bio counts apart */
#ifndef CID_BIO_H
#define CID_BIO_H

enum bio_kind {
	BIO_READ,
	BIO_WRITE,	/* append to a zone as well */
	BIO_OTHER,	/* flush, discard ... */
	BIO_KINDS,
};

#define BIO_REQUESTS	16384
#define BIO_BIOS	32768

#endif
