"""Starts Posthorn on loopback, proves that it sends and serves mail, and prints how to use it.  Called by ./run."""

import argparse
import imaplib
import os
import poplib
import secrets
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from email.message import EmailMessage

ACCOUNTS = ("alice@example.test", "bob@example.test")
# protocol, standard port, TLS as the configuration says it
LISTENERS = (
    ("smtp", 25, "starttls"), ("smtp", 2525, "starttls"), ("submission", 587, "starttls"), ("submission", 465, "implicit"),
    ("imap", 143, "starttls"), ("imap", 993, "implicit"), ("pop3", 110, "starttls"), ("pop3", 995, "implicit"),
)


def fail(text):
    print(f"./run: {text}", file=sys.stderr)
    sys.exit(1)


def can_bind(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError as e:
            return e
    return None


def choose_ports(standard):
    offset = 10000
    if standard:
        problems = {port: error for _, port, _ in LISTENERS if (error := can_bind(port))}
        if problems:
            for port, error in problems.items():
                print(f"Port {port} cannot be used: {error.strerror}.")
            print("Using 10000 + the standard port instead.")
        else:
            offset = 0
    ports = {port: port + offset for _, port, _ in LISTENERS}
    for port in ports.values():
        if error := can_bind(port):
            fail(f"port {port} on 127.0.0.1 cannot be used: {error.strerror}. Is another ./run still running?")
    return ports


def write_config(data, ports):
    lines = ['hostname = "mail.example.test"', f'data_dir = "{data}"', ""]
    for protocol, port, tls in LISTENERS:
        lines += ["[[listen]]", f'protocol = "{protocol}"', f'address = "127.0.0.1:{ports[port]}"', f'tls = "{tls}"', ""]
    path = os.path.join(data, "posthorn.toml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
    return path


def admin(binary, config, *words, stdin=None):
    done = subprocess.run([binary, *words, "--config", config], input=stdin, text=True, capture_output=True)
    if done.returncode:
        fail(f"`posthorn {' '.join(words)}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def ensure_accounts(binary, config, data):
    """Passwords are made once and kept in a file that only the owner can read."""
    path = os.path.join(data, "passwords.txt")
    known = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            known = dict(line.rstrip("\n").split(" ", 1) for line in f if " " in line)
    if "example.test" not in admin(binary, config, "domain", "list").split():
        admin(binary, config, "domain", "add", "example.test")
    existing = admin(binary, config, "account", "list").split()
    for address in ACCOUNTS:
        if address in existing and address in known:
            continue
        known[address] = secrets.token_urlsafe(9)
        action = "password" if address in existing else "add"
        admin(binary, config, "account", action, address, "--password-file", "-", stdin=known[address] + "\n")
    if "postmaster@example.test" not in admin(binary, config, "alias", "list"):
        admin(binary, config, "alias", "add", "postmaster@example.test", ACCOUNTS[0])
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.writelines(f"{address} {known[address]}\n" for address in ACCOUNTS)
    return known


def wait_until_up(server, ports):
    deadline = time.monotonic() + 60
    for port in ports.values():
        while True:
            if server.poll() is not None:
                fail("the server stopped at once; its last words are above.")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    fail(f"the server does not answer on port {port}.")
                time.sleep(0.05)


def prove(ports, passwords):
    """One message by submission, read back by IMAP and POP3."""
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE  # the certificate is self-signed
    sender, recipient = ACCOUNTS
    mark = secrets.token_hex(8)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, f"Posthorn works {mark}"
    message.set_content("Sent by submission, stored, read by IMAP and POP3.\n")
    with smtplib.SMTP("127.0.0.1", ports[587], timeout=30) as smtp:
        smtp.starttls(context=tls)
        smtp.login(sender, passwords[sender])
        smtp.send_message(message)
    with imaplib.IMAP4_SSL("127.0.0.1", ports[993], ssl_context=tls, timeout=30) as imap:
        imap.login(recipient, passwords[recipient])
        imap.select("INBOX", readonly=True)
        found = imap.search(None, "SUBJECT", mark)[1][0].split()
        if len(found) != 1 or mark.encode() not in imap.fetch(found[0].decode(), "(BODY.PEEK[])")[1][0][1]:
            fail("the message did not come back by IMAP.")
    pop = poplib.POP3_SSL("127.0.0.1", ports[995], context=tls, timeout=30)
    pop.user(recipient)
    pop.pass_(passwords[recipient])
    count = pop.stat()[0]
    if not any(mark.encode() in line for line in pop.retr(count)[1]):
        fail("the message did not come back by POP3.")
    pop.quit()


def print_usage(ports, passwords, config, binary):
    alice, bob = ACCOUNTS
    print(f"""
It works: a message went in by SMTP submission and came back by IMAP and POP3.

  protocol     plain or STARTTLS    TLS from the start
  SMTP         127.0.0.1:{ports[25]}, {ports[2525]}
  submission   127.0.0.1:{ports[587]:<12}    127.0.0.1:{ports[465]}
  IMAP         127.0.0.1:{ports[143]:<12}    127.0.0.1:{ports[993]}
  POP3         127.0.0.1:{ports[110]:<12}    127.0.0.1:{ports[995]}

  account              password
  {alice:<20} {passwords[alice]}
  {bob:<20} {passwords[bob]}

Send (the certificate is self-signed, hence -k):
  printf 'From: {alice}\\nTo: {bob}\\nSubject: hello\\n\\nHello.\\n' | \\
    curl -k --ssl-reqd smtp://127.0.0.1:{ports[587]} -u '{alice}:{passwords[alice]}' --mail-from {alice} --mail-rcpt {bob} --crlf -T -
Read:
  curl -k imaps://127.0.0.1:{ports[993]}/INBOX -u '{bob}:{passwords[bob]}' -X 'FETCH 1:* (FLAGS ENVELOPE)' -v 2>&1 | grep FETCH
  curl -k 'imaps://127.0.0.1:{ports[993]}/INBOX;MAILINDEX=1' -u '{bob}:{passwords[bob]}'
  curl -k pop3s://127.0.0.1:{ports[995]}/1 -u '{bob}:{passwords[bob]}'
Administer:
  {binary} account add carol@example.test --config {config}
  {binary} status --config {config}

Ctrl-C stops the server; the mail stays in {os.path.dirname(config)}.""", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--standard-ports", choices=("yes", "no"), default="no")
    arguments = parser.parse_args()
    os.makedirs(arguments.data, mode=0o700, exist_ok=True)
    ports = choose_ports(arguments.standard_ports == "yes")
    config = write_config(arguments.data, ports)
    admin(arguments.binary, config, "check-config")
    passwords = ensure_accounts(arguments.binary, config, arguments.data)
    log_path = os.path.join(arguments.data, "posthorn.log")
    with open(log_path, "ab") as log:
        # A group of its own: Ctrl-C reaches us, and we stop the server in order.
        server = subprocess.Popen([arguments.binary, "serve", "--config", config], stdout=log, stderr=log, start_new_session=True)
    stopping = False

    def stop(*_):
        nonlocal stopping
        stopping = True
        server.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        wait_until_up(server, ports)
        prove(ports, passwords)
        print_usage(ports, passwords, config, arguments.binary)
        print(f"The log is in {log_path}.", flush=True)
        code = server.wait()
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto) as e:
        if stopping:
            server.wait()
            sys.exit(0)
        print(f"./run: the proof failed: {e}. The server's log is {log_path}.", file=sys.stderr)
        code = 1
    finally:
        if server.poll() is None:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
    if stopping and code == 0:
        print("Stopped.")
    elif code:
        print(f"The server ended with status {code}; see {log_path}.", file=sys.stderr)
    sys.exit(0 if stopping else code)


if __name__ == "__main__":
    main()
