// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "token/p11.h"

#define SLOTS_FIRST 64

/* What this thread's request looked up last: what is forgotten when the
 * token says that the handle is wrong. */
static _Thread_local struct p11_handle last;

/* Ids are random. A table with open addressing, never full. */
static struct p11_handle *
slot_of(const struct p11_handles *t, const uint8_t id[P11_ID_BYTES],
    CK_OBJECT_CLASS class)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, id, sizeof(hash));
	i = (size_t)(hash + class) & (t->cap - 1);
	while (t->slots[i].class != 0 && (t->slots[i].class != class + 1 ||
	    memcmp(t->slots[i].id, id, P11_ID_BYTES) != 0))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static bool
grow(struct p11_handles *t)
{
	struct p11_handles more = { .n = t->n,
		.cap = t->cap != 0 ? t->cap * 2 : SLOTS_FIRST };

	if (t->n < t->cap / 2)
		return true;
	more.slots = calloc(more.cap, sizeof(*more.slots));
	if (more.slots == NULL)
		return false;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].class != 0)
			*slot_of(&more, t->slots[i].id,
			    t->slots[i].class - 1) = t->slots[i];
	free(t->slots);
	t->slots = more.slots;
	t->cap = more.cap;
	return true;
}

static CK_OBJECT_HANDLE
known(struct p11 *p, const uint8_t id[P11_ID_BYTES], CK_OBJECT_CLASS class)
{
	CK_OBJECT_HANDLE h = CK_INVALID_HANDLE;
	const struct p11_handle *slot;

	pthread_mutex_lock(&p->handles.lock);
	if (p->handles.cap != 0) {
		slot = slot_of(&p->handles, id, class);
		if (slot->class != 0)
			h = slot->handle;
	}
	pthread_mutex_unlock(&p->handles.lock);
	return h;
}

void
p11_keep(struct p11 *p, const uint8_t id[P11_ID_BYTES],
    CK_OBJECT_CLASS class, CK_OBJECT_HANDLE handle)
{
	struct p11_handle *slot;

	pthread_mutex_lock(&p->handles.lock);
	if (grow(&p->handles)) {
		slot = slot_of(&p->handles, id, class);
		p->handles.n += slot->class == 0;
		memcpy(slot->id, id, P11_ID_BYTES);
		slot->class = class + 1; /* 0 is a class, too */
		slot->handle = handle;
	}
	pthread_mutex_unlock(&p->handles.lock);
}

void
p11_forget_last(struct p11 *p)
{
	p11_keep(p, last.id, last.class, CK_INVALID_HANDLE);
}

void
p11_forget(struct p11 *p, const uint8_t *id)
{
	struct p11_handles *t = &p->handles;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->cap; i++)
		if (id == NULL ||
		    memcmp(t->slots[i].id, id, P11_ID_BYTES) == 0)
			t->slots[i].handle = CK_INVALID_HANDLE;
	pthread_mutex_unlock(&t->lock);
}

CK_RV
p11_search_alone(struct p11 *p, CK_SESSION_HANDLE session,
    CK_ATTRIBUTE *match, CK_ULONG n_match, struct p11_found *found)
{
	CK_RV rv = p->f->C_FindObjectsInit(session, match, n_match), end;
	CK_ULONG got = 1;

	if (rv != CKR_OK)
		return rv;
	/* A module may give them in portions. */
	for (found->n = 0; rv == CKR_OK && got != 0 && found->n < found->cap;
	    found->n += got) {
		got = 0;
		rv = p->f->C_FindObjects(session, found->h + found->n,
		    found->cap - found->n, &got);
		if (got > found->cap - found->n)
			rv = CKR_GENERAL_ERROR;
	}
	end = p->f->C_FindObjectsFinal(session);
	return rv != CKR_OK ? rv : end;
}

CK_RV
p11_search(struct p11 *p, CK_SESSION_HANDLE session, CK_ATTRIBUTE *match,
    CK_ULONG n_match, struct p11_found *found)
{
	CK_RV rv;

	pthread_rwlock_rdlock(&p->manage);
	rv = p11_search_alone(p, session, match, n_match, found);
	pthread_rwlock_unlock(&p->manage);
	return rv;
}

CK_RV
p11_find(struct p11 *p, CK_SESSION_HANDLE session,
    const uint8_t id[P11_ID_BYTES], CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *ret_handle)
{
	uint8_t copy[P11_ID_BYTES];
	CK_ATTRIBUTE match[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, copy, sizeof(copy) },
	};
	CK_OBJECT_HANDLE h = known(p, id, class);
	struct p11_found found = { &h, 1, 0 };
	CK_RV rv;

	memcpy(last.id, id, P11_ID_BYTES);
	last.class = class;
	if (h == CK_INVALID_HANDLE) {
		memcpy(copy, id, sizeof(copy));
		rv = p11_search(p, session, match, ARRAY_LEN(match), &found);
		if (rv != CKR_OK)
			return rv;
		if (found.n == 0)
			return P11_NO_SUCH_KEY;
		p11_keep(p, id, class, h);
	}
	*ret_handle = h;
	return CKR_OK;
}

CK_RV
p11_same(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
    const uint8_t id[P11_ID_BYTES])
{
	uint8_t have[P11_ID_BYTES];
	CK_ATTRIBUTE t = { CKA_ID, have, sizeof(have) };
	CK_RV rv = p->f->C_GetAttributeValue(session, handle, &t, 1);

	if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
		return rv;
	return rv == CKR_OK && t.ulValueLen == sizeof(have) &&
	    memcmp(have, id, sizeof(have)) == 0 ? CKR_OK :
	    CKR_OBJECT_HANDLE_INVALID;
}
