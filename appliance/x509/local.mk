# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libx509.a
libx509_a_SOURCES = \
	%reldir%/assemble.c \
	%reldir%/assemble.h \
	%reldir%/cert.c \
	%reldir%/cert.h \
	%reldir%/cert_check.c \
	%reldir%/cert_check.h \
	%reldir%/cert_parse.c \
	%reldir%/cert_parse.h \
	%reldir%/crl.c \
	%reldir%/crl.h \
	%reldir%/crl_check.c \
	%reldir%/crl_check.h \
	%reldir%/csr.c \
	%reldir%/csr.h \
	%reldir%/der.c \
	%reldir%/der.h \
	%reldir%/der_write.c \
	%reldir%/der_write.h \
	%reldir%/ext.c \
	%reldir%/ext.h \
	%reldir%/name.c \
	%reldir%/name.h \
	%reldir%/oid.c \
	%reldir%/oid.h \
	%reldir%/pem.c \
	%reldir%/pem.h \
	%reldir%/pkcs7.c \
	%reldir%/pkcs7.h \
	%reldir%/pubkey.c \
	%reldir%/pubkey.h \
	%reldir%/sig_alg.c
