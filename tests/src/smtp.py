"""A mail server for tests: writes each mail into a folder; says no where it is told to.

usage: smtp.py FOLDER [CERTIFICATE KEY USER PASSWORD]

It prints its port. While FOLDER/refuse exists, its one line ("451 later", "550 never") is the
reply to every mail; "drop" takes the mail, then ends the connection instead of replying;
"wait 12" takes it and replies after so many seconds.
With a certificate it demands STARTTLS and that login.
"""
import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder = pathlib.Path(sys.argv[1])


class Handler:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        order = folder / "refuse"
        words = order.read_text().strip() if order.exists() else ""
        if words.startswith("wait "):
            await asyncio.sleep(float(words.split()[1]))
        elif words and words != "drop":
            return words
        self.count += 1
        part = folder / f"{self.count:04}.part"
        part.write_bytes(envelope.content)
        part.rename(folder / f"{self.count:04}.eml")
        if words == "drop":
            server.transport.abort()
        return f"250 2.0.0 Ok: queued as T{self.count:04}"


def protection():
    certificate, key, user, password = sys.argv[2:6]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    wanted = LoginPassword(user.encode(), password.encode())

    def authenticate(server, session, envelope, mechanism, data):
        # Not handled: the reply is the server's own.
        return AuthResult(success=data == wanted, handled=False)

    return {
        "tls_context": context,
        "require_starttls": True,
        "authenticator": authenticate,
        "auth_required": True,
    }


async def main():
    options = protection() if len(sys.argv) > 2 else {}
    handler = Handler()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
