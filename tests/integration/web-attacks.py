# SPDX-License-Identifier: Apache-2.0
# web-attacks.py GROUP FOLDER PORT [ARGUMENT...]: attacks on the web
# administration whose users ann (an administrator) and carl (a contributor)
# web.sh knows in FOLDER. Each says what a page of another site, somebody
# without a log-in or a contributor might try.
import re
import statistics
import sys
import threading
import time
from urllib.parse import urljoin

from webclient import (COOKIE, DAY, LATER, PASSWORD, Person, Web, begin, end,
                       enter, good, login, none, ok, policy, state, totp,
                       user_make, work)

group, where, port, *more = sys.argv[1:]
begin(where, port)
web = Web()
ann, carl = Person.kept("ann"), Person.kept("carl")
EVIL = "https://evil.example"


# --- requests that another site's page makes ---------------------------------

def changes():
    """What changes something, as an administrator's browser would send it."""
    return [
        ("POST", "/policies", policy("forged")),
        ("PATCH", "/policies/p", {"device_lifetime": 3 * DAY}),
        ("DELETE", "/policies/spare", None),
        ("POST", "/batches", {"name": "forged", "policy": "p"}),
        ("PATCH", "/batches/b", {"description": "forged"}),
        ("POST", "/tokens", {"name": "forged", "batch": "b",
                             "not_after": LATER}),
        ("DELETE", "/tokens/spare", None),
        ("DELETE", "/batches/spare", None),
        ("POST", "/keys", {"name": "forged", "type": "ecdsa"}),
        ("POST", "/users", {"name": "forged", "role": "administrator",
                            "password": PASSWORD}),
        ("PATCH", "/users/carl", {"first_name": "forged"}),
        ("POST", "/users/spare/reset", None),
        ("DELETE", "/users/spare/sessions", None),
        ("DELETE", "/users/spare", None),
        ("POST", "/users/invite", {"role": "administrator"}),
        ("PATCH", "/settings", {"title": "forged"}),
        ("POST", "/api-tokens", {"name": "forged", "scopes": ["users"],
                                 "until": LATER}),
        ("PATCH", "/profile", {"first_name": "forged"}),
        ("POST", "/profile/totp", {"password": PASSWORD}),
        ("POST", "/profile/password", {"old": PASSWORD,
                                       "new": PASSWORD + "!"}),
        ("DELETE", "/profile/sessions", None),
        ("POST", "/logout", None),
    ]


def csrf():
    eve = user_make(web, ann, "eve", "administrator")
    user_make(web, ann, "spare")
    good("POST", "/policies", policy("spare"))
    good("POST", "/batches", {"name": "spare", "policy": "p"})
    good("POST", "/tokens", {"name": "spare", "batch": "spare",
                             "not_after": LATER})
    here = f"localhost:{port}"
    ways = {
        "no token": {"X-Quoin-CSRF": None},
        "an empty token": {"X-Quoin-CSRF": ""},
        "a token of another session": {"X-Quoin-CSRF": ann.csrf},
        "a token a little wrong": {"X-Quoin-CSRF":
                                   eve.csrf[:-1] + chr(ord(eve.csrf[-1]) ^ 1)},
        "a token too long": {"X-Quoin-CSRF": eve.csrf + "A"},
    }
    for site in ("cross-site", "same-site", "x"):
        ways[f"Sec-Fetch-Site: {site}"] = {"Sec-Fetch-Site": site}
    for origin in (EVIL, "null", f"http://{here}", f"https://{here}.evil.ex",
                   "https://localhost", f"https://127.0.0.1:{port}", ""):
        ways[f"Origin: {origin}"] = {"Origin": origin}
    before = state(web, ann)
    for way, headers in ways.items():
        bad = []
        for method, path, body in changes():
            a = web.ask(method, path, body, eve, headers)
            if a.status != 403 or not a.problem():
                bad.append(f"{method} {path}: {a}")
        none(bad, f"{len(changes())} changes with {way}")
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "multipart/form-data; boundary=x", None, "text/json",
                 "application/json-patch+json"):
        bad = []
        for method, path, body in changes():
            if body is None:
                continue
            a = web.ask(method, path, body, eve, {"Content-Type": kind})
            if a.status != 415 or not a.problem():
                bad.append(f"{method} {path}: {a}")
        none(bad, f"changes as {kind}")
    bad = []
    for path in ("/login", "/link", "/link/finish", "/login/forgot",
                 "/signup"):
        for headers in ({"Origin": EVIL}, {"Sec-Fetch-Site": "cross-site"},
                        {"Origin": "null"}):
            a = web.ask("POST", path, {}, None, headers)
            if a.status != 403:
                bad.append(f"{path} {headers}: {a}")
        a = web.ask("POST", path, {}, None, {"Content-Type": "text/plain"})
        if a.status != 415:
            bad.append(f"{path} as text: {a}")
    none(bad, "what asks for no log-in, from another site or as text")
    bad = []
    for method, path, _ in changes():
        for verb in ("GET", "HEAD", "OPTIONS"):
            a = web.ask(verb, path, None, eve,
                        {"X-HTTP-Method-Override": method,
                         "X-Method-Override": method, "Origin": EVIL,
                         "Access-Control-Request-Method": method})
            if a.status < 300 and verb == "OPTIONS":
                bad.append(f"{verb} {path}: {a}")
    none(bad, "no other method does it")
    a = web.ask("GET", "/session?_method=DELETE", None, eve)
    ok(a.status == 400, "nor does a parameter", a)
    ok(state(web, ann) == before, "nothing is changed by all this")
    bad = []
    for method, path, body in changes():
        a = web.ask(method, path, body, eve,
                    {"Origin": f"https://{here}",
                     "Sec-Fetch-Site": "same-origin"})
        if a.status >= 300:
            bad.append(f"{method} {path}: {a}")
    none(bad, "each would have been, by the page itself")
    ok(state(web, ann) != before, "which would have been seen")
    for path, body in (("/policies/p", {"device_lifetime": DAY}),
                       ("/users/carl", {"first_name": ""}),
                       ("/settings", {"title": "Quoin"})):
        good("PATCH", path, body)


