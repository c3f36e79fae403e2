// SPDX-License-Identifier: Apache-2.0
/*
 * Stands in for libFuzzer: gives each file named on the command line to the
 * harness, twice, since state left by the first run is a bug too.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The harness must not rely on a byte after the input: no padding here. */
static int
replay(const char *path)
{
	uint8_t *data = NULL, *fit;
	size_t size = 0, cap = 1 << 20;
	FILE *f = fopen(path, "rb");
	int r = -1;

	if (f == NULL)
		goto out;
	data = malloc(cap);
	if (data == NULL)
		goto out;
	size = fread(data, 1, cap, f);
	if (ferror(f) || size == cap)
		goto out;
	fit = realloc(data, size ? size : 1);
	if (fit == NULL)
		goto out;
	data = fit;
	r = 0;
	for (int i = 0; i < 2; i++)
		r |= LLVMFuzzerTestOneInput(data, size);
out:
	if (r != 0)
		fprintf(stderr, "%s: cannot replay\n", path);
	if (f != NULL)
		fclose(f);
	free(data);
	return r;
}

int
main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc; i++)
		r |= replay(argv[i]);
	return r != 0 || argc < 2;
}
