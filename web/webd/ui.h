// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_UI_H
#define WEBD_UI_H

/* The browser's side: files of one folder, read once at start. */
#include "webd/web.h"

struct ui;

/* Read every file below dir. NOTFOUND when there is no index.html, TOOBIG,
 * NOMEM, IO. */
enum q_err ui_load(const char *dir, struct ui **ret_ui,
    struct fault *f) Q_CHECKED;
void ui_free(struct ui *ui);

#define UI_ROUTES 2
extern const struct http_route ui_routes[UI_ROUTES];

#endif
