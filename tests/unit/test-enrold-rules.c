// SPDX-License-Identifier: Apache-2.0
/* The rules of the device port: each one allowed and refused. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "enrold/front.h"
#include "enrold/rules.h"
#include "tap.h"
#include "x509/pem.h"

#define ID "1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER \
	"2222222222222222222222222222222222222222222222222222222222222222"
#define NOW 1000000

enum listed { NOT_LISTED, LISTED, LISTED_REVOKED };

/* What differs from a P-256 device that is known, not enrolled, and asks with
 * its identity key by a self-signed certificate; then what must come out. */
struct row {
	const char *name;
	/* the request */
	enum peer_kind peer;	/* PEER_NONE stands for SELF here */
	bool no_cert;		/* no client certificate at all */
	bool other_key;		/* the CSR's key is another than ID's */
	bool proof;
	const char *label;
	unsigned rsa;		/* bits; 0: P-256 */
	/* the records */
	bool unknown, no_batch, no_policy, loading, deleting, going;
	int64_t state;
	bool autorenew, allow_renew, allow_rekey, allow_rsa2048;
	enum listed listed;	/* the peer's certificate */
	bool ended;		/* it has expired */
	/* what comes out */
	enum q_err want;
	enum enrol_right right;
	bool renewal;
	const char *text;
};

static const struct row rows[] = {
	{ "first enrolment" },
	{ "first enrolment without TLS certificate", .no_cert = true },
	{ "unknown device", .unknown = true, .want = Q_DENIED,
	    .text = "DeviceID " ID " is in no batch" },
	{ "unknown device without TLS certificate", .unknown = true,
	    .no_cert = true, .want = Q_UNAUTH,
	    .text = "DeviceID " ID " is in no batch" },
	{ "its batch is gone", .no_batch = true, .want = Q_DENIED,
	    .text = "DeviceID " ID " is in no batch" },
	{ "its load is not complete", .loading = true, .want = Q_DENIED,
	    .text = "DeviceID " ID " is in no batch" },
	{ "device is being deleted", .going = true, .want = Q_DENIED,
	    .text = "DeviceID " ID " is in no batch" },
	{ "batch is being deleted", .deleting = true, .want = Q_DENIED,
	    .text = "batch b is being deleted" },
	{ "policy is missing", .no_policy = true, .want = Q_UNAVAIL,
	    .text = "policy p of batch b does not exist" },
	{ "label is its batch", .label = "b" },
	{ "label is another batch", .label = "c", .want = Q_DENIED,
	    .text = "device is not in batch c" },
	{ "revoked", .state = DEVICE_REVOKED, .autorenew = true,
	    .want = Q_DENIED, .text = "device is revoked: lost" },
	{ "revoked, even with leave to renew", .state = DEVICE_REVOKED,
	    .autorenew = true, .allow_renew = true, .want = Q_DENIED,
	    .text = "device is revoked: lost" },
	{ "enrolled, autorenew", .state = DEVICE_ENROLLED, .autorenew = true,
	    .renewal = true },
	{ "enrolled, allowed once", .state = DEVICE_ENROLLED,
	    .allow_renew = true, .renewal = true },
	{ "enrolled, not allowed", .state = DEVICE_ENROLLED,
	    .want = Q_DENIED,
	    .text = "renewal needs an operator's permission" },
	{ "expired, autorenew", .state = DEVICE_EXPIRED, .autorenew = true,
	    .renewal = true },
	{ "expired, allowed once", .state = DEVICE_EXPIRED,
	    .allow_renew = true, .renewal = true },
	{ "expired, not allowed", .state = DEVICE_EXPIRED, .want = Q_DENIED,
	    .text = "renewal needs an operator's permission" },
	{ "RSA-3072", .rsa = 3072 },
	{ "RSA-2048, allowed", .rsa = 2048, .allow_rsa2048 = true },
	{ "RSA-2048, not allowed", .rsa = 2048, .want = Q_DENIED,
	    .text = "policy p does not allow RSA-2048 device keys" },
	{ "another key with proof", .other_key = true, .proof = true,
	    .right = RIGHT_PROOF },
	{ "another key with proof, without TLS certificate", .no_cert = true,
	    .other_key = true, .proof = true, .right = RIGHT_PROOF },
	{ "another key, rekey allowed", .other_key = true,
	    .allow_rekey = true, .right = RIGHT_WORD },
	{ "another key, rekey not allowed", .other_key = true,
	    .want = Q_DENIED, .text = "key of the request is not the "
	    "device's, and policy p does not allow another" },
	{ "another key, nobody showed the device", .no_cert = true,
	    .other_key = true, .allow_rekey = true, .want = Q_DENIED,
	    .text = "key of the request is not the "
	    "device's, and policy p does not allow another" },
	{ "renewal by its certificate", .peer = PEER_OURS, .listed = LISTED,
	    .state = DEVICE_ENROLLED, .autorenew = true, .renewal = true },
	{ "rekey by its certificate", .peer = PEER_OURS, .listed = LISTED,
	    .state = DEVICE_ENROLLED, .autorenew = true, .other_key = true,
	    .allow_rekey = true, .renewal = true, .right = RIGHT_WORD },
	{ "rekey by its certificate, not allowed", .peer = PEER_OURS,
	    .listed = LISTED, .state = DEVICE_ENROLLED, .autorenew = true,
	    .other_key = true, .want = Q_DENIED,
	    .text = "key of the request is not the "
	    "device's, and policy p does not allow another" },
	{ "certificate is none of the record", .peer = PEER_OURS,
	    .state = DEVICE_ENROLLED, .autorenew = true, .want = Q_DENIED,
	    .text = "client certificate 0a is not, or no longer, one of the "
	    "device" },
	{ "certificate is revoked", .peer = PEER_OURS,
	    .listed = LISTED_REVOKED, .autorenew = true, .want = Q_DENIED,
	    .text = "client certificate has been revoked" },
	{ "certificate has expired, autorenew", .peer = PEER_OURS,
	    .listed = LISTED, .ended = true, .state = DEVICE_EXPIRED,
	    .autorenew = true, .renewal = true },
	{ "certificate has expired, allowed once", .peer = PEER_OURS,
	    .listed = LISTED, .ended = true, .state = DEVICE_EXPIRED,
	    .allow_renew = true, .renewal = true },
	{ "certificate has expired, not allowed", .peer = PEER_OURS,
	    .listed = LISTED, .ended = true, .state = DEVICE_EXPIRED,
	    .want = Q_DENIED, .text = "client certificate has expired and "
	    "renewal needs an operator's permission" },
};

