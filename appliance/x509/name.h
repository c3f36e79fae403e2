// SPDX-License-Identifier: Apache-2.0
#ifndef X509_NAME_H
#define X509_NAME_H

/* Distinguished names. */

#include "base/buf.h"
#include "base/err.h"

/* What our own names are made of; NULL: left out. UTF-8, at most 64
 * characters each, country two capital letters. */
struct name {
	const char *country;
	const char *organization;
	const char *unit;
	const char *common;
};

/* Append the Name as DER, in the order of the struct, UTF8String but for
 * the country (PrintableString, X.520). INVALID naming the member. */
enum q_err name_build(const struct name *name, struct buf *out,
    struct fault *f) Q_CHECKED;

/* Check the shape of a Name (DER) and find its first commonName: borrowed,
 * len 0 when there is none. PROTO when it is not a Name, INVALID when the
 * commonName is not a string of UTF-8, Printable, IA5 or T61 kind. */
enum q_err name_common(struct bytes name, struct bytes *ret_cn,
    struct fault *f) Q_CHECKED;

#endif
