// SPDX-License-Identifier: Apache-2.0
/* CRLs: built, checked, signed, believed by OpenSSL; refused when any of it
 * is not what is expected. */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "tap.h"
#include "x509-make.h"
#include "x509/crl_check.h"
#include "x509/pem.h"

#define CRL_URL "http://quoin.example:6080/ca.crl"
#define DELTA_URL "http://quoin.example:6080/ca-delta.crl"
#define MANY 1000000

static struct party root, ca, device;

struct walk {
	const struct crl_entry *entries;
	size_t n, at;
};

static enum q_err
walk_next(void *arg, struct crl_entry *ret_entry)
{
	struct walk *w = arg;

	if (w->at == w->n)
		return Q_NOTFOUND;
	*ret_entry = w->entries[w->at++];
	return Q_OK;
}

static enum q_err
walk_fails(void *arg, struct crl_entry *ret_entry)
{
	(void)arg, (void)ret_entry;
	return Q_UNAVAIL;
}

static struct crl_spec
crl_spec(void)
{
	return (struct crl_spec){
		.alg = ca.alg,
		.issuer = buf_bytes(&ca.name),
		.issuer_ski = ski_of(&ca),
		.number = 12,
		.this_update = NOW - 10,
		.next_update = NOW + DAY,
		.idp_url = CRL_URL,
		.only_users = true,
	};
}

static struct crl_expect
crl_want(void)
{
	return (struct crl_expect){
		.alg = ca.alg,
		.issuer = buf_bytes(&ca.name),
		.issuer_ski = ski_of(&ca),
		.last_number = 11,
		.now = NOW,
		.max_backdate = 60,
		.max_validity = DAY + 10,
		.issuer_not_after = NOW + 5 * 365 * DAY,
		.idp_url = CRL_URL,
		.only_users = true,
	};
}

static enum q_err
build(const struct crl_spec *spec, const struct crl_entry *entries, size_t n,
    struct buf *out, struct fault *f)
{
	struct walk w = { entries, n, 0 };

	buf_reset(out);
	return crl_build(spec, walk_next, &w, out, f);
}

static void
store_crl(X509_STORE *store, const struct buf *der)
{
	const uint8_t *at = der->p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der->len);

	if (crl == NULL)
		die("OpenSSL cannot read the CRL");
	X509_STORE_add_crl(store, crl);
	X509_CRL_free(crl);
}

/* The device's verdict under this CRL and delta (NULL: none), all checks
 * on. */
static int
openssl_verdict_delta(const struct buf *crl_der, const struct buf *delta)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	const struct party *all[] = { &device, &ca, &root };
	const uint8_t *at;
	X509 *x[3];
	int verdict;

	for (size_t i = 0; i < 3; i++) {
		at = all[i]->cert.p;
		x[i] = d2i_X509(NULL, &at, (long)all[i]->cert.len);
	}
	X509_STORE_add_cert(store, x[2]);
	store_crl(store, crl_der);
	if (delta != NULL)
		store_crl(store, delta);
	sk_X509_push(chain, x[1]);
	X509_STORE_CTX_init(ctx, store, x[0], chain);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
	    X509_V_FLAG_CRL_CHECK |
	    (delta != NULL ? X509_V_FLAG_USE_DELTAS : 0UL));
	X509_VERIFY_PARAM_set_time(param, NOW);
	verdict = X509_verify_cert(ctx) == 1 ? X509_V_OK :
	    X509_STORE_CTX_get_error(ctx);
	for (size_t i = 0; i < 3; i++)
		X509_free(x[i]);
	sk_X509_free(chain);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return verdict;
}

static int
openssl_verdict(const struct buf *crl_der)
{
	return openssl_verdict_delta(crl_der, NULL);
}

static enum q_err
compare_entry(void *arg, const struct crl_entry *entry)
{
	struct walk *w = arg;
	const struct crl_entry *want = &w->entries[w->at++];

	return memcmp(want->serial, entry->serial, CERT_SERIAL_LEN) == 0 &&
	    want->revoked_at == entry->revoked_at &&
	    want->reason == entry->reason ? Q_OK : Q_CONFLICT;
}

