// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_DISPATCH_H
#define WEBD_DISPATCH_H

#include "webd/web.h"

/* The HTTP handler of every route of the pages; ctx is the struct web. */
http_handler web_dispatch;

/* Make w->routes: all pages' routes, behind them the UI's files. NOMEM. */
enum q_err web_routes_make(struct web *w) Q_CHECKED;

#endif
