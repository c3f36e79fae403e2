// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_QDEV_H
#define DEVICE_QDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "device/qdev_answer.h"

/*
 * libquoin-device: a device's side of the device port (PROTOCOL-DEVICE.md),
 * for machines of any size. ISO C, no heap, no operating system: whatever
 * the device has for network, storage, keys, time and random numbers comes
 * in through struct qdev_seam. Of Quoin's base it uses one header, base/err.h,
 * and config.h may be empty.
 *
 *	struct qdev d;
 *	qdev_init(&d, &config);
 *	for (;;) {
 *		uint32_t seconds;
 *		qdev_step(&d, &seconds);
 *		sleep(seconds);
 *	}
 */

/* Characters of a DeviceID: hex SHA-256 of the identity key's DER
 * SubjectPublicKeyInfo. */
#define QDEV_ID_LEN 64

/* Smallest work buffer: enough for RSA-3072 keys and chains of three. */
#define QDEV_WORK_MIN 8192

/* Which certificate to show in TLS: the self-signed one over the identity
 * key, or the one that was granted last. */
enum qdev_face { QDEV_BY_IDENTITY, QDEV_BY_CERTIFICATE };

/*
 * What must survive a restart: a request that has not been answered, and the
 * last grant as it was received. Saving the grant and forgetting the request
 * are one step: a power cut leaves both as they were or both done.
 */
enum qdev_slot { QDEV_REQUEST, QDEV_GRANT };

/* Every function gets ctx and gives Q_OK or an error, which ends the step
 * and is tried again later. */
struct qdev_seam {
	/* Network: one connection at a time, TLS 1.2 or 1.3, the server
	 * checked against the OEM Root. recv gives 0 bytes at the peer's
	 * end. close is called after every connect, failed ones as well. */
	enum q_err (*connect)(void *ctx, enum qdev_face face);
	enum q_err (*send)(void *ctx, const void *p, size_t len);
	enum q_err (*recv)(void *ctx, void *p, size_t cap, size_t *ret_len);
	void (*close)(void *ctx);

	/* Storage: load gives NOTFOUND for an empty slot, save replaces
	 * atomically and durably, and empties the slot when len is 0. The
	 * grant should be refused here when its certificate does not fit
	 * the key or the OEM Root. */
	enum q_err (*load)(void *ctx, enum qdev_slot slot, void *p, size_t cap,
	    size_t *ret_len);
	enum q_err (*save)(void *ctx, enum qdev_slot slot, const void *p,
	    size_t len);

	/* A hub object came with a status answer; optional. */
	enum q_err (*hub)(void *ctx, struct qdev_json hub);

	/* Keys. id: the DeviceID and a NUL. csr: a PKCS#10 request in DER,
	 * for the key in use or for a new one, which must then be kept as
	 * long as the request. prove: the identity key's signature over csr
	 * and its SubjectPublicKeyInfo, one behind the other in out, lengths
	 * in ret_len[0] and [1]; both 0 when csr is for the identity key
	 * itself. */
	enum q_err (*id)(void *ctx, char out[QDEV_ID_LEN + 1]);
	enum q_err (*csr)(void *ctx, bool new_key, uint8_t *out, size_t cap,
	    size_t *ret_len);
	enum q_err (*prove)(void *ctx, const uint8_t *csr, size_t len,
	    uint8_t *out, size_t cap, size_t ret_len[2]);

	/* Seconds since 1970 UTC, 0 while the device does not know; a random
	 * number of 32 bits (spreads load, guards nothing). */
	int64_t (*now)(void *ctx);
	uint32_t (*random)(void *ctx);
};

struct qdev_config {
	const struct qdev_seam *seam;
	void *ctx;
	const char *host;	/* for the Host field: name[:port] */
	const char *agent;	/* what runs here, or NULL: untold */
	const char *token;	/* of its batch, for who has one; or NULL */
	char *work;		/* QDEV_WORK_MIN bytes or more */
	size_t work_len;
	uint32_t back_off_max;	/* longest pause of our own after
				 * failures, in seconds; 0: an hour */
};

/* What the next step will do. */
enum qdev_action { QDEV_DO_STATUS, QDEV_DO_ENROL, QDEV_DO_RENEW };

/* A device. Callers may read the first block. */
struct qdev {
	char id[QDEV_ID_LEN + 1];
	enum qdev_state state;
	enum qdev_action next;
	int64_t not_after;	/* end of the certificate, 0: none */
	int http_status;	/* of the last answer, 0: none came */
	char detail[200];	/* what the server said was wrong, or "" */
	uint32_t failures;	/* in a row; sets the back-off */

	struct qdev_config config;
	bool have_certificate;
	bool by_identity;	/* the server did not like our certificate */
	bool new_key;
	bool ask_first;		/* renewal refused: wait for status */
	int64_t renew_at;
	uint32_t poll_after;
	uint32_t retry_after;
};

/* Start from what is stored. config's pointers must outlive d. INVALID when
 * the work buffer is too small, or an error of the seam; d is unusable then.
 * A stored grant that cannot be read counts as none. */
enum q_err qdev_init(struct qdev *d, const struct qdev_config *config)
    Q_CHECKED;

/* Ask for a certificate over a new key at the next step. */
void qdev_rekey(struct qdev *d);

/* Do the next thing; *ret_wait seconds later call again. An error is the
 * one that was met; d stays usable and the pause is the right one for it.
 * WAIT is no failure: an operator has to approve the device first. */
enum q_err qdev_step(struct qdev *d, uint32_t *ret_wait);

#endif