static void
records_of(const struct row *t, struct rec_device *dev,
    struct rec_batch *batch, struct rec_policy *policy)
{
	*dev = (struct rec_device){ .key = ID, .batch = "b",
		.state = t->state, .reason = "lost",
		.allow_renew = t->allow_renew,
		.intent = t->going ? DEVICE_INTENT_DELETE : 0 };
	*batch = (struct rec_batch){ .key = "b", .policy = "p",
		.deleting = t->deleting };
	*policy = (struct rec_policy){ .key = "p",
		.autorenew = t->autorenew, .allow_rekey = t->allow_rekey,
		.allow_rsa2048 = t->allow_rsa2048 };
	if (t->loading) {
		snprintf(batch->load_id, sizeof(batch->load_id), "l");
		snprintf(dev->load, sizeof(dev->load), "l");
	}
	if (t->listed != NOT_LISTED) {
		dev->certs.n = 2;
		dev->certs.c[0] = (struct rec_cert){ .serial = "0b",
			.issuer = "ca" };
		dev->certs.c[1] = (struct rec_cert){ .serial = "0a",
			.issuer = "ca",
			.revoked_at = t->listed == LISTED_REVOKED };
	}
}

static void
check_row(const struct row *t)
{
	struct rec_device dev;
	struct rec_batch batch;
	struct rec_policy policy;
	struct enrol_ask ask = { .label = t->label };
	struct csr csr = { .key = { .kind = t->rsa ? KEY_RSA : KEY_P256,
		.bits = t->rsa ? t->rsa : 256 } };
	struct peer peer = { .kind = t->no_cert ? PEER_NONE :
		t->peer == PEER_OURS ? PEER_OURS : PEER_SELF,
		.device_id = ID, .serial = "0a", .issuer = "ca",
		.not_after = t->ended ? NOW - 1 : NOW };
	struct enrol_case c = { .ask = &ask, .csr = &csr, .peer = &peer,
		.device_id = ID, .dev = t->unknown ? NULL : &dev,
		.batch = t->unknown || t->no_batch ? NULL : &batch,
		.policy = t->no_policy ? NULL : &policy, .now = NOW };
	struct enrol_verdict v = { 99, false };
	struct fault f = { 0 };

	records_of(t, &dev, &batch, &policy);
	if (t->proof)
		ask.proof = ask.identity = (struct bytes){
			(const uint8_t *)"x", 1 };
	snprintf(csr.device_id, sizeof(csr.device_id), "%s",
	    t->other_key ? OTHER : ID);
	is_int(rule_enrol(&c, &v, &f), t->want, "%s", t->name);
	if (t->want != Q_OK) {
		is_str(f.msg, t->text, "%s: why", t->name);
		return;
	}
	is_int(v.right, t->right, "%s: by which right", t->name);
	is_int(v.renewal, t->renewal, "%s: renewal", t->name);
}

