# SPDX-License-Identifier: Apache-2.0
# web-input.py GROUP FOLDER PORT [ARGUMENT...]: what the web administration
# makes of input that is made to do harm: text, paths, heads, sizes, JSON.
# As web-attacks.py.
import copy
import csv
import io
import json
import re
import sys

import yaml

from webclient import (API, COOKIE, DAY, LATER, NOW, PASSWORD, Person, Web,
                       answers, begin, end, good, none, ok, policy, raw, state,
                       watch)

group, where, port, *more = sys.argv[1:]
begin(where, port)
web = Web()
ann = Person.kept("ann")


# --- stored script -----------------------------------------------------------

PAYLOADS = [
    "<script>alert(1)</script>\"'&", "<img src=x onerror=alert(1)>",
    "javascript:alert(1)", "\u202egpj.exe", "a\u2028b\ufeffd\u200be",
    "=HYPERLINK(\"http://evil.example\",\"x\")", "+1+cmd|' /C calc'!A0",
    "-2+3", "@SUM(1)", " \t=1", "%s%n{{7*7}}${7*7}",
    "'; DROP TABLE users; --", "{\"$gt\":\"\"}", "../../../etc/passwd",
    "a\r\nSet-Cookie: x=y", "a\nb", "a\x00b", "\x1b[31m", "\x7f",
    "\u009b31m", "x" * 70000]
# Bodies that are not good, since what they need is not there.
NO_GOOD = ("/keys/{id}", "/keys/{id}/certificate", "/approvals",
           "/approvals/{id}", "/login", "/login/forgot", "/signup",
           "/profile/password", "/profile/recovery", "/profile/totp",
           "/profile/totp/confirm", "/profile/totp/off", "/tls/certificate")
NO_GOOD_WITH = {"firmware", "approvers"}
# Where each costs a password's work, and nothing comes back.
SLOW = ("password", "old", "new", "code")
SECRETS = PAYLOADS[:1] + PAYLOADS[-5:]
count = 0


def bodies(files):
    """Good bodies for every route that takes one. # becomes a number, @ the
    token of an invitation."""
    rules = {"users": ["1"], "not_before": NOW, "not_after": LATER,
             "uses": 5, "rate": 1}
    asked = {"rules": {"approvals": 1, "approvers": ["a"]}}
    batch = {"policy": "p", "description": "d",
             "filter": [{"name": "n", "value": "v"}]}
    wish = {"policy": "p", "firmware": "f", "signing_key": "k"}
    user = {"first_name": "f", "last_name": "l", "email": "x#@x.example"}
    captcha = {"challenge": "00", "nonce": "1"}
    device = "/devices/" + 60 * "0" + "#"
    return [
        ("POST", "/api-tokens", {"name": "n", "scopes": ["read"],
                                 "until": LATER}),
        ("POST", "/auth-certs", {"pem": files["cert"], "name": "n",
                                 "batch": "b"}),
        ("POST", "/batches", {"name": "b#", "devices": [60 * "f" + "#"],
                              **batch}),
        ("POST", "/batches", {"name": "b#", **wish}),
        ("PATCH", "/batches/b", batch),
        ("PATCH", "/batches/b", wish),
        ("POST", device + "/move", {"batch": "texts"}),
        ("POST", device + "/revoke", {"reason": "r"}),
        ("POST", "/keys", {"name": "k#", "type": "ecdsa"}),
        ("POST", "/keys", {"name": "k#", "type": "ecdsa",
                           "purpose": "codesign", "rules": rules}),
        ("POST", "/keys", {"name": "k#", "type": "ecdsa", **asked}),
        ("POST", "/keys/import", {"name": "k#", "pem": files["key"]}),
        ("POST", "/keys/import", {"name": "k#", "pem": files["key"],
                                  "purpose": "codesign", "rules": rules}),
        ("POST", "/keys/import", {"name": "k#", "pem": files["key"],
                                  **asked}),
        ("POST", "/keys", {"name": "k#", "type": "ecdsa", **asked}),
        ("PATCH", "/keys/{id}", {"rules": rules}),
        ("PATCH", "/keys/{id}", asked),
        ("PUT", "/keys/{id}/certificate", {"pem": files["cert"]}),
        ("POST", "/approvals", {"key": "k", "digest": 64 * "0",
                                "meaning": "m"}),
        ("POST", "/link", {"token": "@"}),
        ("POST", "/link/finish", {"token": "@", "user": "u#", **user,
                                  "password": PASSWORD}),
        ("POST", "/login", {"user": "u", "password": "x", "code": "000000"}),
        ("POST", "/login/forgot", {"email": "x@x.example",
                                   "captcha": captcha}),
        ("POST", "/signup", {"email": "x@x.example", "captcha": captcha}),
        ("POST", "/policies", policy("p#")),
        ("POST", "/policies", {"hub": "h", **policy("p#")}),
        ("PATCH", "/policies/p", {"hub": "h"}),
        ("PATCH", "/profile", {**user, "password": PASSWORD}),
        ("POST", "/profile/password", {"old": "x", "new": PASSWORD}),
        ("POST", "/profile/recovery", {"password": "x"}),
        ("POST", "/profile/totp", {"password": "x"}),
        ("POST", "/profile/totp/confirm", {"code": "0"}),
        ("POST", "/profile/totp/off", {"password": "x"}),
        ("PATCH", "/settings", {
            "title": "t", "help_url": "https://x.example",
            "feedback_url": "mailto:x@x.example",
            "signup_domains": "x.example", "smtp_url": "smtp://localhost:1",
            "smtp_user": "u", "smtp_password": "p",
            "smtp_from": "x@x.example"}),
        ("POST", "/settings/mail-test", {"to": "x@x.example"}),
        ("PUT", "/tls/certificate", {"chain": files["cert"]}),
        ("POST", "/tls/csr", {"host": "localhost", "ips": ["127.0.0.1"]}),
        ("POST", "/tokens", {"name": "t#", "batch": "b", "not_after": LATER,
                             "not_before": NOW}),
        ("POST", "/users", {"name": "u#", "role": "contributor",
                            "password": PASSWORD, **user}),
        ("POST", "/users/invite", {"email": "x#@x.example",
                                   "role": "contributor"}),
        ("PATCH", "/users/carl", {**user, "password": PASSWORD}),
        ("POST", "/approvals/{id}", {"approver": "a", "credential": {
            "id": "x", "type": "public-key", "authenticatorAttachment": "x",
            "rawId": "x", "response": {
                "clientDataJSON": "x", "authenticatorData": "x",
                "signature": "x", "userHandle": "x"}}}),
    ]


