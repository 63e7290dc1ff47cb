"""An OpenID Connect issuer on the loopback interface: discovery, public keys, and signed tokens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "chehang"


class Issuer:
    """Signs tokens, and answers discovery and JWKS over HTTP; `answers` counts the requests by path."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/realms/group"
        self.named_issuer = self.url
        self.moves_to: str | None = None
        self.keys: dict[str, Any] = {}
        self.answers: dict[str, int] = {}
        self.add_key("rsa-1")

    def add_key(self, key_id: str, *, curve: bool = False) -> None:
        """Make a new signing key and publish it."""
        new = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65_537, 2_048)
        self.keys[key_id] = new

    def documents(self) -> dict[str, Any]:
        """Return the documents by path."""
        algorithms: Any = {True: jwt.algorithms.ECAlgorithm, False: jwt.algorithms.RSAAlgorithm}
        public = []
        for key_id, key in self.keys.items():
            kind = algorithms[isinstance(key, ec.EllipticCurvePrivateKey)]
            public.append(json.loads(kind.to_jwk(key.public_key())) | {"kid": key_id, "use": "sig"})
        symmetric = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct-1"}
        return {
            "/realms/group/.well-known/openid-configuration": {
                "issuer": self.named_issuer,
                "jwks_uri": f"{self.url}/keys",
            },
            "/realms/group/keys": {"keys": [symmetric, *public]},
        }

    def token(self, *, key_id: str = "rsa-1", algorithm: str = "RS256", key: Any = None, **claims: Any) -> bytes:
        """Return a token that is valid for a minute, with these claims in place of the usual ones; None leaves out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "u-17", "iat": now, "exp": now + 60, "role": "sales"}
        content = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(content, key or self.keys[key_id], algorithm=algorithm, headers={"kid": key_id}).encode()


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Run an issuer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.answers[self.path] = issuer.answers.get(self.path, 0) + 1
            if issuer.moves_to is not None:
                self.send_response(302)
                self.send_header("location", issuer.moves_to)
                self.send_header("content-length", "0")
                return self.end_headers()
            document = issuer.documents().get(self.path)
            body = json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
