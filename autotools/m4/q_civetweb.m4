# SPDX-License-Identifier: Apache-2.0

# Q_CIVETWEB: find the civetweb source that autotools/deps unpacks.
AC_DEFUN([Q_CIVETWEB], [
AC_ARG_WITH([civetweb],
	[AS_HELP_STRING([--with-civetweb=DIR],
		[civetweb source @<:@/usr/local/src/quoin/civetweb@:>@])],
	[], [with_civetweb=/usr/local/src/quoin/civetweb])
AC_MSG_CHECKING([for civetweb's source])
AS_IF([test -f "$with_civetweb/src/civetweb.c"],
	[AC_MSG_RESULT([$with_civetweb])],
	[AC_MSG_RESULT([no])
	AC_MSG_WARN([no civetweb in $with_civetweb: run autotools/deps as root])])
CIVETWEB_CFLAGS="-isystem $with_civetweb/include -isystem $with_civetweb/src"
CIVETWEB_CFLAGS="$CIVETWEB_CFLAGS -DOPENSSL_API_3_0 -DNO_SSL_DL -DUSE_IPV6"
CIVETWEB_CFLAGS="$CIVETWEB_CFLAGS -DUSE_WEBSOCKET -DNO_CGI"
AC_SUBST([CIVETWEB_CFLAGS])
AC_SUBST([with_civetweb])
])
