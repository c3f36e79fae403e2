# SPDX-License-Identifier: Apache-2.0
"""Does to a journal what an attacker would.

journal.py list DIR                   number and type of each record
journal.py change DIR                 prints for every record how many of its
                                      bytes there are; change DIR N AT flips
                                      a bit of byte AT of record N
journal.py drop|double DIR N          without record N; with it twice
journal.py swap DIR N                 record N and the next change places
journal.py cut DIR N [BYTES]          nothing behind record N, but some bytes
journal.py anew DIR N                 another uid in record N, and all hashes
                                      from there on are right again
journal.py bare DIR N                 like anew, without the heads after it
"""
import hashlib
import os
import struct
import sys

NAME = 'journal-%020d.qj' % 1
HEAD = 9


def load(path):
    data = open(path, 'rb').read()
    out = []
    while data:
        (n,) = struct.unpack_from('<I', data)
        out.append(data[:n])
        data = data[n:]
    return out


def chain(records, at):
    """Numbers and hashes anew from index `at` on."""
    for i in range(at, len(records)):
        r = bytearray(records[i][:-32])
        struct.pack_into('<Q', r, 8, i + 1)
        r[52:84] = records[i - 1][-32:] if i else bytes(32)
        records[i] = bytes(r) + hashlib.sha256(r).digest()


def main():
    what, folder = sys.argv[1:3]
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    path = os.path.join(folder, NAME)
    rs = load(path)
    tail = b''
    if what == 'list':
        for r in rs:
            kind, seq = struct.unpack_from('<IQ', r, 4)
            print(seq, kind, len(r))
        return
    if what == 'change':
        r = bytearray(rs[n - 1])
        r[int(sys.argv[4])] ^= 1
        rs[n - 1] = bytes(r)
    elif what == 'drop':
        del rs[n - 1]
    elif what == 'double':
        rs.insert(n, rs[n - 1])
    elif what == 'swap':
        rs[n - 1], rs[n] = rs[n], rs[n - 1]
    elif what == 'cut':
        if len(sys.argv) > 4:
            tail = rs[n][:int(sys.argv[4])]
        del rs[n:]
    else:
        r = bytearray(rs[n - 1])
        struct.pack_into('<I', r, 32, 4242)
        rs[n - 1] = bytes(r)
        if what == 'bare':
            rs[n:] = [x for x in rs[n:]
                      if struct.unpack_from('<I', x, 4)[0] != HEAD]
        chain(rs, n - 1)
    open(path, 'wb').write(b''.join(rs) + tail)


main()
