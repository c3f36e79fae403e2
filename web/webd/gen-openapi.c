// SPDX-License-Identifier: Apache-2.0
/* Writes openapi.yaml from the tables that quoin-webd is made of. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "webd/pages.h"

#define SHAPES_MAX 256
#define ROUTES_MAX 512

static const struct shape *shapes[SHAPES_MAX];
static size_t n_shapes;

static void
shape_take(const struct shape *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < n_shapes; i++) {
		if (shapes[i] == s)
			return;
		if (strcmp(shapes[i]->name, s->name) == 0)
			log_fatal("two shapes are called %s", s->name);
	}
	if (n_shapes == SHAPES_MAX)
		log_fatal("more than %d shapes", SHAPES_MAX);
	shapes[n_shapes++] = s;
	for (size_t i = 0; i < s->n; i++)
		shape_take(s->fields[i].sub);
}

static int
shape_order(const void *a, const void *b)
{
	return strcmp((*(const struct shape *const *)a)->name,
	    (*(const struct shape *const *)b)->name);
}

/* A text as a YAML scalar. */
static void
text_put(const char *text)
{
	putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			putchar('\'');
		putchar(*text);
	}
	puts("'");
}

static void
line(int in, const char *name)
{
	printf("%*s%s\n", in, "", name);
}

static void
member(int in, const char *name, const char *value)
{
	printf("%*s%s: ", in, "", name);
	text_put(value);
}

static void
number(int in, const char *name, int64_t value)
{
	printf("%*s%s: %lld\n", in, "", name, (long long)value);
}

static void
names_put(int in, const char *const *names)
{
	line(in, "enum:");
	for (; *names != NULL; names++) {
		printf("%*s- ", in + 2, "");
		text_put(*names);
	}
}

static void
ref_put(int in, const struct shape *s)
{
	printf("%*s$ref: '#/components/schemas/%s'\n", in, "", s->name);
}

#define PLAIN_TEXT "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"

static void
string_put(int in, const struct shape_field *fd)
{
	line(in, "type: string");
	switch (fd->kind) {
	case SHAPE_TIME:
		line(in, "pattern: '^([0-9]{4}-[0-9]{2}-[0-9]{2}"
		    "T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$'");
		return;
	case SHAPE_ENUM:
	case SHAPE_ENUMS:
		names_put(in, fd->names);
		return;
	case SHAPE_HEX:
		printf("%*spattern: '^[0-9a-f]{%lld,%lld}$'\n", in, "",
		    (long long)fd->low, (long long)fd->high);
		return;
	case SHAPE_SECRET:
		line(in, "format: password");
		break;
	default:
		break;
	}
	if (fd->kind != SHAPE_TEXT)
		line(in, "pattern: '" PLAIN_TEXT "'");
	if (fd->low > 0)
		number(in, "minLength", fd->low);
	if (fd->high > 0)
		number(in, "maxLength", fd->high);
}

static void
value_put(int in, const struct shape_field *fd)
{
	switch (fd->kind) {
	case SHAPE_INT:
		line(in, "type: integer");
		number(in, "minimum", fd->low);
		number(in, "maximum", fd->high);
		return;
	case SHAPE_BOOL:
		line(in, "type: boolean");
		return;
	case SHAPE_OBJ:
		ref_put(in, fd->sub);
		return;
	case SHAPE_STRS:
	case SHAPE_ENUMS:
	case SHAPE_OBJS:
		line(in, "type: array");
		number(in, "maxItems", fd->many);
		line(in, "items:");
		if (fd->kind == SHAPE_OBJS)
			ref_put(in + 2, fd->sub);
		else
			string_put(in + 2, fd);
		return;
	default:
		string_put(in, fd);
	}
}

static void
field_put(int in, const struct shape_field *fd)
{
	printf("%*s%s:\n", in, "", fd->name);
	if (fd->kind != SHAPE_OBJ && fd->text != NULL && fd->text[0] != '\0')
		member(in + 2, "description", fd->text);
	value_put(in + 2, fd);
}

