// SPDX-License-Identifier: Apache-2.0
/* The appliance as a token for programs of this machine: codesign keys, each
 * for the users that its rules name. For all others a key does not exist. */
#include "config.h"

#include <string.h>

#include "base/own.h"
#include "signd/sign_once.h"
#include "signd/signd.h"

#define PAGE_BYTES 90000 /* of the 98304 that a page may have */

static bool
is_seen(const struct key *k, uint32_t uid)
{
	return k->purpose == PURPOSE_CODESIGN && key_rules_user(&k->rules,
	    uid);
}

static void
key_put(const struct key *k, struct buf *out)
{
	struct signd_code_key item = { .id = k->id, .name = k->name,
		.kind = kind_text(k->kind), .mechs = key_mechs(k),
		.imported = k->imported, .not_before = k->rules.not_before,
		.not_after = k->rules.not_after,
		.spki = { k->spki, k->spki_len },
		.cert = { k->der, k->der_len } };

	wire_list_put(out, &signd_code_key_type, &item);
}

static const struct key *
key_find(const struct keyring *ring, const char *id, uint32_t uid,
    struct fault *f)
{
	const struct key *k = keyring_find(ring, id);

	if (k != NULL && is_seen(k, uid))
		return k;
	fault_set(f, Q_NOTFOUND, "no key %.16s", id);
	return NULL;
}

enum q_err
signd_do_code_keys(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_code_keys_req *in = req;
	struct signd_code_keys_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	uint32_t uid = wire_req_uid(q);
	bool begun = in->after[0] == '\0';
	enum q_err r = signd_ring(ctx, false, &ring, f);

	if (r == Q_OK && !begun && key_find(ring, in->after, uid, f) == NULL)
		r = Q_NOTFOUND;
	if (r != Q_OK)
		return r;
	for (size_t i = 0; i < ring->n && !out->more; i++) {
		const struct key *k = ring->keys[i];

		if (begun && is_seen(k, uid)) {
			out->more = space->len > PAGE_BYTES;
			if (!out->more)
				key_put(k, space);
		}
		begun |= strcmp(k->id, in->after) == 0;
	}
	out->items = buf_bytes(space);
	return Q_OK;
}

enum q_err
signd_do_code_sign(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_code_sign_req *in = req;
	struct signd_code_sign_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct sign_shape shape;
	struct sign_ask ask = { .op = SIGND_OP_code_sign, .shape = &shape,
		.use = { .what = "code_sign", .mech = in->mech,
			.purposes = 1u << PURPOSE_CODESIGN,
			.role = wire_req_role(q), .uid = wire_req_uid(q) },
		.nonce = in->nonce };
	enum q_err r = signd_ring(ctx, false, &ring, f);

	if (r == Q_OK && (ask.key = key_find(ring, in->key, ask.use.uid, f)) ==
	    NULL)
		r = Q_NOTFOUND;
	if (r == Q_OK)
		r = sign_shape_parse(in, &shape, f);
	if (r == Q_OK)
		r = sign_once(ctx, ring, &ask, wire_req_space(q), f);
	out->signature = buf_bytes(wire_req_space(q));
	return r;
}