static void
test_good(const char *dir)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	AUTO_BUF struct buf crl = BUF_INIT(CRL_DER_MAX);
	struct crl_entry entries[3] = { { .revoked_at = NOW - 500 },
		{ .revoked_at = NOW - 400, .reason = CRL_KEY_COMPROMISE },
		{ .revoked_at = NOW - 300, .reason = CRL_SUPERSEDED } };
	struct walk back = { entries, 3, 0 };
	struct crl_spec spec = crl_spec();
	struct crl_expect want = crl_want();
	struct crl_info info;
	struct bytes got;
	struct fault f = { 0 };

	make_serial(900, entries[0].serial);
	make_serial(77, entries[1].serial);
	make_serial(901, entries[2].serial);
	crl_sort(entries, 3);
	is_int(build(&spec, entries, 3, &tbs, &f), Q_OK, "built");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, compare_entry, &back,
	    &info, &f), Q_OK, "checked, and the same entries come back");
	ok(info.entries == 3 && back.at == 3 && info.number == 12 &&
	    info.next_update == NOW + DAY, "facts");
	sign_tbs(&ca, buf_bytes(&tbs), &crl);
	is_int(openssl_verdict(&crl), X509_V_OK, "device is not revoked");
	is_int(crl_open(buf_bytes(&crl), buf_bytes(&ca.spki), &got, &f), Q_OK,
	    "opened with the CA's key");
	is_int((long long)got.len, (long long)tbs.len, "the same inside");
	is_int(crl_open(buf_bytes(&crl), buf_bytes(&root.spki), &got, &f),
	    Q_SIGNATURE, "not with another");
	if (dir != NULL)
		leave_pem(dir, "crl", PEM_CRL, buf_bytes(&crl));
	make_serial(CERT_DEVICE, entries[1].serial);
	crl_sort(entries, 3);
	is_int(build(&spec, entries, 3, &tbs, &f), Q_OK, "built again");
	buf_reset(&crl);
	sign_tbs(&ca, buf_bytes(&tbs), &crl);
	is_int(openssl_verdict(&crl), X509_V_ERR_CERT_REVOKED, "revoked");
	is_int(build(&spec, NULL, 0, &tbs, &f), Q_OK, "empty one");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, &info, &f),
	    Q_OK, "empty one checked");
	buf_reset(&crl);
	sign_tbs(&ca, buf_bytes(&tbs), &crl);
	is_int(openssl_verdict(&crl), X509_V_OK, "empty one believed");
	spec.idp_url = NULL;
	is_int(build(&spec, NULL, 0, &tbs, &f), Q_OK, "IDP without a name");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, &f),
	    Q_INVALID, "is another");
	want.idp_url = NULL;
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, &f),
	    Q_OK, "checked without a name");
	buf_reset(&crl);
	sign_tbs(&ca, buf_bytes(&tbs), &crl);
	is_int(openssl_verdict(&crl), X509_V_OK, "believed for any CRLDP");
	spec.only_users = want.only_users = false;
	is_int(build(&spec, NULL, 0, &tbs, &f), Q_OK, "without IDP");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, &f),
	    Q_OK, "checked without IDP");
}

/* Each row breaks one thing in the spec; the check says which. */
static void
test_refused(void)
{
	static const uint8_t other_ski[SKI_LEN] = { 1 };
	struct crl_spec s[11];
	static const char *const words[] = { "number", "number", "issuer is",
		"in the future", "too long ago", "in the past", "the cap",
		"authorityKey", "issuingDist", "issuingDist", "algorithm" };
	struct crl_expect want = crl_want();
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = crl_spec();
	s[0].number = 11;
	s[1].number = 1;
	s[2].issuer = buf_bytes(&root.name);
	s[3].this_update = NOW + 1;
	s[4].this_update = NOW - 61;
	s[5].next_update = NOW;
	s[6].next_update = NOW + DAY + 1;
	s[7].issuer_ski.p = other_ski;
	s[8].idp_url = CRL_URL "2";
	s[9].only_users = false;
	s[10].alg = SIG_RSA_PKCS1_SHA256;
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		struct fault f = { 0 };

		if (build(&s[i], NULL, 0, &tbs, &f) != Q_OK)
			die(f.msg);
		is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL,
		    &f), Q_INVALID, "row %zu refused", i);
		ok(strstr(f.msg, words[i]) != NULL, "%s", f.msg);
	}
	want.issuer_not_after = NOW + 5;
	s[0] = crl_spec();
	if (build(&s[0], NULL, 0, &tbs, NULL) != Q_OK)
		die("build");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, NULL),
	    Q_INVALID, "outlives its issuer");
}