# --- sessions ----------------------------------------------------------------

def sessions():
    planted = "A" * 43
    kept = carl.cookie
    for what, value in (("made up", planted), ("of another user", ann.cookie),
                        ("of one's own", kept)):
        a = login(web, "carl", headers={"Cookie": f"{COOKIE}={value}"})
        new = Person.of("carl", a)
        ok(a.status == 200 and new.cookie not in (planted, ann.cookie, kept)
           and len(new.cookie) == 43, f"log-in with a cookie {what}: "
           "a new one", a.head)
        ok(good("GET", "/session", who=new).json()["user"]["name"] == "carl",
           "it is carl's")
    ok(not Person("x", planted, "").alive(web), "the planted one is no good")
    ok(good("GET", "/session").json()["user"]["name"] == "ann",
       "ann's is still ann's")
    cookies = [v for k, v in a.head if k == "set-cookie"]
    ok(len(cookies) == 1 and sorted(cookies[0].split("; ")[1:-1]) ==
       ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"],
       "one cookie, for this host alone and no script", cookies)
    for what, value in (
            ("two cookies", f"{COOKIE}={new.cookie}; {COOKIE}={planted}"),
            ("two the other way", f"{COOKIE}={planted}; {COOKIE}={new.cookie}"),
            ("a name in other case", f"__host-Quoin={new.cookie}"),
            ("without its prefix", f"quoin={new.cookie}"),
            ("cut short", f"{COOKIE}={new.cookie[:-1]}"),
            ("with more", f"{COOKIE}={new.cookie}A"),
            ("quoted", f"{COOKIE}=\"{new.cookie}\""),
            ("empty", f"{COOKIE}=")):
        a = web.ask("GET", "/session", headers={"Cookie": value})
        ok(a.status == 401 and a.problem(), f"{what}: nobody", a)
    a = web.ask("GET", f"/session?{COOKIE}={new.cookie}")
    ok(a.status == 401, "not in the address", a)
    a = web.ask("GET", "/session", headers={
        "Authorization": f"Bearer {new.cookie}"})
    ok(a.status == 401, "nor as a token", a)
    good("POST", "/logout", who=new)
    ok(not new.alive(web), "dead when logged out")
    a = web.ask("PATCH", "/profile", {"first_name": "x"}, new)
    ok(a.status == 401, "for changes, too", a)

    eva = user_make(web, ann, "eva")
    others = [enter(web, "eva") for _ in range(2)]
    good("POST", "/profile/password", {"old": PASSWORD,
                                       "new": "another word 77"}, eva)
    ok(eva.alive(web) and not any(o.alive(web) for o in others),
       "another password ends the other sessions")
    good("PATCH", "/users/eva", {"password": PASSWORD})
    ok(not eva.alive(web), "one set by an administrator ends all")
    eva = enter(web, "eva")
    good("PATCH", "/users/eva", {"disabled": True})
    ok(not eva.alive(web), "so does being disabled")
    good("PATCH", "/users/eva", {"disabled": False})
    ok(not eva.alive(web), "for good")
    eva = enter(web, "eva")
    token = good("POST", "/api-tokens", {"name": "t", "scopes": ["read"],
                                         "until": LATER}, eva).json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    good("GET", "/batches", who=None, headers=bearer)
    good("PATCH", "/users/eva", {"role": "administrator"})
    good("GET", "/users", who=eva)
    good("PATCH", "/users/eva", {"role": "contributor"})
    a = web.ask("GET", "/users", None, eva)
    ok(a.status in (401, 403), "who is no administrator any more is none at "
       "once", a)
    while time.time() % 1 > 0.1:  # all that follows in one second
        time.sleep(0.01)
    link = good("POST", "/users/eva/reset").json()["link"].split("/")[-1]
    good("DELETE", "/users/eva")
    ok(not eva.alive(web), "deleted: out")
    user_make(web, ann, "eva")
    ok(not eva.alive(web), "nor is a session of an older user of that name "
       "any good")
    a = web.ask("GET", "/batches", headers=bearer)
    ok(a.status == 401, "nor an API token", a)
    a = web.ask("POST", "/link/finish", {"token": link,
                                         "password": "third secret 4711"})
    ok(a.status == 404, "nor a link", a)


