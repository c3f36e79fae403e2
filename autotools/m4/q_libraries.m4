# SPDX-License-Identifier: Apache-2.0

# Q_LIBRARIES: what we link with. Their headers are read as system headers,
# so that --enable-strict judges our code only.
AC_DEFUN([Q_LIBRARIES], [
PKG_CHECK_MODULES([OPENSSL], [openssl >= 3.0])
PKG_CHECK_MODULES([JSONC], [json-c >= 0.16])
PKG_CHECK_MODULES([SQLITE], [sqlite3 >= 3.40])
PKG_CHECK_MODULES([BSON], [libbson-1.0 >= 1.23])
PKG_CHECK_MODULES([MONGOC], [libmongoc-1.0 >= 1.23])
PKG_CHECK_MODULES([SECCOMP], [libseccomp >= 2.5])
PKG_CHECK_MODULES([P11KIT], [p11-kit-1 >= 0.24])
DEPS_CFLAGS="$OPENSSL_CFLAGS $JSONC_CFLAGS $SQLITE_CFLAGS $BSON_CFLAGS"
DEPS_CFLAGS="$DEPS_CFLAGS $MONGOC_CFLAGS $SECCOMP_CFLAGS $P11KIT_CFLAGS"
DEPS_CFLAGS=`AS_ECHO(["$DEPS_CFLAGS"]) | $SED 's/-I */-isystem /g'`
AC_SUBST([DEPS_CFLAGS])
])
