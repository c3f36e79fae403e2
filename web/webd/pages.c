// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/pages.h"

#include "base/own.h"

const struct web_page *const web_pages[] = {
#define X(name) &name##_page,
	WEB_PAGES(X)
#undef X
};
const size_t web_n_pages = ARRAY_LEN(web_pages);