def leaves(body, at=()):
    """The ways to all strings in it; list items as their number."""
    if isinstance(body, str):
        yield at
    for k, v in (body.items() if isinstance(body, dict) else
                 enumerate(body) if isinstance(body, list) else ()):
        yield from leaves(v, at + (k,))


def put(body, at, value):
    body = copy.deepcopy(body)
    inner = body
    for k in at[:-1]:
        inner = inner[k]
    inner[at[-1]] = value
    return body


def table_strings(api, schema, at=()):
    """The same of a schema of openapi.yaml, without those of a fixed form."""
    if "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].split("/")[-1]]
    kind = schema.get("type")
    if kind == "array":
        yield from table_strings(api, schema["items"], at + (0,))
    elif kind == "string" and "enum" not in schema:
        yield at
    for name, inner in schema.get("properties", {}).items():
        yield from table_strings(api, inner, at + (name,))


def missing(api, table):
    """Texts of openapi.yaml's bodies that the table does not try."""
    said = {}
    for method, path, body in table:
        said.setdefault((method, path), set()).update(leaves(body))
    for path, methods in api["paths"].items():
        for method, r in methods.items():
            schema = r.get("requestBody", {}).get("content", {}).get(
                "application/json", {}).get("schema", {})
            have = set().union(*(v for (m, p), v in said.items() if
                                 m == method.upper() and
                                 same_route(API + p, path)))
            yield from (f"{method} {path} {at}" for at in
                        table_strings(api, schema) if at not in have)


def same_route(path, pattern):
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern)),
                        path) is not None


def attempt(method, path, body, at=(), text=None):
    """One text at one place of a body; what that makes is gone again
    after."""
    global count
    count += 1
    number = f"{count:04}"
    body = json.loads(json.dumps(body).replace("#", number))
    if at != ("token",) and body.get("token") == "@":
        body["token"] = good("POST", "/users/invite", {
            "role": "contributor"}).json()["link"].split("/")[-1]
    path = path.replace("#", number).replace("{id}", "1")
    # The limits of log-ins go by address.
    there = web if path != "/login" else Web(
        f"127.0.{50 + count // 200}.{1 + count % 200}")
    a = there.ask(method, path, put(body, at, text) if at else body, ann)
    if a.status == 201 and path in ("/auth-certs", "/keys", "/keys/import"):
        good("DELETE", f"{path.replace('/import', '')}/{a.json()['id']}")
    return a


