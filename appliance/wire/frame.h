// SPDX-License-Identifier: Apache-2.0
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

/*
 * A frame is one datagram of an AF_UNIX SOCK_SEQPACKET socket: this header,
 * then the body, all little-endian, at most WIRE_BODY_MAX bytes of body.
 *
 *	0  u32 magic "QN1\n"
 *	4  u16 op
 *	6  u16 status: 0 in requests; enum q_err in replies
 *	8  u32 id: chosen by the caller, repeated in the reply, so that many
 *	   requests may be under way on one socket and be answered in any order
 *	12 u32 retry_after, seconds; 0 in requests
 *	16 u32 length of the body
 *
 * The body of a reply with a status other than 0 is the plain text of the
 * fault (no NUL).
 */

#include "base/buf.h"

#define WIRE_MAGIC 0x0a314e51u
#define WIRE_HEAD 20
#define WIRE_BODY_MAX 131072

struct wire_head {
	uint16_t op;
	uint16_t status;
	uint32_t id;
	uint32_t retry_after;
	uint32_t length;
};

void wire_head_put(const struct wire_head *h, uint8_t out[WIRE_HEAD]);

/* PROTO for a wrong magic or a length that is not the datagram's. */
enum q_err wire_head_get(struct bytes frame,
    struct wire_head *ret_head) Q_CHECKED;

/* One datagram out; fd (or -1) goes along. UNAVAIL when the other side is
 * gone (nothing was delivered), TIMEOUT when it does not read for wait_ms. */
enum q_err wire_send(int sock, struct bytes head, struct bytes body, int fd,
    int wait_ms) Q_CHECKED;

/* One datagram in, of at most cap bytes; *ret_fd gets a descriptor that came
 * along or -1. UNAVAIL: the other side is gone; TIMEOUT: nothing within
 * wait_ms (-1: for ever; 0: do not wait); PROTO: larger than cap, or more
 * than one descriptor. */
enum q_err wire_recv(int sock, uint8_t *p, size_t cap, int wait_ms,
    size_t *ret_len, int *ret_fd) Q_CHECKED;

#endif
