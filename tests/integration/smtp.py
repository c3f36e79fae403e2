# SPDX-License-Identifier: Apache-2.0
"""A mail server for tests: STARTTLS on one port, TLS from the beginning on
another, and a user with a password, as a company's has it. Every mail becomes two files in a folder: N.eml as it came,
and N.txt with its addresses, its subject and its text."""

import asyncio
import email
import email.policy
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Keep:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        name = os.path.join(self.folder, str(self.count))
        mail = email.message_from_bytes(envelope.content,
                                        policy=email.policy.default)
        with open(name + ".eml", "wb") as f:
            f.write(envelope.content)
        with open(name + ".tmp", "w", encoding="utf-8") as f:
            f.write(f"by: {session.auth_data}\n"
                    f"starttls: {session.ssl is not None}\n"
                    f"from: {envelope.mail_from}\n"
                    f"to: {' '.join(envelope.rcpt_tos)}\n"
                    f"headers: {' '.join(k.lower() for k in mail.keys())}\n"
                    f"subject: {mail['subject']}\n\n{mail.get_content()}")
        os.rename(name + ".tmp", name + ".txt")
        return "250 OK"


def main(port, tls_port, folder, certificate, key, user, password):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    keep = Keep(folder)

    def known(server, session, envelope, mechanism, data):
        good = (isinstance(data, LoginPassword)
                and data.login == user.encode()
                and data.password == password.encode())
        return AuthResult(success=good, auth_data=user)

    def new(**more):
        return SMTP(keep, hostname="localhost", auth_required=True,
                    authenticator=known, loop=loop, **more)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(loop.create_server(
        lambda: new(auth_require_tls=False), host="127.0.0.1",
        port=int(tls_port), ssl=tls))
    loop.run_until_complete(loop.create_server(
        lambda: new(tls_context=tls, require_starttls=True),
        host="127.0.0.1", port=int(port)))
    loop.run_forever()


main(*sys.argv[1:])