def judged(a, at, text):
    """What is wrong about that answer, or nothing."""
    if a.status >= 300:
        return "" if a.problem() and (
            a.status != 400 or 8 < len(a.member("detail")) < 400) else str(a)
    if text == PAYLOADS[-1]:
        return "70,000 letters are taken"
    if set(text) & set("\0\r\n\x1b\x7f\x9b") and at[-1] not in ("pem", "chain"):
        return f"{text!r} is taken"
    return differs(a, at, text)


def texts():
    openapi, cert, key = more
    with open(openapi) as f:
        api = yaml.load(f, yaml.CSafeLoader)
    files = {}
    for name, file in (("cert", cert), ("key", key)):
        with open(file) as f:
            files[name] = f.read()
    table = bodies(files)
    none(list(missing(api, table)), "every text that openapi.yaml takes is "
         "tried")
    good("POST", "/batches", {"name": "texts", "policy": "p"})
    good("POST", "/batches/texts/devices", {
        "devices": [f"{i:064}" for i in range(4000)]})
    taken = []
    for method, path, body in table:
        bad, n, before = [], 0, len(taken)
        # What is refused for another reason shows nothing.
        a = attempt(method, path, body)
        if a.status >= 300 and path not in NO_GOOD and \
                not NO_GOOD_WITH & set(json.dumps(body).split('"')):
            bad.append(f"as it is: {a}")
        for at in leaves(body):
            for text in SECRETS if at[-1] in SLOW else PAYLOADS:
                a = attempt(method, path, body, at, text)
                n += 1
                why = judged(a, at, text)
                if why:
                    bad.append(f"{at} {text[:40]!r}: {why}")
                taken += [at] if a.status < 300 else []
        path = path.replace(60 * "0" + "#", "{id}")
        none(bad, f"{n} texts, {len(taken) - before} taken: {method} {path}")
    links()
    read_back(api)
    exports()


def differs(a, at, text):
    """What was taken comes back as it was."""
    if not a.body or len(at) != 1:
        return ""
    back = a.json()
    back = back.get("values", back).get(at[0])
    return "" if back in (None, text, text.lower()) else \
        f"{back!r} comes back"


def links():
    """Where pages lead to."""
    bad = []
    for name in ("help_url", "feedback_url"):
        for url in ("javascript:alert(1)", "JaVaScRiPt:alert(1)",
                    " javascript:alert(1)", "data:text/html,<script>",
                    "vbscript:x", "\x01javascript:alert(1)", "file:///etc",
                    "//evil.example", "java\tscript:alert(1)"):
            a = web.ask("PATCH", "/settings", {name: url}, ann)
            if a.status != 400:
                bad.append(f"{name} {url!r}: {a}")
    none(bad, "links of the settings lead to no script")
    good("PATCH", "/settings", {"help_url": "https://help.example/",
                                "feedback_url": "mailto:x@x.example"})


def read_back(api):
    """Every GET, when all that was taken is there."""
    bad, n = [], 0
    names = {"/batches/{name}": "texts", "/policies/{name}": "p",
             "/users/{name}": "carl", "/devices/{id}": 60 * "0" + "0001"}
    for path, methods in api["paths"].items():
        path = path.removeprefix(API)
        for prefix, value in names.items():
            if path.startswith(prefix):
                path = path.replace("{id}", value).replace("{name}", value)
        if "get" not in methods or path == "/events" or "{" in path:
            continue
        a = web.ask("GET", path + ("?prefix=0000" if path == "/devices" else
                                   ""), None, ann)
        n += 1
        kind = "text/csv" if path.endswith(".csv") else "application/json"
        if a.status != 200 or a.type != kind or \
                a.get("x-content-type-options") != "nosniff" or \
                a.get("cache-control") != "no-store":
            bad.append(f"{path}: {a}")
        a.body.decode("utf-8")
    none(bad, f"{n} reads afterwards: JSON that nobody takes for a page")
    a = web.ask("GET", "/batches/b", None, ann)
    for text in (PAYLOADS[0], PAYLOADS[3]):
        good("PATCH", "/batches/b", {"description": text})
        ok(good("GET", "/batches/b").json()["description"] == text,
           f"a description {text!r} is just that")
    found = web.ask("GET", "/logs?text=%3Cscript%3E", None, ann)
    ok(found.status == 200 and found.type == "application/json",
       "looked for, too", found)


