"""Mailboxes to begin with, and a certificate, for the benchmarks of clients."""
import os
import subprocess
import time

from . import dovecot


def put_mail(maildir, count, size, rng, owner=dovecot.MAIL_OWNER):
    """Messages as Dovecot would have stored them; without an owner they belong to who runs this, and were not read yet."""
    made = [os.path.dirname(maildir), maildir, *(os.path.join(maildir, part) for part in ("cur", "new", "tmp"))]
    for folder in made:
        os.makedirs(folder, exist_ok=True)
    for _ in range(count):
        i = rng.getrandbits(64)
        body = f"{i:016x} some words of a message that says not much in its lines\n" * (size // 78)
        text = f"From: a@example.test\nTo: b@example.test\nSubject: number {i}\nMessage-ID: <{i}@example.test>\n\n{body}"
        name = f"{int(time.time())}.M{i}.bench,S={len(text)},W={len(text) + text.count(chr(10))}:2,"
        path = os.path.join(maildir, "cur", name) if owner else os.path.join(maildir, "new", f"{int(time.time())}.M{i}.bench")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        made.append(path)
    for path in made if owner else ():
        os.chown(path, owner, owner)


def certificate_for_localhost(folder):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return cert, key