# --- people ------------------------------------------------------------------

def cpu():
    """Seconds of processor that quoin-webd has taken."""
    with open(f"/proc/{more[0]}/stat") as f:
        t = f.read().rsplit(")", 1)[1].split()
    return (int(t[11]) + int(t[12])) / 100


def timed(f):
    """f's answer, its seconds, and quoin-webd's."""
    at, used = time.monotonic(), cpu()
    a = f()
    return a, time.monotonic() - at, cpu() - used


TIMES = 9


def enumeration():
    for i in range(TIMES):
        user_make(web, ann, f"wrong{i}")
        user_make(web, ann, f"off{i}")
        good("PATCH", f"/users/off{i}", {"disabled": True})
    for i in range(TIMES):
        good("PATCH", f"/users/wrong{i}", {"email": f"wrong{i}@x.example"})
    kinds = {"nobody": "nobody{}", "a wrong password": "wrong{}",
             "who is disabled": "off{}", "an address of nobody":
             "nobody{}@x.example", "an address": "wrong{}@x.example",
             "no name at all": "\u00e4 {}/"}
    took, told = {}, {}
    for n in range(TIMES):
        for k, (kind, name) in enumerate(kinds.items()):
            there = Web(f"127.0.{20 + k}.{n + 1}")
            there.ask("GET", "/site")
            a, wall, used = timed(lambda: login(
                there, name.format(n), PASSWORD if kind == "who is disabled"
                else "a wrong secret 1"))
            there.close()
            took.setdefault(kind, []).append((wall, used))
            told.setdefault(kind, set()).add((a.status, a.body, tuple(sorted(
                h for h in a.head if h[0] != "date"))))
    ok(len(set.union(*told.values())) == 1, "log-ins that fail are told the "
       "same", *[f"{k}: {v}" for k, v in told.items()])
    walls = {k: statistics.median(w for w, _ in v) for k, v in took.items()}
    used = {k: statistics.median(u for _, u in v) for k, v in took.items()}
    for k in kinds:
        print(f"# {k}: {1000 * walls[k]:.0f} ms, of quoin-webd's processor "
              f"{1000 * used[k]:.0f} ms")
    ok(min(used.values()) > 0.02 and max(used.values()) <
       2 * min(used.values()), "and cost the same", used)
    if max(walls.values()) >= 2 * min(walls.values()):
        print("# the machine is busy: times differ")
    mail(kinds)


def mail(kinds):
    """Having a link mailed: told the same, after the same time."""
    good("PATCH", "/settings", {
        "smtp_url": f"smtp://localhost:{more[1]}", "smtp_from": "q@x.example",
        "signup": True, "signup_domains": "x.example"})
    for path in ("/login/forgot", "/signup"):
        took, told = {}, {}
        for n in range(3):
            for k, name in enumerate(("nobody{}@x.example",
                                      "wrong{}@x.example")):
                there = Web(f"127.0.{30 + k}.{n + 1}")
                solved = work(there)
                a, wall, _ = timed(lambda: there.ask("POST", path, {
                    "email": name.format(n), "captcha": solved}))
                there.close()
                took.setdefault(name, []).append(wall)
                told.setdefault(name, set()).add((a.status, a.body))
        ok(set.union(*told.values()) == {(202, b"")}, f"{path}: the same is "
           "told of who is unknown", told)
        median = [statistics.median(t) for t in took.values()]
        ok(min(median) > 0.2, f"{path}: after a while for both", took)