def exports():
    """What a spreadsheet would take for a formula is none any more."""
    for path in ("/logs.csv", "/batches/texts/devices.csv"):
        a = web.ask("GET", path, None, ann)
        rows = list(csv.reader(io.StringIO(a.body.decode("utf-8"))))
        cells = [c for row in rows[1:] for c in row]
        bad = [c for c in cells if c.strip()[:1] in tuple("=+-@") or
               c[:1] in tuple("\t\r\n")]
        ok(not bad and len({len(r) for r in rows}) == 1, f"{path}: no "
           f"formula in {len(cells)} cells", *bad[:5])
        bad = [sign for sign in "=+-@" if not any(
            c.lstrip().startswith("'") and c.lstrip("' ")[:1] == sign
            for c in cells)]
        none(bad, f"{path}: there would have been")
        ok((a.get("content-disposition") or "").startswith("attachment;"),
           f"{path}: a file, not a page", a.head)


# --- paths and headers -------------------------------------------------------

def target(line, *headers):
    lines = [b"GET " + line + b" HTTP/1.1", b"Host: localhost", *headers,
             b"Connection: close", b"", b""]
    got = answers(raw(b"\r\n".join(lines))[0])
    for a in got:
        watch(repr(line), a, line.startswith(b"/api/"))
    return got


def paths():
    ok(target(b"/index.html")[0].status == 200, "the page is there")
    up = [b"..", b"%2e%2e", b"%2E.", b".%2e", b"..%00", b"%252e%252e",
          b"..;", b"...", b"%c0%ae%c0%ae", b"%u002e%u002e", b"..%01"]
    slash = [b"/", b"%2f", b"%2F", b"\\", b"%5c", b"//", b"%252f",
             b"%c0%af", b"/./"]
    bad, n = [], 0
    for dots in up:
        for s in slash:
            for head in (b"/", b"/pages/", b"/lib/"):
                for tail in (b"canary.txt", b"quoin.conf", b"etc/passwd"):
                    way = head + s.join([dots] * 2 + [tail])
                    n += 1
                    for a in target(way) or [None]:
                        if a is None or a.status not in (400, 404):
                            bad.append(f"{way!r}: {a}")
    none(bad, f"{n} ways out of the pages' folder")
    bad = []
    for way in (b"/app.js%00.html", b"/index.html%00", b"/./index.html",
                b"//index.html", b"/index.html/", b"/index.html/.",
                b"/INDEX.HTML", b"/.hidden.txt", b"/canary.txt",
                b"/pages", b"/pages/", b"/%2findex.html", b"/index.html.",
                b"/index.html::$DATA", b"/~root", b"/file:///etc/passwd",
                b"/api/v1/../../index.html", b"/index.html%20",
                b"/api/v1//site", b"/api/v1/%2e/site", b"/api/v1/x/../site",
                b"/api/v1/site/", b"/api/v1%2fsite", b"/api/v1/site%00",
                b"/api/v1/SITE", b"/../api/v1/site", b"/api/v1/site;a=b"):
        a = target(way)
        if len(a) != 1 or a[0].status not in (400, 404):
            bad.append(f"{way!r}: {a and a[0]}")
    none(bad, "other names of what is there are none")
    bad = []
    for way in (b"http://evil.example/", b"https://localhost/index.html",
                b"*", b"index.html", b"", b"?x", b"/ /x", b"/\t", b"/\xe4",
                b"/%", b"/%4", b"/%zz", b"/a%0d%0aX-Evil:%20x", b"/%7f",
                b"/a\x00b", b"/a\rb", b"/a\nb"):
        a = target(way)
        if len(a) != 1 or a[0].status != 400 or not a[0].problem():
            bad.append(f"{way!r}: {a and a[0]}")
    none(bad, "request targets that are none: 400")
    redirects()
    injections()


