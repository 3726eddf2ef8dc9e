"""A small proxy by the rules of deploy/nginx/nginx.conf, for machines without nginx: no TLS, no limits.

Another address is asked when one does not take the connection; what was sent already is sent again only if that changes
nothing (GET, HEAD), else the visitor is told to try again (503).
"""

from __future__ import annotations

import http.client
import itertools
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HARMLESS = frozenset({"GET", "HEAD"})
CONNECTS_WITHIN, ANSWERS_WITHIN = 2.0, 130.0
_OWN = frozenset({"connection", "x-forwarded-for", "forwarded", "transfer-encoding", "keep-alive"})


class Proxy:
    """Passes requests on to several addresses, in turn."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server

    @classmethod
    def started(cls, port: int, targets: Sequence[tuple[str, int]]) -> Proxy:
        """On 127.0.0.1, before these addresses."""
        turns = itertools.count()

        class Passing(BaseHTTPRequestHandler):
            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                first = next(turns)
                for number in range(len(targets)):
                    sent = False
                    target = http.client.HTTPConnection(
                        *targets[(first + number) % len(targets)], timeout=CONNECTS_WITHIN
                    )
                    try:
                        target.connect()
                        assert target.sock is not None
                        target.sock.settimeout(ANSWERS_WITHIN)
                        sent = True
                        self._ask(target, body)
                    except (OSError, http.client.HTTPException):
                        if sent and self.command not in HARMLESS:
                            break
                    else:
                        return
                    finally:
                        target.close()
                self.send_response(503)
                self.send_header("Retry-After", "10")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _ask(self, target: http.client.HTTPConnection, body: bytes) -> None:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
                headers |= {"X-Forwarded-For": self.client_address[0], "Connection": "close"}
                target.request(self.command, self.path, body or None, headers)
                answer = target.getresponse()
                said = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _OWN | {"content-length"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = _pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Passing)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return cls(server)

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
