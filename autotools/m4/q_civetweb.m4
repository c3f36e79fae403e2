# SPDX-License-Identifier: Apache-2.0

# Q_CIVETWEB: find the civetweb source that autotools/deps unpacks, and
# refuse one that cannot finish a TLS handshake.
AC_DEFUN([Q_CIVETWEB], [
AC_ARG_WITH([civetweb],
	[AS_HELP_STRING([--with-civetweb=DIR],
		[civetweb's source @<:@/usr/local/src/quoin/civetweb@:>@])],
	[], [with_civetweb=/usr/local/src/quoin/civetweb])
CIVETWEB_CFLAGS="-isystem $with_civetweb/include -isystem $with_civetweb/src"
CIVETWEB_CFLAGS="$CIVETWEB_CFLAGS -DOPENSSL_API_3_0 -DNO_SSL_DL -DUSE_IPV6"
CIVETWEB_CFLAGS="$CIVETWEB_CFLAGS -DUSE_WEBSOCKET -DNO_CGI"
AC_CACHE_CHECK([for a civetweb source that can serve TLS], [q_cv_civetweb], [
	q_cv_civetweb=no
	q_save_CFLAGS=$CFLAGS
	q_save_LIBS=$LIBS
	CFLAGS="-w $CIVETWEB_CFLAGS $OPENSSL_CFLAGS"
	LIBS="$OPENSSL_LIBS -lpthread"
	AC_RUN_IFELSE([AC_LANG_SOURCE([[
#include "$srcdir/autotools/civetweb-check.c"
		]])], [q_cv_civetweb=$with_civetweb])
	CFLAGS=$q_save_CFLAGS
	LIBS=$q_save_LIBS
])
AS_IF([test "x$q_cv_civetweb" != "x$with_civetweb"], [AC_MSG_ERROR(
	[civetweb in $with_civetweb is missing or cannot finish a TLS handshake:
run autotools/deps as root, which installs one that can])])
AC_SUBST([CIVETWEB_CFLAGS])
AC_SUBST([with_civetweb])
])
