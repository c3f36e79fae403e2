// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "signd/worker_priv.h"

#define ROUNDS 200000	/* a file that is stolen shall not tell the PIN */
#define QUICK_ROUNDS 1	/* what never leaves this process's memory */
#define PIN_MAX 255
#define FILE_LEN (2 * PIN_MARK) /* salt, mark */

/* Of PIN, salt and token; false: no memory. */
static bool
mark_make(const struct worker *w, const struct secret *pin,
    const uint8_t salt[PIN_MARK], int rounds, uint8_t out[PIN_MARK])
{
	uint8_t both[PIN_MARK + TOKEN_LABEL_MAX] = { 0 };

	memcpy(both, salt, PIN_MARK);
	memcpy(both + PIN_MARK, w->token.label,
	    strnlen(w->token.label, TOKEN_LABEL_MAX));
	return PKCS5_PBKDF2_HMAC((const char *)pin->p, (int)pin->len, both,
	    sizeof(both), rounds, EVP_sha256(), PIN_MARK, out) == 1;
}

/* Without the newline of an editor. */
static enum q_err
pin_read(int fd, struct secret *ret_pin)
{
	AUTO_BUF struct buf b = BUF_INIT(PIN_MAX + 1);
	enum q_err r = fd_read_all(fd, &b);

	if (r == Q_OK && b.len != 0 && b.p[b.len - 1] == '\n')
		b.len--;
	if (r == Q_OK && b.len == 0)
		r = Q_INVALID;
	return r == Q_OK ? secret_new(b.p, b.len, ret_pin) : r;
}

static enum q_err
file_load(const struct worker *w, struct secret *ret_pin, struct fault *f)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	AUTO_FD int fd = -1;
	char path[600];
	enum q_err r = Q_NOTFOUND;

	if (dir != NULL && path_join(path, sizeof(path), dir,
	    w->token.credential) == Q_OK)
		r = secret_load(path, ret_pin);
	if (r == Q_NOTFOUND) {
		r = launcher_pin(w->conf.launcher, w->conf.token, &fd, f);
		if (r != Q_OK)
			return r;
		r = pin_read(fd, ret_pin);
	}
	return r == Q_OK ? Q_OK : fault_set(f, r, "PIN: %s", q_err_text(r));
}

/* Whether the file remembers a refused PIN, and whether it is this one. A
 * file that cannot be read remembers every one. */
static enum token_try
remembered(const struct worker *w, const struct secret *pin,
    bool *ret_this)
{
	AUTO_BUF struct buf have = BUF_INIT(FILE_LEN + 1);
	uint8_t mark[PIN_MARK];
	enum q_err r = file_read(w->conf.refused, &have);

	*ret_this = false;
	if (r == Q_NOTFOUND)
		return TOKEN_TRY_CAREFUL;
	*ret_this = r != Q_OK || have.len != FILE_LEN ||
	    !mark_make(w, pin, have.p, ROUNDS, mark) ||
	    CRYPTO_memcmp(mark, have.p + PIN_MARK, PIN_MARK) == 0;
	return TOKEN_TRY_OTHER;
}

enum q_err
worker_pin_load(struct worker *w, bool decided, struct secret *ret_pin,
    enum token_try *ret_try, struct fault *f)
{
	bool this;
	enum q_err r = file_load(w, ret_pin, f);

	if (r != Q_OK)
		return r;
	*ret_try = decided ? TOKEN_TRY_DECIDED : remembered(w, ret_pin, &this);
	if (!decided && this)
		return fault_set(f, Q_UNAUTH, "the token has refused this "
		    "PIN, which is not tried again: put the right one into "
		    "its file and send SIGHUP");
	if (RAND_bytes(w->salt, sizeof(w->salt)) != 1 ||
	    !mark_make(w, ret_pin, w->salt, QUICK_ROUNDS, w->sent))
		return fault_set(f, Q_INTERNAL, "no random bytes");
	return Q_OK;
}

/* Only of the PIN that was sent: the file may have another one by now, which
 * deserves its try. */
void
worker_pin_refused(struct worker *w)
{
	AUTO_SECRET struct secret pin = { 0 };
	uint8_t out[FILE_LEN], mark[PIN_MARK];

	if (file_load(w, &pin, NULL) != Q_OK ||
	    !mark_make(w, &pin, w->salt, QUICK_ROUNDS, mark) ||
	    CRYPTO_memcmp(mark, w->sent, PIN_MARK) != 0)
		return;
	if (RAND_bytes(out, PIN_MARK) != 1 ||
	    !mark_make(w, &pin, out, ROUNDS, out + PIN_MARK) ||
	    file_replace(w->conf.refused, out, sizeof(out), 0600) != Q_OK)
		log_error("%s: the refused PIN cannot be remembered",
		    w->token.name);
}

void
worker_pin_taken(struct worker *w)
{
	if (unlink(w->conf.refused) == 0)
		log_note("%s: the PIN is right again", w->token.name);
}
