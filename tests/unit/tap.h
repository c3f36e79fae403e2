// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

/*
 * A test program in one file: checks print TAP, done() prints the plan and
 * gives the exit status of main(). For one process and one thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

/* Print one result line; what is after the format is the test's name. */
__attribute__((format(printf, 2, 3), unused)) static int
ok(int cond, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	tap_failed += !cond;
	return cond;
}

/* Compare integers and say both when they differ. */
#define is_int(got, want, ...) \
	tap_is_int((long long)(got), (long long)(want), __VA_ARGS__)

/* Compare strings, either of which may be NULL. */
#define is_str(got, want, ...) tap_is_str((got), (want), __VA_ARGS__)

#define tap_is_int(got, want, ...)                                         \
	({                                                                 \
		long long tap_g = (got), tap_w = (want);                   \
		int tap_ok = ok(tap_g == tap_w, __VA_ARGS__);              \
		if (!tap_ok)                                               \
			printf("# %s:%d: got %lld, want %lld\n", __FILE__, \
			       __LINE__, tap_g, tap_w);                    \
		tap_ok;                                                    \
	})

#define tap_is_str(got, want, ...)                                         \
	({                                                                 \
		const char *tap_g = (got), *tap_w = (want);                \
		int tap_ok = ok(tap_g && tap_w ? !strcmp(tap_g, tap_w)     \
					       : tap_g == tap_w,           \
				__VA_ARGS__);                              \
		if (!tap_ok)                                               \
			printf("# %s:%d: got '%s', want '%s'\n", __FILE__, \
			       __LINE__, tap_g ? tap_g : "(null)",         \
			       tap_w ? tap_w : "(null)");                  \
		tap_ok;                                                    \
	})

/* Count n tests as skipped, for a reason. */
__attribute__((unused)) static void
skip(int n, const char *why)
{
	while (n-- > 0)
		printf("ok %d # SKIP %s\n", ++tap_count, why);
}

/* Print the plan; return what main() returns. */
__attribute__((unused)) static int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
