# SPDX-License-Identifier: Apache-2.0
# roles.py OPENAPI PORT ROOT CALLERS: every route as every caller of the JSON
# file CALLERS, [{name, admin, scopes, cookie, csrf, bearer, good}]: who may
# not is told 401 or 403 as the route's x-role, x-scope and security say, who
# may is told neither. Bodies are "{}", ids those of nothing. Before that, that
# these say what the guide's sections 12 and 14 do. Lines "ok WHAT" and
# "not ok WHAT".
import http.client
import json
import re
import ssl
import sys

import yaml

api, port, root, callers = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
# What ends the session it comes with goes last.
LAST = ["/api/v1/profile/sessions", "/api/v1/logout"]
# Each route is of the first of these that is like its method and path.
RULES = [
    (r"GET /(site|captcha)$|POST /(login(/forgot)?|link(/finish)?|signup)$",
     (None, None)),
    (r"[A-Z]+ /(api-tokens|profile)(/|$)|GET /(session|events)$|POST /logout$",
     ("contributor", None)),
    (r"[A-Z]+ /users(/|$)", ("administrator", "users")),
    (r"[A-Z]+ /settings(/|$)", ("administrator", "settings")),
    (r"GET /(approvals|approvers|tls)(/|$)", ("administrator", "read")),
    (r"GET /", ("contributor", "read")),
    (r"POST /approvals$", ("administrator", "sign")),
    (r"POST /batches/\{name\}/recount$", ("administrator", "devices")),
    (r"[A-Z]+ /(batches|devices)(/|$)", ("contributor", "devices")),
    (r"[A-Z]+ /policies(/|$)", ("contributor", "policies")),
    (r"[A-Z]+ /", ("administrator", "hsm")),
]


def routes():
    with open(api) as f:
        paths = yaml.load(f, yaml.CSafeLoader)["paths"]
    for path in sorted(paths, key=lambda p: (LAST.index(p) if p in LAST
                                             else -1, p)):
        for method, route in paths[path].items():
            yield method.upper(), path, route


def rule(method, path):
    name = method + " " + path.removeprefix("/api/v1")
    return next(r for pattern, r in RULES if re.match(pattern, name))


def wanted(method, route, who):
    """The status of the guard; 0 when it lets through."""
    if not route["security"]:
        return 0
    if not who["good"]:
        return 401
    if who.get("cookie") and not who["csrf"] and method != "GET":
        return 403
    if route["x-role"] == "administrator" and not who["admin"]:
        return 403
    if "bearer" not in who:
        return 0
    if {"token": []} not in route["security"]:
        return 403
    return 0 if route["x-scope"] in who["scopes"] else 403


def ask(method, path, route, who):
    for name in ("{id}", "{name}"):
        path = path.replace(name, "0" * 64)
    headers, body = {}, None
    if "requestBody" in route:
        body, headers = "{}", {"Content-Type": "application/json"}
    if who.get("bearer"):
        headers["Authorization"] = "Bearer " + who["bearer"]
    if who.get("cookie"):
        headers["Cookie"] = "__Host-quoin=" + who["cookie"]
    if who.get("csrf"):
        headers["X-Quoin-CSRF"] = who["csrf"]
    conn = http.client.HTTPSConnection("localhost", int(port), timeout=30,
                                       context=context)
    conn.request(method, path, body, headers)
    status = conn.getresponse().status
    conn.close()
    return status


table = list(routes())
odd = [f"{m} {p}" for m, p, r in table
       if (r.get("x-role"), r.get("x-scope")) != rule(m, p)]
print("not ok" if odd else "ok", f"the guide's limits, of {len(table)} routes")
print("\n".join(odd), end="\n" if odd else "")
bad = bool(odd) or len(table) < 80
with open(callers) as f:
    for who in json.load(f):
        wrong, seen = [], {0: 0, 401: 0, 403: 0}
        for method, path, route in table:
            want = wanted(method, route, who)
            got = ask(method, path, route, who)
            seen[want] += 1
            if got not in (401, 403) and want == 0 and got < 500:
                continue
            if got != want:
                wrong.append(f"{method} {path}: {got}, not {want or 'in'}")
        bad |= bool(wrong)
        print("not ok" if wrong else "ok", who["name"],
              "may {0}, 401 {1}, 403 {2}".format(*seen.values()))
        print("\n".join(wrong), end="\n" if wrong else "", flush=True)
sys.exit(bad)
