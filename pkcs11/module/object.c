// SPDX-License-Identifier: Apache-2.0
/* Finding objects, and what is said about them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "module/module.h"

CK_RV
C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ,
    CK_ULONG count)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (templ == NULL && count != 0)
		rv = CKR_ARGUMENTS_BAD;
	else if (s->finding)
		rv = CKR_OPERATION_ACTIVE;
	if (rv == CKR_OK)
		rv = keys_refresh();
	if (rv == CKR_OK)
		rv = objects_match(templ, count, &s->found, &s->n_found);
	if (rv == CKR_OK) {
		s->finding = true;
		s->at = 0;
	}
	session_put(s);
	return rv;
}

CK_RV
C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *object,
    CK_ULONG max, CK_ULONG *count)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (count == NULL || (object == NULL && max != 0))
		rv = CKR_ARGUMENTS_BAD;
	else if (!s->finding)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	if (rv == CKR_OK) {
		*count = 0;
		while (*count < max && s->at < s->n_found)
			object[(*count)++] = s->found[s->at++];
	}
	session_put(s);
	return rv;
}

CK_RV
C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (!s->finding)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	s->finding = false;
	free(s->found);
	s->found = NULL;
	session_put(s);
	return rv;
}

static bool
is_sensitive(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_VALUE,
		CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
		CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i] == type)
			return o->class == CKO_PRIVATE_KEY;
	return false;
}

/* PKCS #11 2.40 5.7, C_GetAttributeValue: cases 1 to 5. */
static CK_RV
get_one(const struct object *o, CK_ATTRIBUTE *want)
{
	const struct attr *a = NULL;

	for (size_t i = 0; i < o->n; i++)
		if (o->attrs[i].type == want->type)
			a = &o->attrs[i];
	if (a == NULL) {
		want->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return is_sensitive(o, want->type) ? CKR_ATTRIBUTE_SENSITIVE :
		    CKR_ATTRIBUTE_TYPE_INVALID;
	}
	if (want->pValue != NULL && want->ulValueLen < a->len) {
		want->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (want->pValue != NULL && a->len != 0)
		memcpy(want->pValue, a->value, a->len);
	want->ulValueLen = a->len;
	return CKR_OK;
}

CK_RV
C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE *templ, CK_ULONG count)
{
	const struct object *o;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	o = object_get(object, NULL);
	if (o == NULL)
		rv = CKR_OBJECT_HANDLE_INVALID;
	else if (templ == NULL || count == 0)
		rv = CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; o != NULL && templ != NULL && i < count; i++) {
		CK_RV one = get_one(o, &templ[i]);

		if (one != CKR_OK)
			rv = one;
	}
	session_put(s);
	return rv;
}

CK_RV
C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ULONG *size)
{
	const struct object *o;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	o = object_get(object, NULL);
	if (o == NULL)
		rv = CKR_OBJECT_HANDLE_INVALID;
	else if (size == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		*size = 0;
	for (size_t i = 0; rv == CKR_OK && i < o->n; i++)
		*size += o->attrs[i].len;
	session_put(s);
	return rv;
}

/* Objects are made, changed and destroyed by the appliance's administrators,
 * not from here. */
static CK_RV
read_only(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_RV then)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	rv = object_get(object, NULL) == NULL ? CKR_OBJECT_HANDLE_INVALID :
	    then;
	session_put(s);
	return rv;
}

CK_RV
C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE *templ, CK_ULONG count)
{
	(void)templ;
	(void)count;
	return read_only(session, object, CKR_ATTRIBUTE_READ_ONLY);
}

CK_RV
C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	return read_only(session, object, CKR_TOKEN_WRITE_PROTECTED);
}

CK_RV
C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
	(void)templ;
	(void)count;
	(void)copy;
	return read_only(session, object, CKR_TOKEN_WRITE_PROTECTED);
}

CK_RV
C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ,
    CK_ULONG count, CK_OBJECT_HANDLE *object)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	(void)templ;
	(void)count;
	(void)object;
	if (rv != CKR_OK)
		return rv;
	session_put(s);
	return CKR_TOKEN_WRITE_PROTECTED;
}