static bool
hidden(const struct shape *s, const char *name)
{
	size_t n = strlen(name);
	const char *at = s->hide;

	while (at != NULL && (at = strstr(at, name)) != NULL) {
		if ((at == s->hide || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
		at += n;
	}
	return false;
}

static void
record_field_put(int in, const struct rec_field *fd)
{
	printf("%*s%s:\n", in, "", fd->name);
	member(in + 2, "description", fd->text);
	switch (fd->kind) {
	case REC_INT:
		line(in + 2, "type: integer");
		break;
	case REC_BOOL:
		line(in + 2, "type: boolean");
		break;
	case REC_ENUM:
		line(in + 2, "type: string");
		line(in + 2, "enum:");
		for (int64_t i = fd->low; i <= fd->high; i++)
			printf("%*s- '%s'\n", in + 4, "", fd->names[i]);
		break;
	case REC_CERTS:
		line(in + 2, "type: array");
		line(in + 2, "items: {type: object}");
		break;
	case REC_TIME:
		line(in + 2, "type: string");
		line(in + 2, "format: date-time");
		break;
	default:
		line(in + 2, "type: string");
	}
}

/* The fields of a record's table that are not the shape's own or hidden. */
static void
record_put(int in, const struct shape *s)
{
	const struct rec_desc *d = rec_desc(s->rec);

	if (d == NULL)
		return;
	printf("%*s%s: {type: string}\n", in, "", d->key_json);
	printf("%*setag: {type: string}\n", in, "");
	for (size_t i = 0; i < d->n; i++)
		if (!hidden(s, d->fields[i].name) &&
		    shape_field(s, d->fields[i].name) == NULL)
			record_field_put(in, &d->fields[i]);
}

static void
shape_put(const struct shape *s)
{
	bool any = false;

	printf("    %s:\n      type: object\n", s->name);
	if (!s->open)
		line(6, "additionalProperties: false");
	line(6, "properties:");
	record_put(8, s);
	for (size_t i = 0; i < s->n; i++) {
		field_put(8, &s->fields[i]);
		any |= (s->fields[i].flags & SHAPE_NEED) != 0;
	}
	if (!any)
		return;
	line(6, "required:");
	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].flags & SHAPE_NEED)
			printf("        - %s\n", s->fields[i].name);
}

/* "get_batches_name_devices" */
static void
operation_id(const struct web_route *r)
{
	const char *s = r->path + strlen("/api/v1");

	fputs("      operationId: ", stdout);
	for (const char *m = r->method; *m != '\0'; m++)
		putchar(tolower((unsigned char)*m));
	for (; *s != '\0'; s++)
		if (isalnum((unsigned char)*s))
			putchar(*s);
		else if (*s == '/' || *s == '.' || *s == '-')
			putchar('_');
	putchar('\n');
}

static void
params_put(const struct web_route *r)
{
	const char *s = r->path;

	if (strchr(s, '{') == NULL && r->query == NULL)
		return;
	line(6, "parameters:");
	while ((s = strchr(s, '{')) != NULL) {
		size_t n = strcspn(++s, "}");

		printf("        - {name: %.*s, in: path, required: true, "
		    "schema: {type: string, minLength: 1, maxLength: 100}}\n",
		    (int)n, s);
	}
	for (size_t i = 0; r->query != NULL && i < r->query->n; i++) {
		const struct shape_field *fd = &r->query->fields[i];

		printf("        - name: %s\n", fd->name);
		line(10, "in: query");
		member(10, "description", fd->text);
		line(10, "schema:");
		value_put(12, fd);
	}
}

static void
body_put(const struct web_route *r)
{
	static const char *const lists[] = { "application/json",
		"text/plain", "text/csv" };

	if (r->in != NULL) {
		line(6, "requestBody:");
		line(8, "required: true");
		line(8, "content:");
		line(10, "application/json:");
		line(12, "schema:");
		ref_put(14, r->in);
	}
	if ((r->flags & WEB_STREAM) == 0)
		return;
	line(6, "requestBody:");
	line(8, "required: true");
	line(8, "content:");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		printf("          %s: {schema: {type: %s}}\n", lists[i],
		    i == 0 ? "object" : "string");
}

static const struct {
	int status;
	const char *name;
} problems[] = {
	{ 400, "Invalid" }, { 401, "Unauthenticated" }, { 403, "Forbidden" },
	{ 404, "NotFound" }, { 408, "Slow" }, { 409, "Conflict" },
	{ 412, "Stale" }, { 413, "TooLarge" }, { 415, "WrongType" },
	{ 429, "TooMany" }, { 503, "Unavailable" },
};

