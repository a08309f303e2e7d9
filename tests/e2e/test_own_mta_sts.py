"""The policy of a domain here: printed, served by HTTPS, fetched by another Posthorn that follows it, and found in the DNS."""

import json
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from dns_zone import Dns
from harness import BINARY, DOMAIN, Server, free_ports, message
from test_relay import settings, submit
from web_host import Authority

THEIRS = "theirs.test"
HOST = f"mx.{THEIRS}"
IP, PATH = "127.0.0.60", "/.well-known/mta-sts.txt"
LISTENERS = """
[[listen]]
protocol = "https"
address = "{ip}:{https}"
[[listen]]
protocol = "smtp"
address = "{ip}:{smtp}"
tls = "starttls"
"""


class OwnMtaSts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="posthorn-own-sts-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.authority = Authority(cls.directory)
        cls.https, cls.smtp = free_ports(2)
        certificate, key = cls.authority.issue(HOST, f"mta-sts.{THEIRS}")
        cls.dns = Dns()
        cls.addClassCleanup(cls.dns.stop)
        cls.dns.zone(THEIRS, f"@ MX 10 mx\nmx A {IP}")
        cls.dns.start()
        # Who gets the mail, and has the policy.
        cls.near = Server(f'{cls.dns.settings()}\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n[mta_sts]\nown_mode = "enforce"\n'
                          + LISTENERS.format(ip=IP, https=cls.https, smtp=cls.smtp))
        cls.addClassCleanup(cls.near.remove)
        with open(cls.near.config, encoding="utf-8") as f:
            text = f.read()
        with open(cls.near.config, "w", encoding="utf-8") as f:
            f.write(text.replace("mail.example.test", HOST))  # the other one is called so
        cls.near.admin("domain", "add", THEIRS)
        cls.near.admin("account", "add", f"bob@{THEIRS}", "--password-file", "-", stdin="bobs password\n")
        cls.near.start()
        records = cls.near.admin("domain", "dns", THEIRS).stdout.splitlines()
        cls.record = next(line for line in records if line.startswith(f"_mta-sts.{THEIRS}."))
        cls.alias = next(line for line in records if line.startswith(f"mta-sts.{THEIRS}."))
        cls.dns.zone(THEIRS, f"@ MX 10 mx\nmx A {IP}\n" + "\n".join(line.replace(" IN ", " ") for line in (cls.record, cls.alias)))
        cls.dns.reload()
        # Who sends it.
        cls.far = Server(settings(cls.dns, cls.smtp, more=f'ca_file = "{cls.authority.file}"\n[mta_sts]\nport = {cls.https}\n'))
        cls.addClassCleanup(cls.far.remove)
        cls.far.create_accounts()
        cls.far.start()

    @classmethod
    def tearDownClass(cls):
        cls.far.stop()
        cls.near.stop()

    def get(self, host, path=PATH, *words):
        """Status and body, as curl gets them with a certificate checked."""
        done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", self.authority.file, "--resolve", f"{host}:{self.https}:{IP}",
                               "-w", "\n%{http_code} %{content_type}", *words, f"https://{host}:{self.https}{path}"], capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        body, _, status = done.stdout.rpartition("\n")
        return status.split()[0], body

    def test_the_page(self):
        self.assertEqual(self.get(f"mta-sts.{THEIRS}"), ("200", f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 604800\n"))
        self.assertEqual(self.get(f"mta-sts.{THEIRS}", "/")[0], "404")
        self.assertEqual(self.get(HOST)[0], "421")
        self.assertEqual(self.get(f"mta-sts.{THEIRS}", PATH, "-H", "Host: mta-sts.elsewhere.test")[0], "421")
        self.assertEqual(self.get(f"mta-sts.{THEIRS}", PATH, "-d", "x")[0], "413")

    def test_another_server_follows_it(self):
        submit(self.far, [f"bob@{THEIRS}"], message("under the policy", to=f"bob@{THEIRS}"))
        deadline = time.monotonic() + 60
        text = ""
        while "enforced" not in text and time.monotonic() < deadline:
            ids = re.findall(r"message (\d+)", self.far.admin("trace", f"bob@{THEIRS}", check=False).stdout)
            text = "".join(self.far.admin("trace", i, check=False).stdout for i in ids)
            time.sleep(0.1)
        self.assertIn(f"MTA-STS: the policy of {THEIRS}, enforced", text, self.far.log())
        self.assertRegex(self.near.log(1000), rf"smtp.accepted.*alice@{DOMAIN}")

    def test_what_is_published_is_compared(self):
        def found():
            done = self.near.admin("dns", "check", THEIRS, "--json", check=False).stdout
            return {f["purpose"]: f for f in json.loads(done)["findings"]}
        self.assertEqual([found()[p]["state"] for p in ("MTA-STS", "policy")], ["ok", "ok"])
        config = self.near.config
        with open(config, encoding="utf-8") as f:
            text = f.read()
        other = config + ".other"
        with open(other, "w", encoding="utf-8") as f:
            f.write(text.replace('own_mode = "enforce"', 'own_mode = "testing"'))
        printed = subprocess.run([BINARY, "dns", "check", THEIRS, "--config", other], capture_output=True, text=True, timeout=60).stdout
        self.assertRegex(printed, r"different +MTA-STS .*another id")


if __name__ == "__main__":
    unittest.main()
