// SPDX-License-Identifier: Apache-2.0
/* Calls quoin-signd from shell scripts, one op a command, as any user:
 *	signd-client -c CONF [-u UID] COMMAND [ARGUMENT...]
 * Ends with the error's exit code and its name and text on standard error. */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"
#include "signer/journal_check.h"
#include "signer/signer.h"
#include "x509/cert_parse.h"
#include "x509/crl.h"
#include "x509/ocsp.h"

#define DEADLINE_MS 60000
#define ARGS_MAX 10

static struct wire_client *client;
static struct wire_reply hold;
static struct fault fault;
static struct conf conf;

static void
hex_print(const char *name, struct bytes b)
{
	printf("%s=", name);
	for (size_t i = 0; i < b.len; i++)
		printf("%02x", b.p[i]);
	printf("\n");
}

static enum q_err
file_write(const char *path, struct bytes b)
{
	return file_replace(path, b.p, b.len, 0644);
}

static enum q_err
load(const char *path, struct buf *b)
{
	return path[0] == '\0' ? Q_OK : file_read(path, b);
}

static enum q_err
do_status(char **a)
{
	struct signd_status_req req = { 0 };
	struct signd_status_rsp r;
	enum q_err e = signd_status(client, &req, &r, &hold, &fault);

	(void)a;
	if (e != Q_OK)
		return e;
	printf("ready=%d\nreason=%s\ntoken=%d\npki=%d\nrestarts=%u\n"
	    "generation=%" PRIu64 "\nhost=%s\nips=%s\nissuing=%u\n"
	    "orphans=%u\nissued=%" PRIu64 "\n", r.ready, r.reason, r.token,
	    r.pki, r.restarts, r.generation, r.host, r.ips, r.issuing,
	    r.orphans, r.issued);
	printf("head=%" PRIu64 " ", r.journal_seq);
	for (size_t i = 0; i < r.journal_head.len; i++)
		printf("%02x", r.journal_head.p[i]);
	printf("\n");
	return Q_OK;
}

/* HOST IPS [rsa] */
static enum q_err
do_pki(char **a)
{
	struct signd_pki_make_req req = { a[0], a[1],
		strcmp(a[2], "rsa") == 0, 0 };
	struct signd_pki_make_rsp r;
	enum q_err e = signd_pki_make(client, &req, &r, &hold, &fault);

	if (e == Q_OK)
		printf("%s\n", r.root_id);
	return e;
}

/* ROOT_ID */
static enum q_err
do_root_renew(char **a)
{
	struct signd_root_renew_req req = { .root_id = a[0] };
	struct signd_root_renew_rsp r;
	enum q_err e = signd_root_renew(client, &req, &r, &hold, &fault);

	if (e == Q_OK)
		printf("%s\n", r.root_id);
	return e;
}

/* HOST IPS */
static enum q_err
do_name(char **a)
{
	struct signd_name_set_req req = { a[0], a[1], 0 };
	struct signd_name_set_rsp r;
	enum q_err e = signd_name_set(client, &req, &r, &hold, &fault);

	if (e == Q_OK)
		printf("%" PRIu64 "\n", r.generation);
	return e;
}

/* POLICY ISSUING_LIFETIME DEVICE_LIFETIME FLAGS: a(utorenew) k(rekey)
 * r(sa2048) s(erverkey) */
static enum q_err
do_issuing(char **a)
{
	struct signd_issuing_make_req req = { a[0],
		strtoull(a[1], NULL, 10), strtoull(a[2], NULL, 10),
		strchr(a[3], 'a') != NULL, strchr(a[3], 'k') != NULL,
		strchr(a[3], 'r') != NULL, strchr(a[3], 's') != NULL, 0 };
	struct signd_issuing_make_rsp r;
	enum q_err e = signd_issuing_make(client, &req, &r, &hold, &fault);

	if (e == Q_OK)
		printf("%s\n", r.issuing_id);
	return e;
}