static void
answers_put(const struct web_route *r)
{
	line(6, "responses:");
	printf("        '%d':\n", r->status);
	line(10, "description: done");
	if (r->out != NULL || r->media != NULL) {
		line(10, "content:");
		printf("            %s:\n", r->media != NULL ? r->media :
		    "application/json");
		line(14, "schema:");
		if (r->out != NULL)
			ref_put(16, r->out);
		else
			line(16, "type: string");
	}
	if (r->also != 0)
		printf("        '%d': {description: done}\n", r->also);
	for (size_t i = 0; i < ARRAY_LEN(problems); i++)
		printf("        '%d': {$ref: '#/components/responses/%s'}\n",
		    problems[i].status, problems[i].name);
}

static void
security_put(const struct web_route *r)
{
	if (r->access == WEB_PUBLIC) {
		line(6, "security: []");
		return;
	}
	line(6, "security:");
	line(8, "- session: []");
	if (r->scope != WEB_SESSION)
		line(8, "- token: []");
	printf("      x-role: %s\n", r->access == WEB_ADMIN ?
	    "administrator" : "contributor");
#define X(name, bit, text, help)                    \
	if (r->scope == WEB_SCOPE_##name)           \
		printf("      x-scope: %s\n", text);
	WEB_SCOPES(X)
#undef X
}

static void
operation_put(const struct web_page *page, const struct web_route *r)
{
	printf("    ");
	for (const char *m = r->method; *m != '\0'; m++)
		putchar(tolower((unsigned char)*m));
	puts(":");
	operation_id(r);
	printf("      tags: [%s]\n", page->name);
	member(6, "summary", r->text);
	security_put(r);
	params_put(r);
	body_put(r);
	answers_put(r);
}

struct row {
	const struct web_page *page;
	const struct web_route *route;
};

static int
row_order(const void *a, const void *b)
{
	const struct web_route *x = ((const struct row *)a)->route;
	const struct web_route *y = ((const struct row *)b)->route;
	int d = strcmp(x->path, y->path);

	return d != 0 ? d : strcmp(x->method, y->method);
}

static void
head_put(void)
{
	puts("# SPDX-License-Identifier: Apache-2.0\n"
	    "# Made from the route and record tables: `make openapi`.\n"
	    "openapi: 3.1.0\n"
	    "info:\n"
	    "  title: Quoin\n"
	    "  version: '1'\n"
	    "  license: {name: Apache-2.0, identifier: Apache-2.0}\n"
	    "  description: 'The web administration: everything its pages "
	    "do. A browser has a session, whose unsafe requests carry "
	    "X-Quoin-CSRF; a script has an API token.'\n"
	    "servers: [{url: /}]\n"
	    "tags:");
	for (size_t i = 0; i < web_n_pages; i++) {
		printf("  - name: %s\n", web_pages[i]->name);
		member(4, "description", web_pages[i]->text);
	}
	puts("paths:");
}

static void
tail_put(void)
{
	puts("components:\n"
	    "  securitySchemes:\n"
	    "    session: {type: apiKey, in: cookie, name: __Host-quoin}\n"
	    "    token: {type: http, scheme: bearer}\n"
	    "  responses:");
	for (size_t i = 0; i < ARRAY_LEN(problems); i++)
		printf("    %s:\n      description: '%s'\n"
		    "      content: {application/problem+json: {schema: "
		    "{$ref: '#/components/schemas/Problem'}}}\n",
		    problems[i].name, problems[i].name);
	puts("  schemas:\n"
	    "    Problem:\n"
	    "      description: RFC 9457\n"
	    "      type: object\n"
	    "      required: [type, title, status]\n"
	    "      properties:\n"
	    "        type: {type: string}\n"
	    "        title: {type: string}\n"
	    "        status: {type: integer}\n"
	    "        detail: {type: string}\n"
	    "        errors: {type: array, items: {type: object}}");
	for (size_t i = 0; i < n_shapes; i++)
		shape_put(shapes[i]);
}

int
main(void)
{
	static struct row rows[ROUTES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < web_n_pages; i++)
		for (size_t j = 0; j < web_pages[i]->n && n < ROUTES_MAX; j++)
			rows[n++] = (struct row){ web_pages[i],
				&web_pages[i]->routes[j] };
	qsort(rows, n, sizeof(rows[0]), row_order);
	head_put();
	for (size_t i = 0; i < n; i++) {
		const struct web_route *r = rows[i].route;

		if (i == 0 || strcmp(rows[i - 1].route->path, r->path) != 0)
			printf("  %s:\n", r->path);
		operation_put(rows[i].page, r);
		shape_take(r->in);
		shape_take(r->out);
	}
	qsort(shapes, n_shapes, sizeof(shapes[0]), shape_order);
	tail_put();
	return ferror(stdout) != 0;
}
