#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Search the memory of processes for private keys.

usage: memory.py KEYS PID...   one line per finding; status 1 when any

KEYS is that of secrets.py, and so is what is looked for: values, in each way
in which they could stand there.
"""
import importlib.util
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location(
    "known", os.path.join(here, "secrets.py")
)
known = importlib.util.module_from_spec(spec)
spec.loader.exec_module(known)


def maps(pid):
    """Each mapping that can be read: its bytes and what it is."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as f, open(
        f"/proc/{pid}/mem", "rb", buffering=0
    ) as mem:
        for line in f:
            place, rights, *_ = line.split()
            begin, end = (int(x, 16) for x in place.split("-"))
            # Not the kernel's, nor what a sanitizer only marks.
            if "r" not in rights or "[v" in line or end - begin > 1 << 32:
                continue
            mem.seek(begin)
            data = b""
            while len(data) < end - begin:
                try:
                    part = mem.read(end - begin - len(data))
                except OSError:
                    break
                if not part:
                    break
                data += part
            yield data, line.strip()


def main():
    needles = list(known.needles(sys.argv[1]))
    bad = total = 0
    for pid in sys.argv[2:]:
        for data, what in maps(pid):
            total += len(data)
            for name, needle in needles:
                if needle in data:
                    print(f"process {pid}: {name}: {what}")
                    bad = 1
    if not needles or total < 1 << 20:
        sys.exit("nothing to look for, or nowhere to look")
    print(f"{len(needles)} values, {total} bytes")
    sys.exit(bad)


main()