static enum q_err
do_issuing_set(char **a)
{
	struct signd_issuing_set_req req = { a[0],
		strtoull(a[1], NULL, 10), strtoull(a[2], NULL, 10),
		strchr(a[3], 'a') != NULL, strchr(a[3], 'k') != NULL,
		strchr(a[3], 'r') != NULL, strchr(a[3], 's') != NULL, 0 };
	struct signd_issuing_set_rsp r;
	enum q_err e = signd_issuing_set(client, &req, &r, &hold, &fault);

	if (e == Q_OK)
		printf("%s\n", r.issuing_id);
	return e;
}

static enum q_err
cert_each(void *arg, const struct signd_cert *c)
{
	char *const *a = arg;
	char path[512];

	printf("%s %s %s %s %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n",
	    c->id, c->purpose, c->policy[0] != '\0' ? c->policy : "-",
	    c->state, c->generation, c->not_before, c->not_after,
	    c->crl_number, c->issuer[0] != '\0' ? c->issuer : "-");
	if (a[0][0] == '\0')
		return Q_OK;
	snprintf(path, sizeof(path), "%s/%s.der", a[0], c->id);
	return file_write(path, c->cert);
}

/* [FOLDER for ID.der] */
static enum q_err
do_certs(char **a)
{
	return signer_certs(client, cert_each, a, &fault);
}

static enum q_err
key_each(void *arg, const struct signd_key *k)
{
	(void)arg;
	printf("%s %s %s %s %s %" PRIu64 "\n", k->id, k->purpose,
	    k->policy[0] != '\0' ? k->policy : "-", k->state, k->kind,
	    k->used);
	return Q_OK;
}

static enum q_err
do_keys(char **a)
{
	return signer_keys(client, key_each, a, &fault);
}

/* POLICY CSR.der OUT.der [DEVICE_ID [SEQ [LIFETIME [word | server-key | crmf
 * [IDENTITY.spki [PROOF]]]]]] */
static enum q_err
do_issue(char **a)
{
	AUTO_BUF struct buf csr = BUF_INIT(8192);
	AUTO_BUF struct buf identity = BUF_INIT(1024);
	AUTO_BUF struct buf proof = BUF_INIT(1024);
	struct signd_issue_req req = { .policy = a[0], .device_id = a[3],
		.seq = strtoull(a[4], NULL, 10),
		.lifetime = strtoull(a[5], NULL, 10),
		.word = strcmp(a[6], "word") == 0,
		.server_key = strcmp(a[6], "server-key") == 0,
		.form = strcmp(a[6], "crmf") == 0 };
	struct signd_issue_rsp r;
	enum q_err e = load(a[1], &csr);

	if (e == Q_OK)
		e = load(a[7], &identity);
	if (e == Q_OK)
		e = load(a[8], &proof);
	req.csr = buf_bytes(&csr);
	req.identity = buf_bytes(&identity);
	req.proof = buf_bytes(&proof);
	if (e == Q_OK)
		e = signd_issue(client, &req, &r, &hold, &fault);
	if (e != Q_OK)
		return e;
	printf("%s %s %s %" PRIu64 " %" PRIu64 " %s\n", r.serial,
	    r.issuing_id, r.device_id, r.not_before, r.not_after,
	    r.again ? "again" : "new");
	return file_write(a[2], r.cert);
}

/* KEY SCHEME MESSAGE OUT */
static enum q_err
do_tls(char **a)
{
	AUTO_BUF struct buf m = BUF_INIT(4096);
	struct signd_sign_tls_req req = { .key = a[0],
		.scheme = (uint32_t)strtoul(a[1], NULL, 0) };
	struct signd_sign_tls_rsp r;
	enum q_err e = load(a[2], &m);

	req.message = buf_bytes(&m);
	if (e == Q_OK)
		e = signd_sign_tls(client, &req, &r, &hold, &fault);
	return e == Q_OK ? file_write(a[3], r.signature) : e;
}

/* TEXT */
static enum q_err
do_pepper(char **a)
{
	struct signd_pepper_req req = { { (const uint8_t *)a[0],
		strlen(a[0]) } };
	struct signd_pepper_rsp r;
	enum q_err e = signd_pepper(client, &req, &r, &hold, &fault);

	if (e == Q_OK)
		hex_print("mac", r.mac);
	return e;
}

