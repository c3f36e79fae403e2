#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Load on the web administration, by connections that are kept.

webgen.py PORT ROOT-PEM COOKIE CSRF CONNECTIONS SECONDS

Standard input has a line of JSON for each thing to measure: what, paths,
method (GET, which goes round the paths, or POST, which takes each once, with
an empty object).
Each becomes a line with its rate and the times of its answers.
"""
import http.client
import itertools
import json
import ssl
import sys
import threading
import time


def ask(case, paths, lock, until, took, wrong, setup):
    port, context, headers = setup
    conn = http.client.HTTPSConnection("localhost", port, context=context)
    conn.connect()
    get = case.get("method", "GET") == "GET"
    while not get or time.monotonic() < until:
        with lock:
            path = next(paths, None)
        if path is None:
            break
        start = time.monotonic()
        conn.request("GET" if get else "POST", "/api/v1" + path,
                     body=None if get else "{}", headers=headers)
        answer = conn.getresponse()
        body = answer.read()
        took.append(time.monotonic() - start)
        if answer.status != 200:
            wrong.append((path, answer.status, body[:200]))
    conn.close()


def main():
    port, root, cookie, csrf, connections, seconds = sys.argv[1:]
    setup = (int(port), ssl.create_default_context(cafile=root),
             {"Cookie": "__Host-quoin=" + cookie, "X-Quoin-CSRF": csrf,
              "Content-Type": "application/json"})
    for line in sys.stdin:
        case = json.loads(line)
        get = case.get("method", "GET") == "GET"
        paths = itertools.cycle(case["paths"]) if get else iter(case["paths"])
        took, wrong, lock = [], [], threading.Lock()
        begin = time.monotonic()
        threads = [threading.Thread(target=ask, args=(
            case, paths, lock, begin + float(seconds), took, wrong, setup))
            for _ in range(int(connections))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if wrong or not took:
            sys.exit(f"{case['what']}: {wrong[:1]}")
        span = time.monotonic() - begin
        took.sort()
        print(json.dumps({
            "what": case["what"], "count": len(took),
            "per_second": len(took) / span,
            "p50_ms": took[len(took) // 2] * 1000,
            "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)] * 1000,
        }), flush=True)


main()
