"""posthorn domain dkim and domain dns: what is printed is a zone file, and its keys are keys; over a running server and without one."""

import base64
import json
import os
import re
import subprocess
import unittest

from harness import DOMAIN, Server

TIME = r"\d{8}-\d{4}"


class DomainKeys(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def dkim(self, *words, check=True):
        return self.server.admin("domain", "dkim", *words, check=check)

    def states(self):
        answer = json.loads(self.dkim("list", DOMAIN, "--json").stdout)
        return sorted((key["algorithm"], key["state"]) for key in answer["keys"])

    def read_zone(self, text):
        """The keys' TXT records of a piece of a zone file, as NSD's and ldns's own reader of zones sees them."""
        path = os.path.join(self.server.directory, "zone")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"{DOMAIN}. 3600 IN SOA ns.{DOMAIN}. me.{DOMAIN}. 1 3600 600 86400 60\n{DOMAIN}. 3600 IN NS ns.{DOMAIN}.\n{text}")
        out = subprocess.run(["ldns-read-zone", path], capture_output=True, text=True, timeout=60)
        self.assertEqual(out.returncode, 0, out.stderr + text)
        records = {}
        for line in out.stdout.splitlines():
            if found := re.match(r"(\S+\._domainkey\.\S+)\.\s+\d+\s+IN\s+TXT\s+(.*)", line):
                strings = re.findall(r'"([^"]*)"', found[2])
                self.assertTrue(all(len(s) <= 255 for s in strings))
                records[found[1]] = "".join(strings)
        return records

    def check_records(self, records):
        for name, text in records.items():
            algorithm = re.fullmatch(rf"(rsa|ed25519)-{TIME}\._domainkey\.{re.escape(DOMAIN)}", name)[1]
            found = re.fullmatch(r"v=DKIM1; k=(\w+); p=([A-Za-z0-9+/]+=*)", text)
            self.assertEqual(found[1], algorithm)
            key = base64.b64decode(found[2])
            if algorithm == "ed25519":
                self.assertEqual(len(key), 32)
                continue
            out = subprocess.run(["openssl", "pkey", "-pubin", "-inform", "DER", "-noout", "-text"], input=key, capture_output=True)
            self.assertIn(b"Public-Key: (2048 bit)", out.stdout, out.stderr)

    def run_all(self):
        admin = self.server.admin
        self.assertIn("posthorn domain dns " + DOMAIN, admin("domain", "add", DOMAIN).stdout)
        self.assertEqual(self.states(), [("ed25519", "active"), ("rsa", "active")])
        printed = admin("domain", "dns", DOMAIN).stdout
        first = self.read_zone(printed)
        self.assertEqual(len(first), 2)
        self.check_records(first)
        for text in first.values():
            self.assertIn("; " + text + "\n", printed)  # in one piece, for a provider's form

        rotated = self.dkim("rotate", DOMAIN).stdout
        self.assertIn("posthorn domain dkim activate " + DOMAIN, rotated)
        second = self.read_zone(rotated)
        self.check_records(second)
        self.assertEqual(len(second), 2)
        self.assertFalse(set(first.items()) & set(second.items()))
        self.assertEqual(self.read_zone(admin("domain", "dns", DOMAIN).stdout), first | second)
        again = self.dkim("rotate", DOMAIN, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("wait already", again.stderr)

        activated = self.dkim("activate", DOMAIN).stdout
        for name in first:
            self.assertIn(name, activated)
        self.assertEqual(self.states(), [("ed25519", "active"), ("ed25519", "retired"), ("rsa", "active"), ("rsa", "retired")])
        listed = self.dkim("list", DOMAIN).stdout
        self.assertEqual(len(listed.splitlines()), 4)
        self.assertIn("keep its record until", listed)
        self.assertEqual(self.dkim("activate", DOMAIN, check=False).returncode, 1)

        third = self.read_zone(self.dkim("rotate", DOMAIN, "--activate").stdout)
        self.assertEqual(len(third), 2)
        self.assertFalse(third.keys() & (first | second).keys())
        for name in third:
            out = self.dkim("remove", DOMAIN, name.split(".")[0]).stdout
        self.assertIn("no longer signed", out)
        self.assertEqual(self.dkim("remove", DOMAIN, "nothing", check=False).returncode, 1)

        admin("domain", "add", "plain.test", "--no-dkim")
        self.assertIn("no keys", self.dkim("list", "plain.test").stdout)
        self.assertNotIn("_domainkey", admin("domain", "dns", "plain.test").stdout)

    def test_stopped(self):
        self.run_all()
        self.server.check_store()

    def test_running(self):
        self.server.start()
        self.run_all()
        self.server.check_store()
        self.server.stop()
        self.assertNotIn("PRIVATE", self.server.log(10_000))

    def test_keys_survive_a_kill(self):
        self.server.start()
        self.server.admin("domain", "add", DOMAIN)
        before = self.server.admin("domain", "dns", DOMAIN).stdout
        self.server.kill()
        self.assertEqual(self.server.admin("domain", "dns", DOMAIN).stdout, before)


if __name__ == "__main__":
    unittest.main()
