"""An authority for certificates, and web servers of other domains, as a test wants them.

    authority = Authority(directory)                     # authority.file: what to trust
    certificate = authority.issue("mx.example.test")     # (file, key file)
    web = Web("127.0.0.30", port, certificate)
    web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", b"...")
    ... web.asked, web.posted ...
"""

import gzip
import http.server
import os
import ssl
import subprocess
import threading


def openssl(*words, stdin=None):
    return subprocess.run(["openssl", *words], input=stdin, check=True, capture_output=True, timeout=60).stdout


class Authority:
    def __init__(self, directory):
        self.directory = directory
        self.file = os.path.join(directory, "authority.crt")
        self.key = os.path.join(directory, "authority.key")
        self.made = 0
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=Test Authority",
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", self.key, "-out", self.file)

    def issue(self, *names, days=20):
        self.made += 1
        stem = os.path.join(self.directory, f"issued{self.made}")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}", "-keyout", stem + ".key", "-out", stem + ".csr")
        with open(stem + ".ext", "w", encoding="ascii") as f:
            f.write("subjectAltName=" + ",".join("DNS:" + name for name in names) + "\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", stem + ".csr", "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", str(days), "-extfile", stem + ".ext",
                "-out", stem + ".crt")
        return stem + ".crt", stem + ".key"


class Web:
    def __init__(self, ip, port, certificate):
        self.pages, self.asked, self.posted = {}, [], []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append((self.headers["Host"], self.path))
                status, kind, body = web.pages.get(self.path, (404, "text/plain", b"nothing here"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Type"].endswith("+gzip"):
                    body = gzip.decompress(body)
                web.posted.append((self.path, self.headers["Content-Type"], body))
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                """Who does not like the certificate leaves; that is no news."""

        self.server = Server((ip, port), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
