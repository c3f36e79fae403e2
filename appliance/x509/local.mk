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
	%reldir%/cert_text.c \
	%reldir%/cert_text.h \
	%reldir%/crl.c \
	%reldir%/crl.h \
	%reldir%/crl_check.c \
	%reldir%/crl_check.h \
	%reldir%/crmf.c \
	%reldir%/csr.c \
	%reldir%/csr_build.c \
	%reldir%/csr.h \
	%reldir%/der.c \
	%reldir%/der.h \
	%reldir%/der_write.c \
	%reldir%/der_write.h \
	%reldir%/ext.c \
	%reldir%/ext.h \
	%reldir%/name.c \
	%reldir%/name.h \
	%reldir%/ocsp.c \
	%reldir%/ocsp.h \
	%reldir%/ocsp_check.c \
	%reldir%/oid.c \
	%reldir%/oid.h \
	%reldir%/pem.c \
	%reldir%/pem.h \
	%reldir%/pkcs7.c \
	%reldir%/pkcs7.h \
	%reldir%/pkcs8.c \
	%reldir%/pkcs8.h \
	%reldir%/pubkey.c \
	%reldir%/pubkey.h \
	%reldir%/server_chain.c \
	%reldir%/server_chain.h \
	%reldir%/sig_alg.c

# Unit tests: software keys stand in for the token.
x509_ldadd = libx509.a libbase.a $(OPENSSL_LIBS)
x509_make = tests/unit/x509-make.c tests/unit/x509-make.h
unit_tests += tests/unit/test-x509-cert tests/unit/test-x509-chain \
	tests/unit/test-x509-crl \
	tests/unit/test-x509-crmf tests/unit/test-x509-csr \
	tests/unit/test-x509-der tests/unit/test-x509-ocsp \
	tests/unit/test-x509-text
tests_unit_test_x509_cert_SOURCES = tests/unit/test-x509-cert.c $(x509_make)
tests_unit_test_x509_cert_LDADD = $(x509_ldadd)
tests_unit_test_x509_chain_SOURCES = tests/unit/test-x509-chain.c $(x509_make)
tests_unit_test_x509_chain_LDADD = $(x509_ldadd)
tests_unit_test_x509_crl_SOURCES = tests/unit/test-x509-crl.c $(x509_make)
tests_unit_test_x509_crl_LDADD = $(x509_ldadd)
tests_unit_test_x509_crmf_SOURCES = tests/unit/test-x509-crmf.c $(x509_make)
tests_unit_test_x509_crmf_LDADD = $(x509_ldadd)
tests_unit_test_x509_csr_SOURCES = tests/unit/test-x509-csr.c $(x509_make)
tests_unit_test_x509_csr_LDADD = $(x509_ldadd)
tests_unit_test_x509_der_SOURCES = tests/unit/test-x509-der.c $(x509_make)
tests_unit_test_x509_der_LDADD = $(x509_ldadd)
tests_unit_test_x509_ocsp_SOURCES = tests/unit/test-x509-ocsp.c $(x509_make)
tests_unit_test_x509_ocsp_LDADD = $(x509_ldadd)
tests_unit_test_x509_text_SOURCES = tests/unit/test-x509-text.c $(x509_make)
tests_unit_test_x509_text_LDADD = $(x509_ldadd)

fuzzers += tests/fuzz/fuzz-csr tests/fuzz/fuzz-cert tests/fuzz/fuzz-crl \
	tests/fuzz/fuzz-pem tests/fuzz/fuzz-crmf tests/fuzz/fuzz-ocsp \
	tests/fuzz/fuzz-pkcs8 tests/fuzz/fuzz-chain
tests_fuzz_fuzz_chain_SOURCES = tests/fuzz/fuzz-chain.c $(fuzz_main)
tests_fuzz_fuzz_chain_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_chain_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_pkcs8_SOURCES = tests/fuzz/fuzz-pkcs8.c $(fuzz_main)
tests_fuzz_fuzz_pkcs8_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_pkcs8_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_ocsp_SOURCES = tests/fuzz/fuzz-ocsp.c $(fuzz_main)
tests_fuzz_fuzz_ocsp_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_ocsp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_crmf_SOURCES = tests/fuzz/fuzz-crmf.c $(fuzz_main)
tests_fuzz_fuzz_crmf_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_crmf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_csr_SOURCES = tests/fuzz/fuzz-csr.c $(fuzz_main)
tests_fuzz_fuzz_csr_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_csr_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_cert_SOURCES = tests/fuzz/fuzz-cert.c $(fuzz_main)
tests_fuzz_fuzz_cert_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_cert_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_crl_SOURCES = tests/fuzz/fuzz-crl.c $(fuzz_main)
tests_fuzz_fuzz_crl_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_crl_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_pem_SOURCES = tests/fuzz/fuzz-pem.c $(fuzz_main)
tests_fuzz_fuzz_pem_LDADD = $(x509_ldadd)
tests_fuzz_fuzz_pem_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-pkcs8 tests/fuzz/corpus-csr \
	tests/fuzz/corpus-chain \
	tests/fuzz/corpus-cert \
	tests/fuzz/corpus-crl tests/fuzz/corpus-pem tests/fuzz/corpus-crmf \
	tests/fuzz/corpus-ocsp