def at_once(n, f):
    """What n threads get that do the same at the same time."""
    gate, got = threading.Barrier(n), [None] * n

    def run(i):
        there = Web(f"127.0.40.{i + 1}")
        there.ask("GET", "/site")
        gate.wait()
        got[i] = f(there)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return got


def second():
    tom = user_make(web, ann, "tom")
    seed = good("POST", "/profile/totp", {"password": PASSWORD},
                tom).json()["secret"]
    while time.time() % 30 > 25:
        time.sleep(0.2)
    step = int(time.time()) // 30
    used = totp(seed, step - 1)
    good("POST", "/profile/totp/confirm", {"code": used}, tom)
    a = login(web, "tom", code=used)
    ok(a.status == 401, "the code that turned it on is used up", a)
    while int(time.time()) // 30 == step and time.time() % 30 > 22:
        time.sleep(0.2)
    step = int(time.time()) // 30
    code = totp(seed, step)
    got = at_once(4, lambda w: login(w, "tom", code=code).status)
    ok(got.count(200) == 1 and not {200, 401, 429} < set(got), "of four with "
       "one code at once one gets in", got)
    a = login(web, "tom", code=code)
    ok(a.status in (401, 429), "replayed", a)
    a = login(web, "tom", code=used)
    ok(a.status in (401, 429), "an older one", a)
    a = web.ask("POST", "/profile/totp/confirm", {"code": totp(seed, step)},
                tom)
    ok(a.status >= 400, "nor is one confirmed twice", a)
    user_make(web, ann, "rea")
    link = good("POST", "/users/rea/reset").json()["link"].split("/")[-1]
    got = at_once(6, lambda w: w.ask("POST", "/link/finish", {
        "token": link, "password": "what a new one 3"}).status)
    ok(sorted(got) == [201] + [404] * 5, "of six with one link one gets in",
       got)
    a = web.ask("POST", "/link", {"token": link})
    ok(a.status == 404, "used: nothing to look at", a)
    link = good("POST", "/users/invite", {"role": "contributor"}
                ).json()["link"].split("/")[-1]
    got = at_once(6, lambda w: w.ask("POST", "/link/finish", {
        "token": link, "user": "i" + w.source[-1],
        "password": PASSWORD}).status)
    ok(sorted(got) == [201] + [404] * 5, "one invitation makes one user", got)
    a = web.ask("POST", "/link/finish", {
        "token": link[:-1] + ("A" if link[-1] != "A" else "B"),
        "user": "zoe", "password": PASSWORD})
    ok(a.status == 404, "a link a little wrong", a)
    made = [u["name"] for u in good("GET", "/users").json()["items"]
            if len(u["name"]) == 2 and u["name"][0] == "i"]
    ok(len(made) == 1, "one it is", made)
    solved = work(web)
    body = {"email": "nobody@x.example", "captcha": solved}
    got = at_once(4, lambda w: w.ask("POST", "/login/forgot", body).status)
    ok(got.count(400) == 3, "one CAPTCHA is good once", got)


