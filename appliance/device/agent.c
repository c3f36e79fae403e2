// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/agent.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/own.h"
#include "device/agent_grant.h"

#define FILE_MAX 65536

static enum q_err
seam_connect(void *ctx, enum qdev_face face)
{
	struct agent *a = ctx;
	bool own = face == QDEV_BY_CERTIFICATE && a->cert != NULL;

	a->why.msg[0] = '\0';
	return agent_conn_open(&a->conn, a->tls, own ? a->cert : a->face,
	    own ? a->key : a->identity, NULL, &a->why);
}

static enum q_err
seam_send(void *ctx, const void *p, size_t len)
{
	struct agent *a = ctx;

	return agent_conn_send(&a->conn, p, len, &a->why);
}

static enum q_err
seam_recv(void *ctx, void *p, size_t cap, size_t *ret_len)
{
	struct agent *a = ctx;

	return agent_conn_recv(&a->conn, p, cap, ret_len, &a->why);
}

static void
seam_close(void *ctx)
{
	struct agent *a = ctx;

	agent_conn_close(&a->conn);
}

/* A whole file into a buffer of the caller's. */
static enum q_err
load_file(const char *path, void *p, size_t cap, size_t *ret_len)
{
	AUTO_BUF struct buf text = BUF_INIT(cap);
	enum q_err e = file_read(path, &text);

	if (e != Q_OK)
		return e;
	memcpy(p, text.p, text.len);
	*ret_len = text.len;
	return Q_OK;
}

static enum q_err
seam_load(void *ctx, enum qdev_slot slot, void *p, size_t cap,
    size_t *ret_len)
{
	struct agent *a = ctx;
	char path[PATH_MAX];

	if (slot == QDEV_REQUEST)
		agent_store_request(&a->store, path);
	else
		agent_store_current(&a->store, AGENT_GRANT_FILE, path);
	return load_file(path, p, cap, ret_len);
}

/* The certificate and key of the current generation, and its hub. */
static enum q_err
load_current(struct agent *a)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_MAX);
	char path[PATH_MAX];
	struct qdev_json hub;
	FILE *file;
	enum q_err e;

	X509_free(a->cert);
	EVP_PKEY_free(a->key);
	a->cert = NULL;
	a->key = NULL;
	a->hub.port = 0;
	if (a->store.generation == 0)
		return Q_OK;
	agent_store_current(&a->store, "key.pem", path);
	e = agent_key_read(path, &a->key);
	if (e != Q_OK)
		return e;
	agent_store_current(&a->store, "certificate.pem", path);
	file = fopen(path, "re");
	if (file == NULL)
		return Q_IO;
	a->cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (a->cert == NULL)
		return Q_PROTO;
	agent_store_current(&a->store, "hub.json", path);
	if (file_read(path, &text) == Q_OK &&
	    qdev_json_check((char *)text.p, text.len, &hub) == Q_OK &&
	    qdev_hub_parse(hub, &a->hub) != Q_OK)
		a->hub.port = 0;
	return Q_OK;
}

static enum q_err
seam_save(void *ctx, enum qdev_slot slot, const void *p, size_t len)
{
	struct agent *a = ctx;
	char path[PATH_MAX];
	enum q_err e;

	if (slot == QDEV_REQUEST && len == 0)
		return agent_store_forget(&a->store);
	if (slot == QDEV_REQUEST) {
		agent_store_request(&a->store, path);
		e = file_replace(path, p, len, 0600);
	} else {
		e = agent_grant_commit(a, p, len);
		if (e == Q_OK)
			e = load_current(a);
	if (e == Q_OK && a->tls != NULL)
		e = agent_roots_load(a);
	}
	if (e == Q_IO)
		(void)fault_set(&a->why, e, "%s: cannot write", a->store.dir);
	return e;
}

static enum q_err
seam_hub(void *ctx, struct qdev_json hub)
{
	struct agent *a = ctx;
	enum q_err e = agent_hub_commit(a, hub);

	return e == Q_OK ? load_current(a) : e;
}

static enum q_err
seam_id(void *ctx, char out[QDEV_ID_LEN + 1])
{
	struct agent *a = ctx;

	memcpy(out, a->id, sizeof(a->id));
	return Q_OK;
}

/* The key for a request: the one in use, or a new one of the same kind that
 * waits beside the request. */
static enum q_err
seam_csr(void *ctx, bool new_key, uint8_t *out, size_t cap, size_t *ret_len)
{
	struct agent *a = ctx;
	EVP_PKEY *key = NULL;
	char path[PATH_MAX];
	enum q_err e;

	if (!new_key)
		return agent_key_csr(a->key != NULL ? a->key : a->identity,
		    a->id, out, cap, ret_len);
	agent_store_next_key(&a->store, path);
	e = agent_key_make(EVP_PKEY_is_a(a->identity, "EC") ?
	    AGENT_KEY_P256 : AGENT_KEY_RSA3072, &key);
	if (e == Q_OK)
		e = agent_key_write(path, key);
	if (e == Q_OK)
		e = agent_key_csr(key, a->id, out, cap, ret_len);
	EVP_PKEY_free(key);
	return e;
}

