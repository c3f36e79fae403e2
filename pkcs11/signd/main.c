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

#include "base/clock.h"
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

/* A key whose uses people agree to, or count, makes no signatures of ours. */
static bool
is_for_test(const struct key *k)
{
	return k->kind == TOKEN_P256 && k->pkey != NULL &&
	    purpose_row(k->purpose)->label != NULL &&
	    k->rules.approvals == 0 && k->rules.uses == 0;
}

/* A signature of random bytes that nobody else sees, verified in software:
 * the token, the handles and the keyring belong together. Without a key for
 * it in the token, by one that is thrown away. */
static enum q_err
self_test(struct signd *s, struct worker *w, const struct keyring *ring,
    struct fault *f)
{
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	const struct key *key = NULL;
	uint8_t data[32];
	enum q_err r;

	for (size_t i = 0; ring != NULL && i < ring->n; i++)
		if (signd_worker(s, ring->keys[i]) == w &&
		    is_for_test(ring->keys[i]) &&
		    (key == NULL || ring->keys[i]->purpose == PURPOSE_ROOT))
			key = ring->keys[i];
	if (key != NULL && RAND_bytes(data, sizeof(data)) == 1)
		return pki_sign(s, key, (struct bytes){ data, sizeof(data) },
		    &raw, f);
	r = worker_trial(w, f);
	/* A token may be for key pairs that stay, alone; each of them is
	 * tried when it is made. */
	return r == Q_CONFIG || r == Q_INVALID || r == Q_DENIED ? Q_OK : r;
}

/* A worker has logged in. The first token's opens the keyring; the second
 * one's does not wait for it. */
static enum q_err
worker_is_up(void *ctx, struct worker *w, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	bool first = w == s->workers[0];
	enum q_err r = Q_OK;

	if (signd_ring(s, false, &ring, NULL) != Q_OK && first) {
		r = signd_load(s, f);
		if (r == Q_OK)
			r = signd_ring(s, false, &ring, f);
	}
	return r == Q_OK ? self_test(s, w, ring, f) : r;
}

/* One for each token that is configured. */
static enum q_err
workers_start(struct signd *s, int launcher, struct fault *f)
{
	static char refused[SIGND_TOKENS][600];
	enum q_err r = Q_OK;

	for (unsigned i = 0; r == Q_OK && i < SIGND_TOKENS; i++) {
		struct worker_conf wc = { .conf = s->conf, .token = i,
			.refused = refused[i], .launcher = launcher,
			.up = worker_is_up, .ctx = s };

		if (i != 0 && s->conf->token2_module[0] == '\0')
			break;
		snprintf(refused[i], sizeof(refused[i]),
		    "%s/signd/pin%s-refused", s->conf->state,
		    i == 0 ? "" : "2");
		r = worker_start(&wc, &s->workers[i], f);
	}
	return r;
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
	pthread_mutex_init(&s->heads.lock, NULL);
	if (r == Q_OK)
		r = approvals_new(clock_wall, &s->approvals);
	if (r == Q_OK)
		r = journal_open(&jc, &s->journal, f);
	if (r == Q_OK)
		r = journal_put(s->journal, &(struct journal_entry){
			JOURNAL_start, getuid(), "", &rec }, f);
	if (r == Q_OK)
		r = workers_start(s, launcher, f);
	return r;
}

/* Its own folders and nothing else of the machine. */
static enum q_err
fence(const struct conf *c, struct fault *f)
{
	char dirs[3][600];
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *read[] = { "/dev/urandom", "/etc/ssl", "/etc/localtime",
		credentials, NULL };
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

/* What runs beside the requests. */
static void *(*const threads[])(void *) = {
	signd_maintain, signd_count_keep, head_keep
};

static enum q_err
serve(struct signd *s, const struct role_map *roles,
    struct wire_server **ret_server, pthread_t *ret_threads,
    struct fault *f)
{
	struct wire_server_conf wc = { .ops = ops, .n_ops = ARRAY_LEN(ops),
		.roles = roles, .default_role = ROLE_TOOL,
		.threads = (unsigned)s->conf->signd_threads,
		.ctx = s };
	char path[CONF_SOCKET_MAX];
	enum q_err r = conf_socket(s->conf, "signd", path);

	if (r == Q_OK)
		r = wire_server_start(&wc, path, ret_server, f);
	for (size_t i = 0; r == Q_OK && i < ARRAY_LEN(threads); i++)
		if (pthread_create(&ret_threads[i], NULL, threads[i], s) != 0)
			r = fault_set(f, Q_NOMEM, "no thread");
	return r;
}

static void
end(struct signd *s, struct wire_server *server, const pthread_t *running)
{
	atomic_store(&s->stopping, true);
	wire_server_stop(server);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(running[i], NULL);
	signd_count(s);
	for (size_t i = 0; i < SIGND_TOKENS; i++)
		worker_stop(s->workers[i]);
	journal_close(s->journal);
	issued_free(s->issued);
	approvals_free(s->approvals);
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
	pthread_t running[ARRAY_LEN(threads)];
	sigset_t wait;
	int sig = 0, launcher = -1;
	enum q_err r;

	conf_main(argc, argv, "quoin-signd", &conf);
	secret_process_harden();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write fails instead */
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
		r = serve(&s, &roles, &server, running, &f);
	if (r != Q_OK) {
		log_error("%s", fault_text(&f, r));
		return q_err_exit(r);
	}
	log_note("serving in %s", conf.run);
	while (sigwait(&wait, &sig) == 0 && sig == SIGHUP)
		for (size_t i = 0; i < SIGND_TOKENS; i++)
			worker_pin_again(s.workers[i]);
	end(&s, server, running);
	return 0;
}
