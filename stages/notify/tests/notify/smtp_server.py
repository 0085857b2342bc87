"""A mail server for tests: smtp_server.py FOLDER PORT. It prints its port.

Its environment says what it demands: CERTIFICATE and KEY (STARTTLS, or TLS from the first
byte with WRAPPED), LOGIN_USER and LOGIN_PASSWORD. UNKNOWN is a recipient that it will not have.
"""
import asyncio
import os
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder = pathlib.Path(sys.argv[1])


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == os.environ.get("UNKNOWN"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        part = folder / f"{self.count:04}.part"
        login = "yes" if session.authenticated else "no"
        tls = "yes" if session.ssl or os.environ.get("WRAPPED") else "no"
        head = f"X-Test: login={login} tls={tls} to={','.join(envelope.rcpt_tos)}\r\n"
        part.write_bytes(head.encode() + envelope.content)
        part.rename(folder / f"{self.count:04}.eml")
        return f"250 2.0.0 Ok: queued as T{self.count:04}"


def authenticate(server, session, envelope, mechanism, data):
    wanted = LoginPassword(os.environ["LOGIN_USER"].encode(), os.environ["LOGIN_PASSWORD"].encode())
    return AuthResult(success=data == wanted, handled=False)


async def main():
    options, outer, handler = {}, None, Handler()
    if "CERTIFICATE" in os.environ:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CERTIFICATE"], os.environ["KEY"])
        if "WRAPPED" in os.environ:
            outer = context
        else:
            options.update(tls_context=context, require_starttls=True)
    if "LOGIN_USER" in os.environ:
        options.update(authenticator=authenticate, auth_required=True, auth_require_tls=outer is None)
    loop = asyncio.get_running_loop()
    port = int(sys.argv[2])
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", port, ssl=outer)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