static void
check_identity(void)
{
	static const uint8_t spki[] = { 1, 2, 3 };
	char own[DEVICE_ID_LEN + 1], id[DEVICE_ID_LEN + 1];
	struct csr csr = { .device_id = OTHER };
	struct peer none = { .kind = PEER_NONE }, self = { PEER_SELF, ID,
		.serial = "" }, ours = { PEER_OURS, ID, .serial = "0a" };
	struct enrol_ask plain = { 0 }, again = { .reenrol = true },
		proof = { .identity = { spki, 3 }, .proof = { spki, 3 } };

	device_id_of(proof.identity, own);
	is_int(rule_identity(&plain, &csr, &none, id, NULL), Q_OK,
	    "no certificate");
	is_str(id, OTHER, "is the CSR's key");
	is_int(rule_identity(&proof, &csr, &none, id, NULL), Q_OK,
	    "no certificate, proof");
	is_str(id, own, "is the identity key");
	is_int(rule_identity(&plain, &csr, &self, id, NULL), Q_OK,
	    "self-signed");
	is_str(id, ID, "is the certificate's key");
	is_int(rule_identity(&proof, &csr, &self, id, NULL), Q_DENIED,
	    "self-signed, proof by another key");
	memcpy(self.device_id, own, sizeof(own));
	is_int(rule_identity(&proof, &csr, &self, id, NULL), Q_OK,
	    "self-signed, proof by the same key");
	is_int(rule_identity(&again, &csr, &none, id, NULL), Q_DENIED,
	    "simplereenroll without certificate");
	is_int(rule_identity(&again, &csr, &self, id, NULL), Q_DENIED,
	    "simplereenroll with a self-signed certificate");
	ours.subject = csr.subject = (struct bytes){ spki, 2 };
	is_int(rule_identity(&again, &csr, &ours, id, NULL), Q_OK,
	    "simplereenroll with its certificate");
	csr.subject.len = 3;
	is_int(rule_identity(&again, &csr, &ours, id, NULL), Q_DENIED,
	    "simplereenroll with another subject");
	is_int(rule_identity(&plain, &csr, &ours, id, NULL), Q_OK,
	    "simpleenroll with another subject");
}

static void
check_request(void)
{
	struct csr csr = { .key = { .kind = KEY_P256, .bits = 256 } };
	struct enrol_ask ask = { .binding = "YWJj" };
	struct bytes x = { (const uint8_t *)"YWJj", 4 };

	is_int(rule_request(&ask, &csr, NULL), Q_OK, "plain request");
	csr.challenge = x;
	is_int(rule_request(&ask, &csr, NULL), Q_OK, "right binding");
	csr.challenge.len = 3;
	is_int(rule_request(&ask, &csr, NULL), Q_INVALID, "wrong binding");
	csr.challenge.len = 4;
	ask.binding = NULL;
	is_int(rule_request(&ask, &csr, NULL), Q_INVALID,
	    "binding on a connection that has none");
	csr.challenge = (struct bytes){ NULL, 0 };
	ask.proof = x;
	is_int(rule_request(&ask, &csr, NULL), Q_INVALID,
	    "proof without identity");
	ask.identity = x;
	is_int(rule_request(&ask, &csr, NULL), Q_OK, "proof with identity");
	csr.asks_ca = true;
	is_int(rule_request(&ask, &csr, NULL), Q_INVALID, "CA:TRUE");
	csr.asks_ca = false;
	csr.key = (struct pubkey){ .kind = KEY_RSA, .bits = 4096 };
	is_int(rule_request(&ask, &csr, NULL), Q_INVALID, "RSA-4096");
}

static void
check_certs(void)
{
	struct rec_device dev = { .state = DEVICE_ENROLLED };
	struct rec_policy policy = { .autorenew = true };
	struct rec_cert one = { .serial = "0", .not_before = 100,
		.not_after = 400 };

	for (int i = 0; i < REC_CERTS_MAX; i++) {
		snprintf(one.serial, sizeof(one.serial), "%d", i);
		is_int(device_add_cert(&dev, &one, 200), Q_OK, "add %d", i);
	}
	is_str(dev.certs.c[0].serial, "7", "newest first");
	is_int(device_add_cert(&dev, &one, 200), Q_INVALID, "full");
	is_int(device_add_cert(&dev, &one, 401), Q_OK, "ended ones leave");
	is_int((long long)dev.certs.n, 1, "all of them");
	is_int(device_due(&dev), 401, "due behind the last second");
	is_int(device_state_now(&dev, 400), DEVICE_ENROLLED,
	    "valid in its last second");
	is_int(device_state_now(&dev, 401), DEVICE_EXPIRED, "then expired");
	is_int(renew_time(100, 400), 300, "renewal at 2/3");
	ok(!device_should_renew(&dev, &policy, 299), "not before");
	ok(device_should_renew(&dev, &policy, 300), "from then on");
	ok(device_should_renew(&dev, &policy, 500), "and when expired");
	policy.autorenew = false;
	ok(!device_should_renew(&dev, &policy, 500), "not without autorenew");
	dev.allow_renew = true;
	ok(device_should_renew(&dev, &policy, 101), "but when allowed");
	dev.state = DEVICE_REVOKED;
	ok(!device_should_renew(&dev, &policy, 101), "never when revoked");
	dev.certs.c[0].revoked_at = 5;
	ok(device_newest(&dev) == NULL, "revoked ones do not count");
	is_int(device_due(&dev), 0, "nor have an end");
}

