# SPDX-License-Identifier: Apache-2.0

# Q_NPM: npm and the Node.js it comes with, for the pages.
AC_DEFUN([Q_NPM], [
AC_ARG_VAR([NPM], [npm, of Node.js 18 or later])
AC_CHECK_PROGS([NPM], [npm])
AC_CHECK_PROGS([NODE], [node nodejs])
AS_IF([test -z "$NPM" || test -z "$NODE"], [AC_MSG_ERROR(
	[npm and node are needed to make the pages of the web administration:
run autotools/deps as root, or install the packages npm and nodejs])])
AC_CACHE_CHECK([for Node.js 18 or later], [q_cv_node], [
	q_cv_node=`$NODE -p 'process.version' 2>/dev/null`
])
AS_CASE([$q_cv_node], [v[[0-9]].*|v1[[0-7]].*|''],
	[AC_MSG_ERROR([$NODE is "$q_cv_node"; 18 or later is needed])])
])
