// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-signd: decides who may use which key of the token for what, and
 * writes down what was done. Holds no key and no PIN (its worker does), and
 * must never sign what it has not understood.
 */
#include "config.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/own.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "signd/launcher.h"
#include "signd/signd.h"
#include "signer/signer.h"

#define REPLAY_SEGMENTS 5 /* ISSUED_MAX requests fit */

static const struct wire_op ops[] = {
#define X(name, num, roles, cap, text) { num, #name, roles, cap, \
	&signd_##name##_req_type, &signd_##name##_rsp_type, \
	signd_do_##name, text },
	SIGND_OPS(X)
#undef X
};

/* A signature of random bytes that nobody else sees, verified in software:
 * the token, the handles and the keyring belong together. */
static enum q_err
self_test(struct signd *s, const struct keyring *ring, struct fault *f)
{
	const struct key *root = keyring_active(ring, PURPOSE_ROOT, "");
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	uint8_t data[32];

	if (root == NULL)
		return worker_status(s->workers[0], f);
	if (RAND_bytes(data, sizeof(data)) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	return pki_sign(s, root, (struct bytes){ data, sizeof(data) }, &raw,
	    f);
}

/* A worker has logged in. */
static enum q_err
worker_is_up(void *ctx, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	enum q_err r;

	if (signd_ring(s, false, &ring, NULL) != Q_OK) {
		r = signd_load(s, f);
		if (r == Q_OK)
			r = signd_ring(s, false, &ring, f);
		if (r != Q_OK)
			return r;
	}
	return self_test(s, ring, f);
}

static enum q_err
begin(struct signd *s, int launcher, struct fault *f)
{
	char dir[600];
	struct journal_start rec = { .version = PACKAGE_VERSION,
		.pid = (uint32_t)getpid() };
	struct journal_conf jc = { .dir = dir, .replay = REPLAY_SEGMENTS,
		.segment_bytes = JOURNAL_SEGMENT_BYTES,
		.each = signd_replay, .head = signd_segment_head, .ctx = s };
	enum q_err r = issued_new(ISSUED_MAX, &s->issued);

	snprintf(dir, sizeof(dir), "%s/journal", s->conf->state);
	snprintf(s->keyring_path, sizeof(s->keyring_path),
	    "%s/signd/keyring", s->conf->state);
	pthread_mutex_init(&s->change, NULL);
	pthread_mutex_init(&s->crl, NULL);
	pthread_mutex_init(&s->lock, NULL);
	if (r == Q_OK)
		r = journal_open(&jc, &s->journal, f);
	if (r == Q_OK)
		r = journal_put(s->journal, &(struct journal_entry){
			JOURNAL_start, getuid(), "", &rec }, f);
	if (r == Q_OK)
		r = worker_start(s->conf, launcher, worker_is_up, s,
		    &s->workers[0], f);
	return r;
}

/* Its own folders, the PIN, and nothing else of the machine. */
static enum q_err
fence(const struct conf *c, struct fault *f)
{
	char dirs[3][600];
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *read[] = { "/dev/urandom", "/etc/ssl", "/etc/localtime",
		c->token_pin, credentials, NULL };
	const char *write[] = { dirs[0], dirs[1], dirs[2], NULL };
	struct sandbox box = { .read = read, .write = write };

	snprintf(dirs[0], sizeof(dirs[0]), "%s/signd", c->state);
	snprintf(dirs[1], sizeof(dirs[1]), "%s/journal", c->state);
	snprintf(dirs[2], sizeof(dirs[2]), "%s/signd", c->run);
	for (size_t i = 0; i < ARRAY_LEN(dirs) - 1; i++)
		if (mkdir(dirs[i], 0700) != 0 &&
		    access(dirs[i], W_OK | X_OK) != 0)
			return fault_set(f, Q_IO, "%.150s: cannot be written",
			    dirs[i]);
	return sandbox_enter(&box, f);
}

static enum q_err
serve(struct signd *s, const struct role_map *roles,
    struct wire_server **ret_server, pthread_t *ret_maint, struct fault *f)
{
	struct wire_server_conf wc = { .ops = ops, .n_ops = ARRAY_LEN(ops),
		.roles = roles, .default_role = ROLE_TOOL,
		.threads = (unsigned)s->conf->signd_threads,
		.ctx = s };
	char path[CONF_SOCKET_MAX];
	enum q_err r = conf_socket(s->conf, "signd", path);

	if (r == Q_OK)
		r = wire_server_start(&wc, path, ret_server, f);
	if (r == Q_OK && pthread_create(ret_maint, NULL, signd_maintain, s) !=
	    0)
		r = fault_set(f, Q_NOMEM, "no thread");
	return r;
}

static void
end(struct signd *s, struct wire_server *server, pthread_t maint)
{
	atomic_store(&s->stopping, true);
	wire_server_stop(server);
	pthread_join(maint, NULL);
	worker_stop(s->workers[0]);
	journal_close(s->journal);
	issued_free(s->issued);
	keyring_unref(s->ring);
	free(s->totals.row);
	free(s->crls);
	free(s->announced_keys);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct signd s = { .conf = &conf };
	struct role_map roles;
	struct wire_server *server;
	struct fault f = { 0 };
	pthread_t maint;
	sigset_t wait;
	int sig = 0, launcher = -1;
	enum q_err r;

	conf_main(argc, argv, "quoin-signd", &conf);
	secret_process_harden();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&wait);
	sigaddset(&wait, SIGTERM);
	sigaddset(&wait, SIGINT);
	sigaddset(&wait, SIGHUP);
	/* Users have names outside the sandbox only. */
	r = role_map_parse(conf.roles, &roles, &f);
	if (r == Q_OK)
		r = launcher_start(&conf, &launcher, &f);
	pthread_sigmask(SIG_BLOCK, &wait, NULL);
	if (r == Q_OK)
		r = fence(&conf, &f);
	if (r == Q_OK)
		r = begin(&s, launcher, &f);
	if (r == Q_OK)
		r = serve(&s, &roles, &server, &maint, &f);
	if (r != Q_OK) {
		log_error("%s", fault_text(&f, r));
		return q_err_exit(r);
	}
	log_note("serving in %s", conf.run);
	while (sigwait(&wait, &sig) == 0 && sig == SIGHUP)
		worker_pin_again(s.workers[0]);
	end(&s, server, maint);
	return 0;
}
