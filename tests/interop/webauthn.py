# SPDX-License-Identifier: Apache-2.0
"""An authenticator and a browser made of python-fido2, which also judges what
they gave; and soft-webauthn, which never verifies its user.

    webauthn.py make FILE RP_ID ORIGIN      a credential: FILE, and its JSON
    webauthn.py get FILE STATEMENT [KEY=VALUE...]   an assertion's JSON
        with origin, rp, flags, type, cross, challenge, soft, counter
    webauthn.py judge FILE STATEMENT JSON   does python-fido2 take it?
"""

import hashlib
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AuthenticatorData, CollectedClientData
from soft_webauthn import SoftWebauthnDevice

CREDENTIAL = b"\xfb\xff" + b"c" * 30


def load(path):
    with open(path, encoding="ascii") as file:
        kept = json.load(file)
    key = serialization.load_pem_private_key(kept["key"].encode(), None)
    return kept, key


def make(path, rp_id, origin):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with open(path, "w", encoding="ascii") as file:
        json.dump({"key": pem.decode(), "rp": rp_id, "origin": origin}, file)
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    print(json.dumps({
        "id": websafe_encode(CREDENTIAL),
        "rpId": rp_id,
        "origin": origin,
        "response": {"publicKey": websafe_encode(spki)},
    }))


def challenge_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def assertion(auth, client, signature):
    print(json.dumps({
        "id": websafe_encode(CREDENTIAL),
        "type": "public-key",
        "response": {
            "authenticatorData": websafe_encode(bytes(auth)),
            "clientDataJSON": websafe_encode(bytes(client)),
            "signature": websafe_encode(signature),
        },
    }))


def get(path, statement, *options):
    kept, key = load(path)
    opt = {"origin": kept["origin"], "rp": kept["rp"], "flags": "5",
           "type": "webauthn.get", "cross": "", "challenge": "",
           "soft": "", "counter": "1"}
    opt.update(o.split("=", 1) for o in options)
    challenge = challenge_of(opt["challenge"] or statement)
    if opt["soft"]:
        device = SoftWebauthnDevice()
        device.cred_init(opt["rp"], b"user")
        device.private_key = key
        r = device.get({"publicKey": {"rpId": opt["rp"],
                                      "challenge": challenge}},
                       opt["origin"])["response"]
        assertion(r["authenticatorData"], r["clientDataJSON"],
                  r["signature"])
        return
    client = CollectedClientData.create(
        opt["type"], challenge, opt["origin"], bool(opt["cross"]))
    auth = AuthenticatorData.create(
        hashlib.sha256(opt["rp"].encode()).digest(),
        AuthenticatorData.FLAG(int(opt["flags"], 0)), int(opt["counter"]))
    assertion(auth, client, key.sign(
        auth + client.hash, ec.ECDSA(hashes.SHA256())))


def judge(path, statement, answer):
    """As Fido2Server.authenticate_complete does, user verification
    required."""
    kept, key = load(path)
    with open(answer, encoding="ascii") as file:
        r = json.load(file)["response"]
    client = CollectedClientData(websafe_decode(r["clientDataJSON"]))
    auth = AuthenticatorData(websafe_decode(r["authenticatorData"]))
    good = (client.type == "webauthn.get"
            and client.origin == kept["origin"]
            and client.challenge == challenge_of(statement)
            and not client.cross_origin
            and auth.rp_id_hash == hashlib.sha256(
                kept["rp"].encode()).digest()
            and auth.is_user_present() and auth.is_user_verified())
    try:
        ES256.from_cryptography_key(key.public_key()).verify(
            auth + client.hash, websafe_decode(r["signature"]))
    except Exception:  # pylint: disable=broad-except
        good = False
    print("good" if good else "bad")


{"make": make, "get": get, "judge": judge}[sys.argv[1]](*sys.argv[2:])
