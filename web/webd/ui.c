// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/ui.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"

#define UI_FILES 512
#define UI_PATH 200
#define UI_FILE_MAX (4 << 20)
#define UI_DEPTH 4

struct ui_file {
	char path[UI_PATH]; /* "pages/hsm.js" */
	const char *type;
	char etag[35]; /* with its quotes */
	struct buf body;
};

struct ui {
	size_t n;
	struct ui_file file[UI_FILES];
};

static const struct {
	const char *end, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".woff2", "font/woff2" },
	{ ".txt", "text/plain; charset=utf-8" },
};

static const char *
type_of(const char *path)
{
	const char *end = strrchr(path, '.');

	for (size_t i = 0; end != NULL && i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].end, end) == 0)
			return types[i].type;
	return NULL;
}

static enum q_err
file_take(struct ui *ui, const char *dir, const char *path, struct fault *f)
{
	const char *type = type_of(path);
	struct ui_file *to;
	char whole[1024];
	uint8_t digest[32];
	char hex[33];
	enum q_err r;

	if (type == NULL)
		return Q_OK;
	if (ui->n == UI_FILES || strlen(path) >= UI_PATH)
		return fault_set(f, Q_TOOBIG, "%s: too many files", dir);
	to = &ui->file[ui->n];
	to->type = type;
	snprintf(whole, sizeof(whole), "%s/%s", dir, path);
	to->body = (struct buf)BUF_INIT(UI_FILE_MAX);
	ui->n++;
	r = file_read(whole, &to->body);
	if (r != Q_OK)
		return fault_set(f, r, "%s: %s", whole, q_err_text(r));
	if (EVP_Digest(to->body.p, to->body.len, digest, NULL, EVP_sha256(),
	    NULL) != 1)
		return Q_INTERNAL;
	hex_encode(digest, 16, hex);
	snprintf(to->etag, sizeof(to->etag), "\"%s\"", hex);
	snprintf(to->path, sizeof(to->path), "%s", path);
	return Q_OK;
}

static enum q_err
folder_take(struct ui *ui, const char *dir, const char *below, unsigned depth,
    struct fault *f)
{
	char whole[1024], path[UI_PATH + 256];
	struct dirent *e;
	struct stat st;
	enum q_err r = Q_OK;
	DIR *d;

	snprintf(whole, sizeof(whole), "%s/%s", dir, below);
	d = opendir(whole);
	if (d == NULL)
		return fault_set(f, Q_NOTFOUND, "%s: cannot be read", whole);
	while (r == Q_OK && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s%s%s", below,
		    below[0] != '\0' ? "/" : "", e->d_name);
		if (fstatat(dirfd(d), e->d_name, &st, 0) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < UI_DEPTH)
			r = folder_take(ui, dir, path, depth + 1, f);
		else if (S_ISREG(st.st_mode))
			r = file_take(ui, dir, path, f);
	}
	closedir(d);
	return r;
}

static const struct ui_file *
file_find(const struct ui *ui, const char *path)
{
	for (size_t i = 0; i < ui->n; i++)
		if (strcmp(ui->file[i].path, path) == 0)
			return &ui->file[i];
	return NULL;
}

enum q_err
ui_load(const char *dir, struct ui **ret_ui, struct fault *f)
{
	struct ui *ui = calloc(1, sizeof(*ui));
	enum q_err r;

	if (ui == NULL)
		return Q_NOMEM;
	r = folder_take(ui, dir, "", 0, f);
	if (r == Q_OK && file_find(ui, "index.html") == NULL)
		r = fault_set(f, Q_NOTFOUND, "%s: has no index.html", dir);
	if (r != Q_OK) {
		ui_free(ui);
		return r;
	}
	*ret_ui = ui;
	return Q_OK;
}

void
ui_free(struct ui *ui)
{
	if (ui == NULL)
		return;
	for (size_t i = 0; i < ui->n; i++)
		buf_free(&ui->file[i].body);
	free(ui);
}

/* Always asked about again, and nearly always answered with 304: a newer
 * version is seen at once. */
static enum q_err
ui_get(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	const struct web *w = ctx;
	const char *path = rq->param[0] != NULL ? rq->param[0] : "index.html";
	const struct ui_file *file = file_find(w->ui, path);
	const char *have = http_header(rq, "If-None-Match");

	if (file == NULL)
		return fault_set(f, Q_NOTFOUND, "not found");
	http_response_header(rs, "Cache-Control", "no-cache");
	http_response_header(rs, "ETag", file->etag);
	if (have != NULL && strstr(have, file->etag) != NULL) {
		rs->status = 304;
		return Q_OK;
	}
	rs->content_type = file->type;
	buf_put(&rs->body, file->body.p, file->body.len);
	return Q_OK;
}

const struct http_route ui_routes[UI_ROUTES] = {
	{ "GET", "/", ui_get },
	{ "GET", "/{*}", ui_get },
};