/* HOST IPS OUT */
static enum q_err
do_tls_csr(char **a)
{
	struct signd_tls_csr_req req = { a[0], a[1] };
	struct signd_tls_csr_rsp r;
	enum q_err e = signd_tls_csr(client, &req, &r, &hold, &fault);

	if (e != Q_OK)
		return e;
	printf("%s\n", r.key);
	return file_write(a[2], r.csr);
}

/* ISSUING_ID LIST.tbs OUT.sig [noseal] */
static enum q_err
do_crl(char **a)
{
	AUTO_BUF struct buf list = BUF_INIT((size_t)64 << 20);
	AUTO_FD int fd = memfd_create("crl", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct signd_sign_crl_req req = { .issuing_id = a[0], .list = fd };
	struct signd_sign_crl_rsp r;
	enum q_err e = load(a[1], &list);

	if (e != Q_OK || fd < 0 ||
	    fd_write_all(fd, list.p, list.len) != Q_OK)
		return Q_IO;
	if (strcmp(a[3], "noseal") != 0 && fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		return Q_IO;
	e = signd_sign_crl(client, &req, &r, &hold, &fault);
	if (e != Q_OK)
		return e;
	printf("%" PRIu64 "\n", r.number);
	return file_write(a[2], r.signature);
}

static enum q_err
no_entry(void *arg, struct crl_entry *ret_entry)
{
	(void)arg;
	(void)ret_entry;
	return Q_NOTFOUND;
}

/* CA.der NUMBER OUT.tbs [DAYS [url]]: an empty list; no op */
static enum q_err
do_crl_build(char **a)
{
	AUTO_BUF struct buf der = BUF_INIT(16384);
	AUTO_BUF struct buf out = BUF_INIT(16384);
	int64_t days = a[3][0] != '\0' ? (int64_t)strtoll(a[3], NULL, 10) : 1;
	struct crl_spec spec = { .alg = SIG_ECDSA_SHA256, .only_users = true,
		.number = strtoull(a[1], NULL, 10),
		.this_update = (int64_t)time(NULL),
		.idp_url = a[4][0] != '\0' ? a[4] : NULL };
	struct cert ca;
	enum q_err e = load(a[0], &der);

	if (e == Q_OK)
		e = cert_parse(buf_bytes(&der), &ca, &fault);
	if (e != Q_OK)
		return e;
	spec.next_update = spec.this_update + days * 86400;
	spec.issuer = ca.subject;
	spec.issuer_ski = ca.ski;
	e = crl_build(&spec, no_entry, NULL, &out, &fault);
	return e == Q_OK ? file_write(a[2], buf_bytes(&out)) : e;
}

/* CA.der RESPONDER.der OUT.tbs [AGE [SPAN [NONCE-BYTES]]]: says good of one
 * certificate; no op */
static enum q_err
do_ocsp_build(char **a)
{
	AUTO_BUF struct buf ca = BUF_INIT(16384), own = BUF_INIT(16384);
	AUTO_BUF struct buf out = BUF_INIT(OCSP_TBS_MAX);
	struct buf *const der[] = { &ca, &own };
	static const uint8_t serial[] = { 1, 2, 3 }, nonce[OCSP_NONCE_MAX];
	struct ocsp_single single = { .serial = { serial, sizeof(serial) } };
	struct ocsp_issuer id[2];
	struct ocsp_spec spec = { .issuer = &id[0], .responder = id[1].key[0],
		.this_update = (int64_t)time(NULL) - strtoll(a[3], NULL, 10),
		.nonce = { nonce, strtoul(a[5], NULL, 10) },
		.singles = &single, .n = 1 };
	enum q_err e = Q_OK;

	for (int i = 0; i < 2 && e == Q_OK; i++) {
		struct pubkey key;
		struct cert c;

		e = load(a[i], der[i]);
		if (e == Q_OK)
			e = cert_parse(buf_bytes(der[i]), &c, &fault);
		if (e == Q_OK)
			e = pubkey_parse(c.spki, &key, &fault);
		if (e == Q_OK)
			ocsp_issuer_of(c.subject, &key, &id[i]);
	}
	spec.next_update = spec.this_update +
	    (a[4][0] != '\0' ? strtoll(a[4], NULL, 10) : 3600);
	if (e == Q_OK)
		e = ocsp_build(&spec, &out, &fault);
	return e == Q_OK ? file_write(a[2], buf_bytes(&out)) : e;
}

/* ISSUING_ID OUT.sig N TBS...: the first N times, and others once; the last
 * signature */
static enum q_err
do_ocsp(char **a)
{
	AUTO_BUF struct buf items = BUF_INIT(65536);
	struct signd_sign_ocsp_req req = { .issuing_id = a[0] };
	struct signd_sign_ocsp_rsp r;
	struct signd_ocsp_sig sig = { 0 };
	unsigned long n = strtoul(a[2], NULL, 10), got = 0;
	enum q_err e = Q_OK;

	for (char **path = a + 3; (*path)[0] != '\0' && e == Q_OK; path++) {
		AUTO_BUF struct buf tbs = BUF_INIT(8192);
		struct signd_ocsp_tbs item;

		e = load(*path, &tbs);
		item.tbs = buf_bytes(&tbs);
		for (unsigned long i = path == a + 3 ? n : 1; i-- > 0;)
			wire_list_put(&items, &signd_ocsp_tbs_type, &item);
	}
	req.items = buf_bytes(&items);
	if (e == Q_OK)
		e = signd_sign_ocsp(client, &req, &r, &hold, &fault);
	while (e == Q_OK && wire_list_next(&r.signatures,
	    &signd_ocsp_sig_type, &sig) == Q_OK)
		got++;
	if (e != Q_OK)
		return e;
	printf("%lu\n", got);
	return file_write(a[1], sig.sig);
}

/* KEY MESSAGE OUT */
static enum q_err
do_cmp(char **a)
{
	AUTO_BUF struct buf m = BUF_INIT(32768);
	struct signd_sign_cmp_req req = { .key = a[0] };
	struct signd_sign_cmp_rsp r;
	enum q_err e = load(a[1], &m);

	req.message = buf_bytes(&m);
	if (e == Q_OK)
		e = signd_sign_cmp(client, &req, &r, &hold, &fault);
	return e == Q_OK ? file_write(a[2], r.signature) : e;
}

/* PURPOSE CONTEXT IN OUT */
static enum q_err
do_seal(char **a)
{
	AUTO_BUF struct buf in = BUF_INIT(65536);
	struct signd_seal_req req = { .purpose = a[0], .context = a[1] };
	struct signd_seal_rsp r;
	enum q_err e = load(a[2], &in);

	req.secret = buf_bytes(&in);
	if (e == Q_OK)
		e = signd_seal(client, &req, &r, &hold, &fault);
	return e == Q_OK ? file_write(a[3], r.sealed) : e;
}

static enum q_err
do_unseal(char **a)
{
	AUTO_BUF struct buf in = BUF_INIT(66560);
	struct signd_unseal_req req = { .purpose = a[0], .context = a[1] };
	struct signd_unseal_rsp r;
	enum q_err e = load(a[2], &in);

	req.sealed = buf_bytes(&in);
	if (e == Q_OK)
		e = signd_unseal(client, &req, &r, &hold, &fault);
	return e == Q_OK ? file_write(a[3], r.secret) : e;
}

/* One line for each op: its name, and whether the role alone refuses it. The
 * bodies are empty structs, so no op does anything. */
static enum q_err
do_matrix(char **a)
{
	(void)a;
#define X(name, num, roles, cap, text) {                                     \
		struct signd_##name##_req req = { 0 };                       \
		struct signd_##name##_rsp rsp;                               \
		struct fault f = { 0 };                                      \
		enum q_err e;                                                \
		int *fd = wire_fd_of(&signd_##name##_req_type, &req);        \
		if (fd != NULL)                                              \
			*fd = -1;                                            \
		e = signd_##name(client, &req, &rsp, &hold, &f);             \
		printf("%s %s\n", #name, e == Q_DENIED &&                    \
		    strstr(f.msg, "is not for role") != NULL ?               \
		    "denied" : "allowed");                                   \
	}
	SIGND_OPS(X)
#undef X
	return Q_OK;
}

/* What the matrix must be for a role bit, from the table itself. */
static enum q_err
do_expect(char **a)
{
	unsigned long role = strtoul(a[0], NULL, 0);

#define X(name, num, roles, cap, text) \
	printf("%s %s\n", #name, ((roles) & role) != 0 ? "allowed" : "denied");
	SIGND_OPS(X)
#undef X
	return Q_OK;
}

/* FOLDER [NOTED]: no op */
static enum q_err
do_verify(char **a)
{
	char note[JOURNAL_NOTE_LEN];
	struct journal_end end;
	enum q_err e = journal_verify(a[0], a[1][0] != '\0' ? a[1] : NULL,
	    &end, &fault);

	if (e != Q_OK)
		return e;
	journal_note(&end, note);
	printf("%s\n", note);
	return Q_OK;
}

static enum q_err
record_each(void *arg, const struct journal_record *r)
{
	union {
		struct journal_issued issued;
		struct journal_intent intent;
	} b;
	const char *name = journal_type_name(r->type);

	(void)arg;
	printf("%" PRIu64 " %s %u %s", r->seq, name != NULL ? name : "?",
	    r->uid, r->key[0] != '\0' ? r->key : "-");
	if (r->type == JOURNAL_intent && wire_decode(&journal_intent_type,
	    r->body, &b.intent, NULL) == Q_OK) {
		printf(" %u %s ", b.intent.named, b.intent.device_id);
		hex_print("serial", b.intent.serial);
		return Q_OK;
	}
	printf("\n");
	return Q_OK;
}

/* FOLDER: no op */
static enum q_err
do_journal(char **a)
{
	struct journal_end end;

	return journal_read(a[0], 0, record_each, NULL, &end, &fault);
}

static const struct {
	const char *name;
	enum q_err (*run)(char **a);
} commands[] = {
	{ "root-renew", do_root_renew },
	{ "status", do_status }, { "pki", do_pki }, { "name", do_name },
	{ "issuing", do_issuing }, { "issuing-set", do_issuing_set },
	{ "certs", do_certs }, { "keys", do_keys }, { "issue", do_issue },
	{ "tls", do_tls }, { "crl", do_crl }, { "crl-build", do_crl_build },
	{ "ocsp", do_ocsp }, { "ocsp-build", do_ocsp_build },
	{ "cmp", do_cmp },
	{ "pepper", do_pepper }, { "tls-csr", do_tls_csr },
	{ "seal", do_seal }, { "unseal", do_unseal },
	{ "matrix", do_matrix }, { "expect", do_expect },
	{ "verify", do_verify }, { "journal", do_journal },
};

int
main(int argc, char **argv)
{
	static char empty[] = "";
	char *args[ARGS_MAX];
	const char *path = NULL;
	uid_t uid = getuid();
	enum q_err e = Q_USAGE;
	int opt, n = 0;

	while ((opt = getopt(argc, argv, "+c:u:")) != -1) {
		if (opt == 'c')
			path = optarg;
		else if (opt == 'u')
			uid = (uid_t)strtoul(optarg, NULL, 10);
		else
			return q_err_exit(Q_USAGE);
	}
	if (optind == argc || conf_load(path, &conf, &fault) != Q_OK ||
	    signer_open(&conf, DEADLINE_MS, &client) != Q_OK ||
	    (uid != getuid() && setuid(uid) != 0))
		return q_err_exit(Q_USAGE);
	for (int i = optind + 1; n < ARGS_MAX; i++)
		args[n++] = i < argc ? argv[i] : empty;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, argv[optind]) == 0)
			e = commands[i].run(args);
	wire_reply_free(&hold);
	wire_client_free(client);
	if (e != Q_OK)
		fprintf(stderr, "%s: %s\n", q_err_name(e),
		    fault_text(&fault, e));
	return q_err_exit(e);
}
