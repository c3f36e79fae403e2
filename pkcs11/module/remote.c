// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "module/module.h"

#define CALL_MS 15000
#define PAUSE_MAX_MS 500

/* What programs make of it: a device that is away, a key that may not do it,
 * data that is not right. Approvals that are missing and rates that are used
 * up are refusals, too: PKCS #11 has no word for "later". */
static const struct {
	enum q_err r;
	CK_RV rv;
} rvs[] = {
	{ Q_OK, CKR_OK },
	{ Q_NOMEM, CKR_HOST_MEMORY },
	{ Q_NOTFOUND, CKR_KEY_HANDLE_INVALID },
	{ Q_DENIED, CKR_KEY_FUNCTION_NOT_PERMITTED },
	{ Q_INVALID, CKR_DATA_INVALID },
	{ Q_TOOBIG, CKR_DATA_LEN_RANGE },
	{ Q_WAIT, CKR_FUNCTION_REJECTED },
	{ Q_BUSY, CKR_FUNCTION_REJECTED },
	{ Q_UNAVAIL, CKR_DEVICE_ERROR },
	{ Q_TIMEOUT, CKR_DEVICE_ERROR },
};

CK_RV
remote_rv(enum q_err r, const struct fault *f)
{
	if (r != Q_OK && getenv("QUOIN_PKCS11_DEBUG") != NULL)
		fprintf(stderr, "libquoin-pkcs11: %s\n", fault_text(f, r));
	for (size_t i = 0; i < ARRAY_LEN(rvs); i++)
		if (rvs[i].r == r)
			return rvs[i].rv;
	return CKR_FUNCTION_FAILED;
}

/* $QUOIN_SIGND_SOCKET, or where the appliance's configuration has it. */
CK_RV
remote_open(struct wire_client **ret_client)
{
	static const char file[] = PKGSYSCONFDIR "/quoin.conf";
	const char *path = secure_getenv("QUOIN_SIGND_SOCKET");
	struct conf *conf;
	struct fault f = { 0 };
	enum q_err r;

	if (path != NULL)
		return remote_rv(wire_client_new(path, CALL_MS, ret_client),
		    &f);
	conf = malloc(sizeof(*conf));
	if (conf == NULL)
		return CKR_HOST_MEMORY;
	r = conf_load(access(file, R_OK) == 0 ? file : NULL, conf, &f);
	if (r == Q_OK)
		r = signer_open(conf, CALL_MS, ret_client);
	free(conf);
	return remote_rv(r, &f);
}

/* Whether to ask again, after a pause: a daemon that is being restarted is
 * back in a moment. Not if C_Finalize waits for us. Only for what changes nothing, or has a nonce. */
bool
remote_again(enum q_err r, int64_t until_ms, const struct fault *f)
{
	unsigned ms = f->retry_after != 0 ? f->retry_after * 1000 : 100;

	if ((r != Q_UNAVAIL && r != Q_TIMEOUT) ||
	    clock_mono_ms() >= until_ms || module_ready() != CKR_OK)
		return false;
	usleep((ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS) * 1000);
	return true;
}

/* Asked again with the same nonce: there is one signature at most, whatever
 * happens to signd meanwhile. */
CK_RV
remote_sign(const struct operation *op, struct bytes data, CK_BYTE *out)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	uint8_t nonce[SIGND_NONCE_LEN];
	struct signd_code_sign_req req = { .key = op->key->id,
		.mech = op->mech->sign, .hash = op->hash, .salt = op->salt,
		.data = data, .nonce = { nonce, sizeof(nonce) } };
	struct signd_code_sign_rsp rsp;
	int64_t until = clock_mono_ms() + REMOTE_SIGN_MS;
	struct fault f = { 0 };
	enum q_err r;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return CKR_FUNCTION_FAILED;
	do
		r = signd_code_sign(module_client(), &req, &rsp, &hold, &f);
	while (remote_again(r, until, &f));
	if (r == Q_OK && rsp.signature.len != op->key->sig_len)
		return CKR_FUNCTION_FAILED;
	if (r == Q_OK)
		memcpy(out, rsp.signature.p, rsp.signature.len);
	return remote_rv(r, &f);
}