/* A device that only the delta has is revoked for who reads deltas. */
static void
test_delta(const char *dir)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	AUTO_BUF struct buf base = BUF_INIT(CRL_DER_MAX);
	AUTO_BUF struct buf delta = BUF_INIT(CRL_DER_MAX);
	struct crl_entry entry = { .revoked_at = NOW - 500 };
	struct crl_spec spec = crl_spec();
	struct crl_expect want = crl_want();
	struct crl_info info;
	struct fault f = { 0 };

	spec.freshest_url = want.freshest_url = DELTA_URL;
	want.delta = true;
	is_int(build(&spec, NULL, 0, &tbs, &f), Q_OK, "base");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, &info, &f),
	    Q_OK, "checked");
	is_int((long long)info.base, 0, "it is a full list");
	sign_tbs(&ca, buf_bytes(&tbs), &base);
	make_serial(CERT_DEVICE, entry.serial);
	spec.freshest_url = NULL;
	spec.base = 12;
	spec.number = 13;
	want.last_number = 12;
	is_int(build(&spec, &entry, 1, &tbs, &f), Q_OK, "delta");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, &info, &f),
	    Q_OK, "checked");
	ok(info.base == 12 && info.number == 13 && info.entries == 1,
	    "facts");
	sign_tbs(&ca, buf_bytes(&tbs), &delta);
	is_int(openssl_verdict(&base), X509_V_OK, "base alone: not revoked");
	is_int(openssl_verdict_delta(&base, &delta),
	    X509_V_ERR_CERT_REVOKED, "with its delta: revoked");
	if (dir != NULL) {
		leave_pem(dir, "crl-base", PEM_CRL, buf_bytes(&base));
		leave_pem(dir, "crl-delta", PEM_CRL, buf_bytes(&delta));
	}
}

static void
test_delta_refused(void)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	struct crl_spec spec = crl_spec();
	struct crl_expect want = crl_want();

	spec.base = 11;
	is_int(build(&spec, NULL, 0, &tbs, NULL), Q_OK, "delta");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, NULL),
	    Q_INVALID, "none is wanted");
	want.delta = true;
	want.last_number = 10;
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, NULL),
	    Q_INVALID, "on a base that was never signed");
	spec.base = 12;
	is_int(build(&spec, NULL, 0, &tbs, NULL), Q_INVALID, "on itself");
	spec.base = 11;
	spec.freshest_url = DELTA_URL;
	is_int(build(&spec, NULL, 0, &tbs, NULL), Q_INVALID,
	    "a delta with a delta");
	spec.base = 0;
	is_int(build(&spec, NULL, 0, &tbs, NULL), Q_OK, "with freshestCRL");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, NULL),
	    Q_INVALID, "none is wanted");
	want.freshest_url = CRL_URL;
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, NULL),
	    Q_INVALID, "another is wanted");
	spec.freshest_url = "file:///etc";
	is_int(build(&spec, NULL, 0, &tbs, NULL), Q_INVALID, "no URL");
}

