"""HTTP: addresses, compression, keep-alive. What is said is the service's business."""

import gzip
import json
import re
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from . import admin, protocol
from .service import Dropped, HttpFault

_RESULT = re.compile(r"/queries/([^/]+)/result\Z")
_TOKEN = re.compile(r'Snowflake Token="([^"]*)"')


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a reply leaves in one piece
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_GET(self):
        self._answer("GET")

    def do_POST(self):
        self._answer("POST")

    def _body(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return raw

    def _json(self, raw):
        try:
            found = json.loads(raw or b"{}")
        except ValueError:
            return None
        return found if isinstance(found, dict) else {}

    def _token(self):
        match = _TOKEN.match(self.headers.get("Authorization") or "")
        return match.group(1) if match else None

    def _answer(self, method):
        raw = self._body()
        address = urlsplit(self.path)
        path = re.sub("/+", "/", address.path)
        query = dict(parse_qsl(address.query))
        service = self.server.service
        try:
            reply = self._route(service, method, path, query, raw)
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        except HttpFault as fault:
            headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
            self._send(fault.status, b"", "text/html", headers)
            return
        if reply is None:
            self._send(404, b'{"success":false,"message":"no such address"}')
        else:
            self._send(200, json.dumps(reply).encode())

    def _route(self, service, method, path, query, raw):
        if path.startswith("/standin/"):
            try:
                return admin.answer(service, path.removeprefix("/standin/"), self._json(raw) or {})
            except (KeyError, ValueError, TypeError) as error:
                return {"error": {"message": f"{type(error).__name__}: {error}"}}
        service.count(path if not _RESULT.match(path) else "/queries/result")
        token = self._token()
        if method == "GET":
            match = _RESULT.match(path)
            return service.result(token, match.group(1)) if match else None
        if path == "/telemetry/send":
            return protocol.nothing()
        body = self._json(raw)
        if body is None:
            return protocol.refused("390400", "Bad request: the body is not JSON.")
        if path == "/session/v1/login-request":
            return service.login(body, query)
        if path == "/queries/v1/query-request":
            as_json = self.headers.get("Accept") == "application/json"
            return service.query(token, body, query.get("requestId"), as_json)
        if path == "/queries/v1/abort-request":
            return service.abort(token, body)
        if path == "/session/token-request":
            return service.renew(token)
        if path == "/session/heartbeat":
            return service.session(token)[1] or protocol.nothing()
        if path == "/session" and query.get("delete") == "true":
            return service.close(token)
        return None

    def _send(self, code, body, kind="application/json", headers=None):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if len(body) > 1024 and "gzip" in (self.headers.get("Accept-Encoding") or ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, service, port=0, cert=None, key=None):
        self.service = service
        super().__init__(("127.0.0.1", port), Handler)
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""