def others():
    """A contributor and what is others'."""
    items = good("GET", "/users/ann/sessions").json()["items"]
    session = items[0]["id"]
    made = good("POST", "/api-tokens", {"name": "hers", "scopes": ["read"],
                                        "until": LATER}).json()
    other = user_make(web, ann, "cora")
    theirs = good("POST", "/api-tokens", {"name": "x", "scopes": ["read"],
                                          "until": LATER}, other).json()
    link = good("POST", "/users/cora/reset").json()["link"].split("/")[-1]
    before = state(web, ann)
    bad = []
    for want, method, path, body in (
            ([404], "DELETE", f"/profile/sessions/{session}", None),
            ([404], "DELETE", f"/api-tokens/{made['id']}", None),
            ([404], "DELETE", f"/api-tokens/{theirs['id']}", None),
            ([403], "GET", "/users", None),
            ([403], "GET", "/users/ann", None),
            ([403], "GET", "/users/carl", None),
            ([403], "GET", "/users/nobody", None),
            ([403], "PATCH", "/users/ann", {"password": PASSWORD}),
            ([403], "PATCH", "/users/carl", {"role": "administrator"}),
            ([403], "POST", "/users/ann/reset", None),
            ([403], "GET", "/users/ann/sessions", None),
            ([403], "DELETE", "/users/ann/sessions", None),
            ([403], "DELETE", "/users/ann", None),
            ([403], "POST", "/users/invite", {"role": "administrator"}),
            ([403], "GET", "/settings", None),
            ([403], "PATCH", "/settings", {"title": "x"}),
            ([403], "GET", "/approvals", None),
            ([403], "GET", "/tls", None),
            ([403], "POST", "/keys", {"name": "x", "type": "ecdsa"}),
            ([403], "POST", "/tokens", {"name": "x", "batch": "b",
                                        "not_after": LATER}),
            ([403], "PATCH", "/batches/b", {"signing_key": "x"}),
            ([403], "PATCH", "/batches/b", {"firmware": "x"}),
            ([403], "POST", "/batches", {"name": "x", "policy": "p",
                                         "signing_key": "x"}),
            ([400], "PATCH", "/profile", {"role": "administrator"}),
            ([400], "PATCH", "/profile", {"name": "ann"}),
            ([400], "PATCH", "/profile", {"totp_on": False}),
            ([400], "PATCH", "/profile", {"password": PASSWORD}),
            ([400], "PATCH", "/batches/b", {"counts": {"devices": 0}}),
            ([400], "PATCH", "/batches/b", {"name": "x"}),
            ([400], "POST", "/api-tokens", {
                "name": "x", "scopes": ["read"], "until": LATER,
                "user": "ann"}),
            ([400], "POST", "/profile/password", {
                "old": PASSWORD + "x", "new": PASSWORD, "user": "ann"}),
            ([400], "GET", "/profile?user=ann", None),
            ([400], "GET", "/api-tokens?user=ann", None),
            ([404], "GET", "/profile/ann", None)):
        a = web.ask(method, path, body, carl)
        if a.status not in want or not a.problem():
            bad.append(f"{method} {path} {body}: {a}")
    none(bad, "what a contributor may not")
    ok(state(web, ann) == before and ann.alive(web), "changes nothing")
    mine = web.ask("GET", "/api-tokens", None, carl).json()["items"]
    ok(all(t["user"] == "carl" for t in mine), "nor sees API tokens", mine)
    a = web.ask("GET", f"/batches?limit=1&after={session}", None, carl)
    ok(a.status in (200, 400), "nobody's cursor", a)
    a = web.ask("POST", "/link", {"token": link}, carl)
    ok(a.status == 200 and a.json()["user"] == "cora",
       "a link is good for who has it, whoever is logged in", a)
    a = web.ask("POST", "/link/finish", {
        "token": link, "user": "ann", "email": "ann@x.example",
        "password": "a word for cora 1"}, carl)
    ok(a.status == 201 and a.json()["user"]["name"] == "cora",
       "and for nobody but whom it is for", a)
    a = login(web, "ann")
    ok(a.status == 200, "ann's password is her own", a)


# --- the pages ---------------------------------------------------------------

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; "
          "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
          "worker-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")
# What takes text for a part of the page, or for a program.
SINKS = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|"
    r"srcdoc|document\.write|execScript|javascript:|importScripts)\b|"
    r"\b(eval|Function)\(|\b(setTimeout|setInterval)\(['\"`]")
# Preact's own way of setting what it is told is HTML, which no page does.
LIBRARY = re.compile(r"vendor/|node_modules/|/preact")


def pages():
    """Everything that a browser is given: no text becomes a program, nothing
    comes from elsewhere."""
    todo, seen, bad, scripts = ["/index.html"], set(), [], 0
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        a = web.ask("GET", path, raw=True)
        text = a.body.decode("utf-8", "replace")
        if a.status != 200 or a.get("content-security-policy") != POLICY:
            bad.append(f"{path}: {a} {a.head}")
        if a.type == "text/javascript":
            scripts += 1
            if not LIBRARY.search(path):
                bad += [f"{path}: {m.group()}" for m in SINKS.finditer(text)]
                bad += [f"{path}: {m}" for m in re.findall(
                    r"dangerouslySet\w+", text)]
            found = re.findall(r"(?:from|import)\s*\(?['\"](\.[^'\"]+js)['\"]",
                               text)
        elif a.type == "text/html":
            bad += [f"{path}: {m}" for m in re.findall(
                r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+\s*=|"
                r"\sstyle=|https?://[^\s\"']*", text)]
            found = re.findall(r"(?:src|href)=[\"']?([^\s\"'>]+)", text)
        else:
            found = re.findall(r"url\(['\"]?(?!data:)([^'\")]+)", text)
            bad += [f"{path}: @import" for _ in re.findall("@import", text)]
        todo += [urljoin(path, f) for f in found if not f.startswith("data:")]
    none(bad, f"{len(seen)} files, {scripts} of them scripts: nothing is "
         "taken for a part of the page")
    ok(scripts > 30, "all pages were looked at", sorted(seen))


groups = {"csrf": csrf, "sessions": sessions, "enumeration": enumeration,
          "second": second, "others": others, "pages": pages}
groups[group]()
sys.exit(end())