static void
test_entries(void)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	struct crl_entry e[2] = { { .revoked_at = NOW - 500 },
		{ .revoked_at = NOW - 400, .reason = CRL_SUPERSEDED } };
	struct crl_spec spec = crl_spec();
	struct crl_expect want = crl_want();
	size_t accepted = 0, dates = 0;
	struct fault f;

	make_serial(5, e[0].serial);
	make_serial(4, e[1].serial);
	is_int(build(&spec, e, 2, &tbs, &f), Q_INVALID, "out of order");
	make_serial(5, e[1].serial);
	is_int(build(&spec, e, 2, &tbs, &f), Q_INVALID, "doubled");
	is_int((long long)tbs.len, 0, "nothing is left of it");
	make_serial(6, e[1].serial);
	e[0].serial[0] = 0x81;
	is_int(build(&spec, e, 2, &tbs, &f), Q_INVALID, "negative serial");
	is_int(crl_build(&spec, walk_fails, NULL, &tbs, &f), Q_UNAVAIL,
	    "iterator that fails");
	make_serial(5, e[0].serial);
	e[1].revoked_at = NOW;
	is_int(build(&spec, e, 2, &tbs, &f), Q_OK, "built");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, &f),
	    Q_INVALID, "revoked after thisUpdate");
	is_str(f.msg, "CRL refused: entry 2 has no date up to thisUpdate",
	    "and says which");
	e[1].revoked_at = NOW - 400;
	e[1].reason = 8;	/* removeFromCRL: for delta CRLs only */
	is_int(build(&spec, e, 2, &tbs, &f), Q_OK, "built");
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, NULL, &f),
	    Q_INVALID, "unknown reason");
	e[1].reason = CRL_SUPERSEDED;
	is_int(build(&spec, e, 2, &tbs, &f), Q_OK, "built");
	for (size_t n = 0; n < tbs.len; n++)
		accepted += crl_check_tbs((struct bytes){ tbs.p, n }, &want,
		    NULL, NULL, NULL, NULL) == Q_OK;
	is_int((long long)accepted, 0, "cut anywhere");
	for (size_t n = 0; n < 8 * tbs.len; n++) {
		uint8_t *p = &tbs.p[n / 8];

		*p ^= (uint8_t)(1u << n % 8);
		/* serials, dates, number and reason can be other good ones */
		dates += crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL,
		    NULL, NULL) == Q_OK;
		*p ^= (uint8_t)(1u << n % 8);
	}
	ok(dates > 0 && dates < 8 * (2 * 16 + 4 * 13 + 2), "%zu of %zu bits "
	    "can be changed", dates, 8 * tbs.len);
}

static void
test_many(void)
{
	AUTO_FREE struct crl_entry *e = calloc(MANY, sizeof(*e));
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	struct crl_spec spec = crl_spec();
	struct crl_expect want = crl_want();
	struct crl_info info = { 0 };
	int64_t start, sorted, built, checked;

	if (e == NULL)
		die("memory");
	for (unsigned i = 0; i < MANY; i++) {
		make_serial(i * 2654435761u, e[i].serial);
		e[i].revoked_at = NOW - 100 - i;
		e[i].reason = i % 6;
	}
	start = clock_mono_ms();
	crl_sort(e, MANY);
	sorted = clock_mono_ms();
	is_int(build(&spec, e, MANY, &tbs, NULL), Q_OK, "a million entries");
	built = clock_mono_ms();
	is_int(crl_check_tbs(buf_bytes(&tbs), &want, NULL, NULL, &info, NULL),
	    Q_OK, "checked");
	checked = clock_mono_ms();
	is_int((long long)info.entries, MANY, "all there");
	printf("# %zu bytes: sort %d ms, build %d ms, check %d ms\n", tbs.len,
	    (int)(sorted - start), (int)(built - sorted),
	    (int)(checked - built));
	ok(checked - sorted < 10000, "in reasonable time");
}

int
main(int argc, char **argv)
{
	party_make(&root, "P-256", "Test OEM Root");
	party_make(&ca, "P-256", "Issuing CA");
	party_make(&device, "P-256", NULL);
	issue(CERT_ROOT, &root, &root);
	issue(CERT_ISSUING, &ca, &root);
	issue(CERT_DEVICE, &device, &ca);
	test_good(argc > 1 ? argv[1] : NULL);
	test_refused();
	test_delta(argc > 1 ? argv[1] : NULL);
	test_delta_refused();
	test_entries();
	test_many();
	party_free(&root);
	party_free(&ca);
	party_free(&device);
	return done();
}
