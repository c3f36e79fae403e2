#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Search files for private keys.

usage: secrets.py KEYS PATH...   one line per finding; status 1 when any

Looks for PEM and DER private keys of any kind, and for the values listed in
KEYS ("EC <hex>" a line) as raw bytes, reversed, in hex and in base64 at each
of its three alignments, also where a capture shows bytes as \\xNN.
"""
import base64
import os
import re
import sys

PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
DER = {
    # SEQUENCE { INTEGER 1, OCTET STRING (32): RFC 5915 P-256
    "DER EC key": re.compile(rb"\x30[\x25-\x7f]\x02\x01\x01\x04\x20", re.S),
    # PKCS #8 headers: version 0, AlgorithmIdentifier
    "DER PKCS #8 EC": re.compile(
        rb"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    ),
    "DER PKCS #8 RSA": re.compile(
        rb"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
        rb"\x05\x00\x04\x82"
    ),
    # RSAPrivateKey: version 0, then a modulus of 2048 to 4096 bits
    "DER RSA key": re.compile(
        rb"\x30\x82..\x02\x01\x00\x02\x82[\x01\x02][\x01\x81]\x00", re.S
    ),
}
ESCAPED = re.compile(rb"(?:\\x[0-9a-f]{2})+")


def forms(value):
    """Each way in which a value could stand in a file."""
    yield "raw", value
    yield "reversed", value[::-1]
    yield "hex", value.hex().encode()
    yield "HEX", value.hex().upper().encode()
    for skip in range(3):
        # Digits that depend on the bytes around the value are left out.
        text = base64.b64encode(b"\0" * skip + value)
        first = (skip * 8 + 5) // 6
        last = (skip + len(value)) * 8 // 6
        yield f"base64 at {skip}", text[first:last]


def needles(path):
    with open(path, encoding="ascii") as f:
        for line in f:
            kind, value = line.split()
            for form, needle in forms(bytes.fromhex(value)):
                yield f"{kind} value, {form}", needle


def search(data, known):
    if PEM.search(data):
        yield "PEM private key"
    for name, pattern in DER.items():
        if pattern.search(data):
            yield name
    for name, needle in known:
        if needle in data:
            yield name


def files(paths):
    for path in paths:
        if not os.path.isdir(path):
            yield path
        for folder, _, names in os.walk(path):
            for name in names:
                full = os.path.join(folder, name)
                if os.path.isfile(full) and not os.path.islink(full):
                    yield full


def main():
    known = list(needles(sys.argv[1]))
    if not known:
        sys.exit("secrets.py: no known values: the search would prove little")
    found = 0
    for path in files(sys.argv[2:]):
        with open(path, "rb") as f:
            data = f.read()
        # strace -xx: put the bytes back together.
        plain = b"\n".join(
            bytes.fromhex(m.group().decode().replace("\\x", ""))
            for m in ESCAPED.finditer(data)
        )
        for what in {*search(data, known), *search(plain, known)}:
            found += 1
            print(f"{path}: {what}")
    sys.exit(found != 0)


if __name__ == "__main__":
    main()