static enum q_err
seam_prove(void *ctx, const uint8_t *csr, size_t len, uint8_t *out,
    size_t cap, size_t ret_len[2])
{
	struct agent *a = ctx;

	return agent_key_prove(a->identity, csr, len, out, cap, ret_len);
}

static int64_t
seam_now(void *ctx)
{
	(void)ctx;
	return clock_wall();
}

static uint32_t
seam_random(void *ctx)
{
	uint32_t r = 0;

	(void)ctx;
	(void)!RAND_bytes((unsigned char *)&r, sizeof(r));
	return r;
}

static const struct qdev_seam agent_seam = {
	.connect = seam_connect,
	.send = seam_send,
	.recv = seam_recv,
	.close = seam_close,
	.load = seam_load,
	.save = seam_save,
	.hub = seam_hub,
	.id = seam_id,
	.csr = seam_csr,
	.prove = seam_prove,
	.now = seam_now,
	.random = seam_random,
};

static enum q_err
open_identity(struct agent *a, const struct agent_options *o)
{
	char path[PATH_MAX];
	enum q_err e;

	agent_store_path(&a->store, "identity.pem", path);
	e = agent_key_read(path, &a->identity);
	if (e == Q_NOTFOUND && !o->must_exist) {
		e = agent_key_make(o->key_type, &a->identity);
		if (e == Q_OK)
			e = agent_key_write(path, a->identity);
	}
	if (e == Q_OK)
		e = agent_key_id(a->identity, a->id);
	if (e == Q_OK && o->tls != NULL)
		e = agent_key_face(a->identity, a->id, &a->face);
	return e;
}

enum q_err
agent_open(struct agent *a, const struct agent_options *o, struct fault *f)
{
	enum q_err e = agent_store_open(&a->store, o->dir, f);

	if (e != Q_OK)
		return e;
	a->tls = o->tls;
	a->token = o->token;
	e = open_identity(a, o);
	if (e != Q_OK)
		return fault_set(f, e, "%s/identity.pem: %s", o->dir,
		    q_err_text(e));
	e = load_current(a);
	if (e == Q_OK && a->tls != NULL)
		e = agent_roots_load(a);
	if (e != Q_OK)
		return fault_set(f, e, "%s/current: %s", o->dir,
		    q_err_text(e));
	return Q_OK;
}

void
agent_close(struct agent *a)
{
	agent_conn_close(&a->conn);
	X509_free(a->cert);
	X509_free(a->face);
	EVP_PKEY_free(a->key);
	EVP_PKEY_free(a->identity);
	agent_store_close(&a->store);
}

enum q_err
agent_start(struct agent *a, char *work, bool hurry, struct qdev *ret_device)
{
	struct qdev_config config = {
		.seam = &agent_seam,
		.ctx = a,
		.host = a->tls->host_field,
		.agent = "quoin-agent/" PACKAGE_VERSION,
		.token = a->token,
		.work = work,
		.work_len = AGENT_WORK,
		.back_off_max = hurry ? 8 : 0,
	};

	return qdev_init(ret_device, &config);
}

enum q_err
agent_rekey(struct agent *a, struct qdev *d)
{
	char path[PATH_MAX];
	enum q_err e = Q_OK;

	agent_store_next_key(&a->store, path);
	if (access(path, F_OK) != 0)
		e = agent_store_forget(&a->store);
	qdev_rekey(d);
	return e;
}

enum q_err
agent_settle(struct qdev *d, uint32_t *ret_wait)
{
	enum q_err e;

	do {
		e = qdev_step(d, ret_wait);
	} while (e == Q_OK && *ret_wait == 0);
	if (e == Q_OK && d->state != QDEV_ENROLLED)
		e = Q_DENIED;
	return e;
}

void
agent_describe(const struct agent *a, const struct qdev *d, enum q_err e,
    char *out, size_t cap)
{
	char until[32] = "";
	struct buf line = BUF_INIT(1024);

	if (d->not_after != 0)
		time_format(d->not_after, until);
	buf_puts(&line, qdev_state_text(d->state));
	if (d->state == QDEV_ENROLLED)
		buf_printf(&line, " until %s", until);
	if (d->state == QDEV_EXPIRED)
		buf_printf(&line, " since %s", until);
	if (d->state == QDEV_ENROLLED && a->hub.port != 0)
		buf_printf(&line, ", hub %s:%u", a->hub.host, a->hub.port);
	if (d->detail[0] != '\0')
		buf_printf(&line, "; server says: %s", d->detail);
	else if (a->why.msg[0] != '\0')
		buf_printf(&line, "; %s", a->why.msg);
	else if (e != Q_OK && !(e == Q_DENIED && d->http_status == 200))
		buf_printf(&line, "; %s", q_err_text(e));
	snprintf(out, cap, "%s", line.p == NULL ? "" : (char *)line.p);
	buf_free(&line);
}
