// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_SETTINGS_H
#define WEBD_SETTINGS_H

/* What administrators set on the page: one table, kept as `setting` records
 * "web.<name>", cached. */
#include "webd/web.h"

/* A setting's value, or its default; name is one of the table. Text into
 * out[cap]. */
int64_t settings_int(const struct web *w, const char *name);
void settings_text(const struct web *w, const char *name, char *out,
    size_t cap);

#endif