def redirects():
    """Nobody is led away: no Location (seen to for every answer) and no
    link that a request's headers have made."""
    bad = []
    for way in (b"//evil.example/", b"//evil.example/%2e%2e", b"/\\evil.ex",
                b"/https://evil.example", b"/login?next=https://evil.example",
                b"/?next=//evil.example", b"/link?url=https://evil.example",
                b"/%5cevil.example", b"/api/v1/login?next=https://evil.ex"):
        for head in (b"X-Forwarded-Host: evil.example",
                     b"Forwarded: host=evil.example;proto=https",
                     b"X-Original-URL: /evil", b"X-Rewrite-URL: /evil"):
            for a in target(way, head) or [None]:
                if a is None or 300 <= a.status < 400 or a.get("location") \
                        or a.get("refresh") or b"evil.ex" in a.body:
                    bad.append(f"{way!r}: {a} {a and a.head}")
    none(bad, "no way to another host")
    bad = []
    for headers in ({"Host": "evil.example"}, {"Host": "evil.example:8443"},
                    {"X-Forwarded-Host": "evil.example"},
                    {"Forwarded": "host=evil.example"},
                    {"Host": "localhost@evil.example"}):
        a = web.ask("POST", "/users/invite", {"role": "contributor"}, ann,
                    headers)
        if a.status < 300 and not a.json()["link"].startswith(
                f"https://localhost:{port}/#/link/"):
            bad.append(f"{headers}: {a}")
    none(bad, "links are the appliance's own, whatever Host says")


def injections():
    bad = []
    for name in ("a%0d%0aSet-Cookie:%20x=y", "a%0aX-Evil:%20y", "a%0dX", "%00",
                 "a%22%0d%0a%0d%0a<script>"):
        a = web.ask("GET", f"/batches/{name}/devices.csv", None, ann)
        if a.status != 400:
            bad.append(f"{name}: {a}")
    none(bad, "no line end in a path")
    bad = []
    for name in ("a\"; filename=\"x.exe", "a;b", "a\\b", "ä\u202e", "a/b",
                 "a\r\nX-Evil: y", "a\nX-Evil: y", "../x", "a,b=c", "a%0d%0a"):
        a = web.ask("POST", "/batches", {"name": name, "policy": "p"}, ann)
        if a.status == 400:
            continue
        way = "".join(f"%{b:02x}" for b in name.encode())
        a = web.ask("GET", f"/batches/{way}/devices.csv", None, ann)
        shown = [v for k, v in a.head if k == "content-disposition"]
        if a.status != 200 or len(shown) != 1 or a.get("x-evil") or \
                shown[0].count('"') != 2 or not shown[0].isascii():
            bad.append(f"{name!r}: {a} {shown}")
    none(bad, "a file's name is nothing but a name")
    bad = []
    for text in ("x\r\nX-Evil: y", "x%0d%0aX-Evil: y", "x\nX-Evil: y"):
        for where in ("text", "user", "kind", "object", "after"):
            value = "".join(f"%{b:02x}" for b in text.encode())
            a = web.ask("GET", f"/logs.csv?{where}={value}", None, ann)
            if a.get("x-evil") or a.status >= 500:
                bad.append(f"{where}: {a}")
        a = web.ask("GET", "/batches/b", None, ann,
                    {"If-None-Match": text.replace("\r", "")
                     .replace("\n", ""), "If-Match": "\"x\""})
        if a.get("x-evil"):
            bad.append(f"If-Match: {a}")
    none(bad, "nor in parameters")
    framing()


