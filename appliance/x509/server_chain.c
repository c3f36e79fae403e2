// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/server_chain.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "x509/cert_parse.h"
#include "x509/der.h"
#include "x509/pem.h"

struct chain {
	X509 *x[SERVER_CHAIN_CERTS];
	size_t n;
};

static void
chain_free(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->x[i]);
	ERR_clear_error();
}

static enum q_err
add(struct chain *c, const struct buf *der, struct fault *f)
{
	const uint8_t *p = der->p;
	struct cert cert;
	X509 *x;

	if (c->n == SERVER_CHAIN_CERTS)
		return fault_set(f, Q_INVALID, "more than %d certificates",
		    SERVER_CHAIN_CERTS);
	/* OpenSSL judges it, ours shows it to people. */
	x = cert_parse(buf_bytes(der), &cert, NULL) != Q_OK ? NULL :
	    d2i_X509(NULL, &p, (long)der->len);
	if (x == NULL)
		return fault_set(f, Q_INVALID,
		    "number %zu is not an X.509 certificate", c->n + 1);
	c->x[c->n++] = x;
	return Q_OK;
}

static enum q_err
load(struct bytes pem, struct chain *c, struct fault *f)
{
	enum q_err r;

	for (;;) {
		AUTO_BUF struct buf der = BUF_INIT(CERT_PARSE_MAX);

		r = pem_decode(pem, PEM_CERTIFICATE, &der, &pem, f);
		if (r == Q_NOTFOUND && c->n != 0)
			return Q_OK;
		if (r == Q_NOTFOUND)
			return fault_set(f, Q_INVALID,
			    "no certificate in PEM form in it");
		if (r != Q_OK)
			return fault_set(f, Q_INVALID,
			    "number %zu: its PEM is damaged", c->n + 1);
		r = add(c, &der, f);
		if (r != Q_OK)
			return r;
	}
}

static bool
is_key(X509 *x, struct bytes spki)
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool same = n > 0 && (size_t)n == spki.len &&
	    memcmp(der, spki.p, spki.len) == 0;

	OPENSSL_free(der);
	return same;
}

static bool
is_named(X509 *x, const char *host)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, host, ip) == 1 ||
	    inet_pton(AF_INET6, host, ip) == 1)
		return X509_check_ip_asc(x, host, 0) == 1;
	return X509_check_host(x, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
	    NULL) == 1;
}

static enum q_err
leaf_check(X509 *x, const struct server_chain_want *want, struct fault *f)
{
	if (!is_key(x, want->spki))
		return fault_set(f, Q_INVALID, "the first certificate is of "
		    "another key than the request");
	if (X509_check_ca(x) != 0)
		return fault_set(f, Q_INVALID,
		    "the first certificate is one of a CA");
	if (X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0) != 1)
		return fault_set(f, Q_INVALID,
		    "the first certificate is not for TLS servers");
	if (!is_named(x, want->host))
		return fault_set(f, Q_INVALID, "the first certificate does not "
		    "name %.100s as a subject alternative name", want->host);
	return Q_OK;
}

static enum q_err
time_check(const struct chain *c, int64_t now, struct fault *f)
{
	time_t t = (time_t)now;

	for (size_t i = 0; i < c->n; i++) {
		if (X509_cmp_time(X509_get0_notBefore(c->x[i]), &t) > 0)
			return fault_set(f, Q_INVALID,
			    "certificate %zu is not valid yet", i + 1);
		if (X509_cmp_time(X509_get0_notAfter(c->x[i]), &t) <= 0)
			return fault_set(f, Q_INVALID,
			    "certificate %zu has ended", i + 1);
	}
	return Q_OK;
}

static enum q_err
link_check(const struct chain *c, struct fault *f)
{
	for (size_t i = 0; i + 1 < c->n; i++) {
		X509 *ca = c->x[i + 1];

		if (X509_check_ca(ca) == 0)
			return fault_set(f, Q_INVALID,
			    "certificate %zu is none of a CA", i + 2);
		if (X509_check_issued(ca, c->x[i]) != X509_V_OK ||
		    X509_verify(c->x[i], X509_get0_pubkey(ca)) != 1)
			return fault_set(f, Q_INVALID, "certificate %zu was "
			    "not signed by certificate %zu: the page's own "
			    "comes first, then who signed it", i + 1, i + 2);
	}
	return Q_OK;
}

static enum q_err
put(const struct chain *c, struct buf *out, struct fault *f)
{
	size_t n = c->n;

	/* Who trusts the root has it. */
	if (n > 1 && (X509_get_extension_flags(c->x[n - 1]) & EXFLAG_SS) != 0)
		n--;
	for (size_t i = 0; i < n; i++) {
		uint8_t *der = NULL;
		int len = i2d_X509(c->x[i], &der);

		buf_put(out, der, len > 0 ? (size_t)len : 0);
		OPENSSL_free(der);
	}
	return out->bad || out->len > SERVER_CHAIN_MAX ? fault_set(f, Q_TOOBIG,
	    "the certificates are over %d bytes", SERVER_CHAIN_MAX) : Q_OK;
}

enum q_err
server_chain_take(struct bytes pem, const struct server_chain_want *want,
    struct buf *out, struct fault *f)
{
	__attribute__((cleanup(chain_free))) struct chain c = { 0 };
	enum q_err r = load(pem, &c, f);

	if (r == Q_OK)
		r = leaf_check(c.x[0], want, f);
	if (r == Q_OK)
		r = time_check(&c, want->now, f);
	if (r == Q_OK)
		r = link_check(&c, f);
	return r == Q_OK ? put(&c, out, f) : r;
}

bool
server_chain_next(struct bytes *rest, struct bytes *ret_cert)
{
	struct der d = der_over(*rest);
	struct bytes one = der_get_whole(&d, DER_SEQUENCE);

	if (d.bad)
		return false;
	*rest = (struct bytes){ d.p, d.left };
	*ret_cert = one;
	return true;
}

int64_t
server_chain_end(struct bytes ders)
{
	struct bytes one;
	struct cert cert;
	int64_t end = 0;

	while (server_chain_next(&ders, &one))
		if (cert_parse(one, &cert, NULL) == Q_OK &&
		    (end == 0 || cert.not_after < end))
			end = cert.not_after;
	return end;
}
