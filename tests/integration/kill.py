#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill the processes of an appliance at random while devices enrol, then hold
what the devices have against the records and the journal.

usage: kill.py kill STATE COUNT      until each process was killed COUNT times,
                                     a MongoDB server in STATE/mongo, too
       kill.py check FLEET DEVICES.json JOURNAL.json

kill prints one line per process: "signd 100". It knows the appliance's
processes by the configuration file they were started with.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

NAMES = ("signd", "launcher", "token", "recordd", "enrold")


def processes(state):
    """Process id by name, of this appliance alone: quoin-signd forks its
    launcher, which starts the token worker as a child of quoin-signd."""
    conf = os.path.join(state, "quoin.conf")
    mongo = os.path.join(state, "mongo", "data")
    rows, found = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                parent = f.read().rsplit(")", 1)[1].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        name = os.path.basename(argv[0]).removeprefix("quoin-")
        rows[int(pid)] = (name, int(parent), conf in argv)
        if mongo in argv:
            found["mongo"] = int(pid)
    for pid, (name, parent, ours) in rows.items():
        if ours and rows.get(parent, ("",))[0] == name:
            found["launcher"] = pid
        elif ours:
            found[name] = pid
    for pid, (name, parent, _) in rows.items():
        if name == "token" and parent == found.get("signd"):
            found["token"] = pid
    return found


def kill(state, count):
    names = NAMES
    if os.path.isdir(os.path.join(state, "mongo")):
        names += ("mongo",)
    done = dict.fromkeys(names, 0)
    last = dict.fromkeys(names, 0)
    rng = random.Random(20261122)
    end = time.monotonic() + 1500
    while min(done.values()) < count:
        if time.monotonic() > end:
            break
        time.sleep(rng.uniform(0.02, 0.12))
        name = rng.choice([n for n in names if done[n] < count])
        there = processes(state)
        if name == "launcher" and name not in there:
            # signd does without until it needs another worker, and then
            # starts afresh.
            name = "token"
        pid = there.get(name)
        if pid is None or pid == last[name]:
            continue  # not back yet
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        last[name] = pid
        done[name] += 1
    for name in names:
        print(name, done[name])
    return min(done.values()) < count


def serial_of(path):
    text = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-serial"],
        check=True, capture_output=True, text=True,
    ).stdout
    return text.strip().removeprefix("serial=").lower()


def check(fleet, devices_file, journal_file):
    with open(devices_file, encoding="utf-8") as f:
        devices = json.load(f)["devices"]
    with open(journal_file, encoding="utf-8") as f:
        journal = json.load(f)["records"]
    recorded, bad = {}, []
    for device in devices:
        for cert in device["certs"]:
            if cert["serial"] in recorded:
                bad.append(f"serial {cert['serial']} is recorded twice")
            recorded[cert["serial"]] = device["id"]
        if device["state"] != "enrolled":
            bad.append(f"device {device['id']} is {device['state']}")
        if len(device["certs"]) != 1 or device["issued"] != 1:
            bad.append(f"device {device['id']} has {device['issued']} "
                       f"issued, {len(device['certs'])} recorded")
        if device["renewed"]:
            bad.append(f"device {device['id']} counts as renewed")
    journalled = {}
    for record in journal:
        if record["type"] == "intent":
            body = record["body"]
            journalled[body["serial"]] = body["device_id"]
    held = {}
    for name in os.listdir(fleet):
        path = os.path.join(fleet, name, "current", "certificate.pem")
        if os.path.exists(path):
            held[serial_of(path)] = name
    for serial, device in held.items():
        if recorded.get(serial) != device:
            bad.append(f"device {device} holds {serial}: not recorded")
        if journalled.get(serial) != device:
            bad.append(f"device {device} holds {serial}: not journalled")
    for serial in set(journalled) - set(recorded):
        bad.append(f"serial {serial} is journalled and not recorded")
    for serial in set(recorded) - set(journalled):
        bad.append(f"serial {serial} is recorded and not journalled")
    print(f"{len(held)} held, {len(recorded)} recorded, "
          f"{len(journalled)} journalled")
    print("\n".join(bad[:20]))
    return bool(bad) or not held or len(held) != len(devices)


def main():
    if sys.argv[1] == "kill":
        sys.exit(kill(sys.argv[2], int(sys.argv[3])))
    sys.exit(check(*sys.argv[2:5]))


if __name__ == "__main__":
    main()