def framing():
    """Heads that two servers might read in two ways (RFC 9112 11.2): refused,
    and nothing behind them is taken for a request."""
    second = b"GET /api/v1/site HTTP/1.1\r\nHost: x\r\n\r\n"
    post = b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\n" \
        b"Content-Type: application/json\r\n"
    tries = {
        "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked"
                        b"\r\n\r\n0\r\n\r\n",
        "two lengths": b"Content-Length: 0\r\nContent-Length: 9\r\n\r\n",
        "a list of lengths": b"Content-Length: 0, 0\r\n\r\n",
        "a length with a sign": b"Content-Length: +0\r\n\r\n",
        "a negative length": b"Content-Length: -1\r\n\r\n",
        "a hex length": b"Content-Length: 0x0\r\n\r\n",
        "a huge length": b"Content-Length: 99999999999999999999\r\n\r\n",
        "a blank before the colon": b"Content-Length : 0\r\n\r\n",
        "a folded line": b"Content-Length: 0\r\n X: y\r\n\r\n",
        "a bare LF": b"Content-Length: 0\nX: y\r\n\r\n",
        "a bare CR": b"Content-Length: 0\rX: y\r\n\r\n",
        "a NUL": b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
        "another encoding": b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        "an encoding twice": b"Transfer-Encoding: chunked\r\n"
                             b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "an encoding in hiding": b"Transfer-Encoding: \x0bchunked\r\n\r\n",
        "two hosts": b"Host: evil.example\r\nContent-Length: 0\r\n\r\n",
        "two cookies": b"Cookie: a=b\r\nCookie: c=d\r\n"
                       b"Content-Length: 0\r\n\r\n",
        "no name": b": x\r\nContent-Length: 0\r\n\r\n",
        "a chunk without a size": b"Transfer-Encoding: chunked\r\n\r\n"
                                  b"x\r\n\r\n0\r\n\r\n",
        "a chunk of huge size": b"Transfer-Encoding: chunked\r\n\r\n"
                                b"ffffffffffffffff\r\n\r\n",
        "a chunk with a bare LF": b"Transfer-Encoding: chunked\r\n\r\n"
                                  b"1\na\n0\n\n",
    }
    bad = []
    for what, rest in tries.items():
        got, closed = raw(post + rest + second)
        a = answers(got)
        if len(a) != 1 or not closed or not 400 <= a[0].status < 502 or \
                a[0].status == 401 or a[0].get("x-evil"):
            bad.append(f"{what}: {[str(x) for x in a]} closed {closed}")
    none(bad, f"{len(tries)} heads of two meanings")
    got, _ = raw(second + second)
    ok([a.status for a in answers(got)] == [200, 200],
       "one after the other is fine")


# --- sizes and JSON ----------------------------------------------------------

def sizes():
    host = b"Host: localhost\r\n"
    get = b"GET /api/v1/site HTTP/1.1\r\n" + host
    post = b"POST /api/v1/login HTTP/1.1\r\n" + host + \
        b"Content-Type: application/json\r\n"
    upload = b"POST /api/v1/batches/b/devices HTTP/1.1\r\n" + host + \
        b"Content-Type: text/csv\r\nCookie: " + COOKIE.encode() + b"=" + \
        ann.cookie.encode() + b"\r\nX-Quoin-CSRF: " + ann.csrf.encode() + \
        b"\r\n"
    big = b"x" * 200000
    for what, want, data in (
            ("a body", 413, post + b"Content-Length: 200000\r\n\r\n" + big),
            ("a body that is announced", 413,
             post + b"Content-Length: 999999999999\r\n\r\n"),
            ("a body in chunks", 413, post + b"Transfer-Encoding: chunked"
             b"\r\n\r\n" + b"10000\r\n" + big[:0x10000] + b"\r\n10000\r\n" +
             big[:0x10000] + b"\r\n10000\r\n" + big[:0x10000] + b"\r\n0\r\n"
             b"\r\n"),
            ("a list of devices", 413,
             upload + b"Content-Length: 99999999999\r\n\r\n"),
            ("a header line", 431, get + b"X: " + big + b"\r\n\r\n"),
            ("a cookie", 431, get + b"Cookie: a=" + big[:17000] + b"\r\n\r\n"),
            ("100 header lines", 431, get + b"X: y\r\n" * 100 + b"\r\n"),
            ("a head without an end", 431, get + b"X: y\r\n" * 50000),
            ("a path", 414, b"GET /" + big + b" HTTP/1.1\r\n" + host +
             b"\r\n"),
            ("a query", 414, b"GET /api/v1/logs?text=" + big[:5000] +
             b" HTTP/1.1\r\n" + host + b"\r\n"),
            ("a method", 414, big + b" / HTTP/1.1\r\n" + host + b"\r\n"),
            ("a body of a GET", 413, get +
             b"Content-Length: 999999999\r\n\r\n")):
        a = answers(raw(data)[0])
        ok(len(a) == 1 and a[0].status == want and a[0].problem(),
           f"too large: {what}: {want}", *a)
    ok(web.ask("GET", "/site").status == 200, "and on it goes")


def nested(n, inner=b"1"):
    return b'{"a":' * n + inner + b"}" * n


