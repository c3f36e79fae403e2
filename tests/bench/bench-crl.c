// SPDX-License-Identifier: Apache-2.0
/*
 * bench-crl CONF ENTRIES: a CRL of that many made-up certificates, by
 * enrold's own code, checked and signed by the quoin-signd that runs: how
 * long each part takes, as one line of JSON. Called as enrold, which must not
 * run then; needs an issuing CA.
 */
#include "config.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "enrold/crl_make.h"
#include "enrold/revset.h"
#include "signer/signer.h"
#include "x509/crl_check.h"

#define CALL_MS 60000
#define EVER INT64_C(253402300799) /* the year 9999 */

static void
need(enum q_err r, const struct fault *f, const char *what)
{
	if (r == Q_OK)
		return;
	fprintf(stderr, "bench-crl: %s: %s\n", what, fault_text(f, r));
	exit(1);
}

static double
ms_since(int64_t ns)
{
	return (double)(clock_mono_ns() - ns) / 1e6;
}

/* As hints bring them: in no order. */
static double
fill(struct revset *set, const char *issuer, unsigned long n)
{
	struct rec_revoked rv = { .revoked_at = clock_wall() - 60,
		.not_after = clock_wall() + 86400 };
	size_t at = (size_t)snprintf(rv.key, sizeof(rv.key), "%s/", issuer);
	int64_t begin = clock_mono_ns();
	uint8_t serial[CERT_SERIAL_LEN];

	snprintf(rv.issuer, sizeof(rv.issuer), "%s", issuer);
	snprintf(rv.reason, sizeof(rv.reason), "superseded");
	for (unsigned long i = 0; i < n; i++) {
		need(RAND_bytes(serial, sizeof(serial)) == 1 ? Q_OK :
		    Q_INTERNAL, NULL, "random serial");
		serial[0] = (uint8_t)(1 + serial[0] % 0x7f);
		for (size_t k = 0; k < sizeof(serial); k++)
			snprintf(rv.key + at + 2 * k, 3, "%02x", serial[k]);
		need(revset_add(set, &rv), NULL, "revset_add");
	}
	return ms_since(begin);
}

/* What signd does before it signs. */
static double
check(const struct pki_cert *ca, const struct crl_list *list,
    unsigned long n)
{
	struct crl_expect want = { .alg = sig_alg_for(ca->key.kind),
		.issuer = ca->cert.subject, .issuer_ski = ca->cert.ski,
		.now = list->this_update, .max_backdate = EVER, .max_validity = EVER,
		.issuer_not_after = EVER, .only_users = true };
	struct crl_info info = { .entries = 0 };
	struct fault f = { 0 };
	struct bytes tbs;
	int64_t begin;

	need(crl_open(buf_bytes(&list->der), ca->cert.spki, &tbs, &f), &f,
	    "signature");
	begin = clock_mono_ns();
	need(crl_check_tbs(tbs, &want, NULL, NULL, &info, &f), &f, "check");
	need(info.entries == n ? Q_OK : Q_INTERNAL, NULL, "entries");
	return ms_since(begin);
}

static double
walk(struct revset *set, const char *issuer)
{
	int64_t begin = clock_mono_ns();
	struct revset_walk w;
	uint32_t mark;

	need(revset_walk_begin(set, issuer, 0, &w, &mark), NULL, "walk");
	while (revset_walk_next(&w) != NULL)
		;
	revset_walk_end(&w);
	return ms_since(begin);
}

static const struct pki_cert *
ca_of(const struct pki *pki)
{
	for (size_t i = 0; i < pki->n; i++)
		if (pki->certs[i].purpose == PKI_ISSUING)
			return &pki->certs[i];
	need(Q_NOTFOUND, NULL, "issuing CA");
	return NULL;
}

int
main(int argc, char **argv)
{
	AUTO_PKI struct pki *pki = NULL;
	unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	double fill_ms, walk_ms, make_ms;
	struct crl_wish wish = { .ca = NULL };
	struct core core = { .conf = NULL };
	struct crl_list list;
	struct fault f = { 0 };
	struct conf conf;
	uint32_t mark;
	int64_t begin;

	need(n != 0 ? Q_OK : Q_INVALID, NULL, "usage: CONF ENTRIES");
	need(conf_load(argv[1], &conf, &f), &f, argv[1]);
	core.conf = &conf;
	need(signer_open(&conf, CALL_MS, &core.signd), NULL, "signd");
	need(pki_box_new(core.signd, &core.pki), NULL, "memory");
	need(pki_hold(core.pki, &pki, &f), &f, "certificates");
	need(revset_new(NULL, &core.revset), NULL, "memory");
	wish.ca = ca_of(pki);
	wish.number = wish.ca->crl_number + 1;
	fill_ms = fill(core.revset, wish.ca->id, n);
	walk_ms = walk(core.revset, wish.ca->id);
	begin = clock_mono_ns();
	need(crl_make(&core, &wish, &list, &mark, &f), &f, "CRL");
	make_ms = ms_since(begin);
	printf("{\"entries\":%lu,\"octets\":%zu,\"fill_ms\":%.1f,"
	    "\"walk_ms\":%.1f,\"made_ms\":%.1f,\"check_ms\":%.1f}\n", n,
	    list.der.len, fill_ms, walk_ms, make_ms,
	    check(wish.ca, &list, n));
	buf_free(&list.der);
	revset_free(core.revset);
	pki_drop(&pki);
	pki_box_free(core.pki);
	wire_client_free(core.signd);
	return 0;
}
