// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_PAGES_H
#define WEBD_PAGES_H

/* Every page of the administration: one row here, one file on each side. */
#include "webd/web.h"

#define WEB_PAGES(X)                                                      \
	X(site)                                                           \
	X(captcha)                                                        \
	X(login)                                                          \
	X(link)                                                           \
	X(signup)                                                         \
	X(profile)                                                        \
	X(apitoken)                                                       \
	X(users)                                                          \
	X(settings)                                                       \
	X(dashboard)                                                      \
	X(live)                                                           \
	X(batches)                                                        \
	X(upload)                                                         \
	X(devices)                                                        \
	X(policies)                                                       \
	X(hubs)                                                           \
	X(logs)                                                           \
	X(mail)                                                           \
	X(hsm)                                                            \
	X(authcerts)                                                      \
	X(tokens)                                                         \
	X(keys)                                                           \
	X(keyuse)                                                         \
	X(approvals)                                                      \
	X(tls)

#define X(name) extern const struct web_page name##_page;
WEB_PAGES(X)
#undef X

/* WEB_PAGE(site, "...", site_routes) at the end of a page's file. */
#define WEB_PAGE(id, about, table)                                        \
	const struct web_page id##_page = { #id, about, table,            \
		sizeof(table) / sizeof((table)[0]) }

extern const struct web_page *const web_pages[];
extern const size_t web_n_pages;

#endif