# As bodies that set last_name, which N stands for.
BAD_JSON = [
    b"", b" ", b"{", b"}", b"[]", b"null", b"1", b'"x"', b"{}{}", b"{} x",
    b'{"N"}', b'{"N":}', b'{"N":"x",}', b'{,"N":"x"}', b"{'N':'x'}",
    b'{N:"x"}', b'{"N":"x"', b'{"N":"x\n"}', b'{"N":"\t"}', b'{"N":"\x00"}',
    b'{"N":"\\u0000"}', b'{"last_n\\u0061me":"x"}', b'{"N":"x","N":"y"}',
    b'{"N":"x","last_n\\u0061me":"y"}', b'{"N":"\\x41"}', b'{"N":"\\u12"}',
    b'{"N":"\\ud800"}', b'{"N":"\\udc00"}', b'{"N":"\\ud800\\ud800"}',
    b'{"N":"\\ud800x"}', b'{"N":"\xff"}', b'{"N":"\xc0\xaf"}',
    b'{"N":"\xe0\x80\xaf"}', b'{"N":"\xed\xa0\x80"}',
    b'{"N":"\xed\xb0\x80"}', b'{"N":"\xf4\x90\x80\x80"}',
    b'{"N":"\xf8\x88\x80\x80\x80"}', b'{"N":"\xe2\x82"}', b'{"N":"\x80"}',
    b'{"N\xff":"x"}', b'\xef\xbb\xbf{"N":"x"}', b"\xff\xfe{\x00}\x00",
    b'{"N":nan}', b'{"N":-Infinity}', b'{"N":Infinity}', b'{"N":NaN}',
    b'{"N":"x"}//', b'/**/{"N":"x"}', b'{"N":"x"/**/}', b'{"N":"x"};',
    b'{"N":"x"}\x00', b'{"N":TRUE}',
    b'{"N":nul}', b'{"N":+1}', b'{"N":01}', b'{"N":.5}', b'{"N":1.}',
    b'{"N":0x10}', b'{"N":1e}', b'{"":"x"}', b'{"__proto__":{"x":1},"N":"x"}',
    b'{"constructor":1,"N":"x"}', nested(40), nested(5000),
    b'{"N":' + b"[" * 60000 + b"]" * 60000 + b"}", b'{"N":["x"]}',
    b'{"N":{"x":1}}', b'{"N":true}', b'{"N":null}',
    b"{" + b",".join(b'"m%d":1' % i for i in range(9000)) + b"}",
]
# For a number of days in seconds.
BAD_NUMBERS = [
    b"9" * 50000, b"1e9", b"1e99999", b"86400.5", b"-1", b"-0.0",
    b"18446744073709637632", b"9223372036854775807", b'"86400"', b"null",
    b"true", b"[86400]", b"+86400", b"086400", b"0x15180", b"86400 86400",
]


def bad_json():
    before = state(web, ann)
    bad = []
    for body in BAD_JSON:
        a = web.ask("PATCH", "/profile", body.replace(b"N", b"last_name"),
                    ann)
        if a.status != 400 or not a.problem():
            bad.append(f"{body[:60]!r}: {a}")
    none(bad, f"{len(BAD_JSON)} bodies that are no JSON, or not that")
    bad = []
    for number in BAD_NUMBERS:
        a = web.ask("PATCH", "/policies/p", b'{"device_lifetime":' + number +
                    b"}", ann)
        if a.status != 400 or not a.problem():
            bad.append(f"{number[:60]!r}: {a}")
    none(bad, f"{len(BAD_NUMBERS)} numbers that are none")
    ok(state(web, ann) == before, "change nothing")
    good("PATCH", "/policies/p", {"device_lifetime": 2 * DAY})
    ok(state(web, ann) != before, "which one that is would have")
    for body in (b'{"first_name":"\\ud83d\\ude00 \xf0\x9f\x98\x80"}',
                 b' \r\n\t{"first_name" : "\\u003cx\\/"} \n'):
        a = web.ask("PATCH", "/profile", body, ann)
        ok(a.status == 200, f"{body!r} is fine", a)
    bad = []
    for body in (b"\x00", b'{"devices":["\xff"]}', b'{"devices":[' +
                 b"[" * 50000, b'{"devices":["\\ud800"]}', b'{"devices":{}}',
                 b'{"devices":[1e999]}', b'{"devices":[],"devices":[]}',
                 b'{"devices":["' + b"f" * 100000 + b'"]}', b"\xff\xfe"):
        for kind in ("application/json", "text/plain", "text/csv"):
            a = web.ask("POST", "/batches/b/devices", body, ann,
                        {"Content-Type": kind})
            if a.status != 400 or not a.problem():
                bad.append(f"{kind} {body[:60]!r}: {a}")
    none(bad, "nor lists of devices")


groups = {"texts": texts, "paths": paths, "sizes": sizes, "json": bad_json}
groups[group]()
sys.exit(end())