static void
check_csr_text(void)
{
	static const struct {
		const char *name, *text;
		enum q_err want;
	} texts[] = {
		{ "base64", "AQID", Q_OK },
		{ "base64 in lines", " AQ\r\nID\n", Q_OK },
		{ "PEM", "-----BEGIN CERTIFICATE REQUEST-----\nAQID\n"
		    "-----END CERTIFICATE REQUEST-----\n", Q_OK },
		{ "empty", "", Q_PROTO },
		{ "blank", " \n", Q_PROTO },
		{ "cut short", "AQI", Q_PROTO },
		{ "not base64", "AQ!D", Q_PROTO },
		{ "PEM of something else", "-----BEGIN CERTIFICATE-----\nAQID\n"
		    "-----END CERTIFICATE-----\n", Q_PROTO },
		{ "PEM without an end",
		    "-----BEGIN CERTIFICATE REQUEST-----\nAQID\n", Q_PROTO },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO_BUF struct buf out = BUF_INIT(CSR_DER_MAX);
		struct bytes in = { (const uint8_t *)texts[i].text,
			strlen(texts[i].text) };

		is_int(csr_text_decode(in, &out, NULL), texts[i].want,
		    "request text: %s", texts[i].name);
		if (texts[i].want == Q_OK)
			ok(out.len == 3 && memcmp(out.p, "\1\2\3", 3) == 0,
			    "request text: %s: the bytes", texts[i].name);
	}
}

/* A device that asks in a loop. */
static void
check_pace(void)
{
	struct rec_device dev = { .key = ID, .batch = "b",
		.state = DEVICE_ENROLLED };
	struct rec_batch batch = { .key = "b", .policy = "p" };
	struct rec_policy policy = { .key = "p", .autorenew = true };
	struct csr csr = { .key = { .kind = KEY_P256, .bits = 256 },
		.device_id = ID };
	struct peer peer = { .kind = PEER_SELF, .device_id = ID };
	struct enrol_ask ask = { 0 };
	struct enrol_case c = { &ask, &csr, &peer, ID, &dev, &batch, &policy,
		NOW };
	struct enrol_verdict v;
	struct fault f = { 0 };

	for (dev.certs.n = 0; dev.certs.n < REC_CERTS_MAX; dev.certs.n++) {
		struct rec_cert *rc = &dev.certs.c[dev.certs.n];

		peer.kind = PEER_NONE;
		is_int(rule_enrol(&c, &v, &f), dev.certs.n < 4 ? Q_OK : Q_BUSY,
		    "%zu valid ones, no client certificate", dev.certs.n);
		peer.kind = PEER_SELF;

		*rc = (struct rec_cert){ .serial = "0c", .issuer = "ca",
			.not_before = NOW - 10, .not_after = NOW + 2390 };
		is_int(rule_enrol(&c, &v, &f), Q_OK, "%zu valid ones",
		    dev.certs.n);
	}
	is_int(rule_enrol(&c, &v, &f), Q_BUSY, "a full list is enough");
	is_int(f.retry_after, 90, "until 1/24 of the lifetime is over");
	dev.allow_renew = true;
	is_int(rule_enrol(&c, &v, &f), Q_OK, "an operator may say otherwise");
	peer.kind = PEER_NONE;
	is_int(rule_enrol(&c, &v, &f), Q_BUSY, "but not to a stranger");
	peer.kind = PEER_SELF;
	dev.allow_renew = false;
	c.now = NOW + 90;
	is_int(rule_enrol(&c, &v, &f), Q_OK, "then there is another");
	c.now = NOW;
	dev.certs.c[7].not_after = NOW - 1;
	is_int(rule_enrol(&c, &v, &f), Q_OK, "an expired one leaves room");
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
	check_identity();
	check_request();
	check_certs();
	check_csr_text();
	check_pace();
	return done();
}
