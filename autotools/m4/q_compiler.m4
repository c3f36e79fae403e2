# SPDX-License-Identifier: Apache-2.0

# Q_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([Q_FLAG], [
	AS_VAR_PUSHDEF([q_cache], [q_cv_flag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [q_cache], [
		q_save=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([q_cache], [yes])],
			[AS_VAR_SET([q_cache], [no])])
		CFLAGS=$q_save])
	AS_VAR_IF([q_cache], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([q_cache])
])

# Q_COMPILER: warnings, hardening, --enable-strict, -sanitize and -fuzz.
AC_DEFUN([Q_COMPILER], [
AC_ARG_ENABLE([strict],
	[AS_HELP_STRING([--enable-strict], [make every warning an error])])
AC_ARG_ENABLE([sanitize],
	[AS_HELP_STRING([--enable-sanitize],
		[build with the address and undefined behaviour sanitizers])])
AC_ARG_ENABLE([fuzz],
	[AS_HELP_STRING([--enable-fuzz],
		[link the fuzz harnesses with libFuzzer (needs clang)])])

Q_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual"
Q_CFLAGS="$Q_CFLAGS -Wstrict-prototypes -Wmissing-prototypes -Wvla"
Q_CFLAGS="$Q_CFLAGS -Wno-missing-field-initializers"
Q_CPPFLAGS="-D_GNU_SOURCE"
Q_LDFLAGS="-pie -Wl,-z,relro,-z,now"
Q_FLAG([Q_CFLAGS], [-fstack-protector-strong])
Q_FLAG([Q_CFLAGS], [-fstack-clash-protection])
Q_FLAG([Q_CFLAGS], [-fcf-protection])
Q_CFLAGS="$Q_CFLAGS -fPIE"

q_sanitize=
AS_IF([test "x$enable_fuzz" = xyes],
	[q_sanitize=fuzzer-no-link,address,undefined],
	[test "x$enable_sanitize" = xyes], [q_sanitize=address,undefined])
AS_IF([test -n "$q_sanitize"], [
	q_sanitize="-fsanitize=$q_sanitize -fno-sanitize-recover=undefined"
	AC_MSG_CHECKING([whether $CC takes $q_sanitize])
	q_save=$CFLAGS
	CFLAGS="$CFLAGS $q_sanitize"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])], [
		AC_MSG_RESULT([no])
		AC_MSG_ERROR([$CC cannot do that; try configure CC=clang])])
	CFLAGS=$q_save
	Q_CFLAGS="$Q_CFLAGS $q_sanitize -fno-omit-frame-pointer"
	Q_LDFLAGS="$Q_LDFLAGS $q_sanitize"
	AC_DEFINE([Q_SANITIZED], [1], [Define if built with a sanitizer.])
], [
	# glibc refuses to fortify what is not optimised.
	AS_CASE([" $CFLAGS "],
		[*' -O0 '*], [],
		[*' -O'*], [Q_CPPFLAGS="$Q_CPPFLAGS -U_FORTIFY_SOURCE"
			Q_CPPFLAGS="$Q_CPPFLAGS -D_FORTIFY_SOURCE=2"])
])
AS_IF([test "x$enable_strict" = xyes], [Q_CFLAGS="$Q_CFLAGS -Werror"])

AM_CONDITIONAL([FUZZ], [test "x$enable_fuzz" = xyes])
AM_CONDITIONAL([SANITIZE], [test -n "$q_sanitize"])
AC_SUBST([Q_CFLAGS])
AC_SUBST([Q_CPPFLAGS])
AC_SUBST([Q_LDFLAGS])
])
