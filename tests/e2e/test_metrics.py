"""Figures by HTTP: read as Prometheus reads them."""

import http.client
import json
import smtplib
import subprocess
import unittest

from harness import DOMAIN, Server, free_ports, message

DEBIANS_PYTHON = "/usr/bin/python3"  # the one that has Debian's python3-prometheus-client
# Families as JSON: name, type, documentation, samples.
READ = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, f.documentation, [[s.labels, s.value] for s in f.samples]] for f in text_string_to_metric_families(sys.stdin.read())]))
"""
HAS_READER = subprocess.run([DEBIANS_PYTHON, "-c", "import prometheus_client"], capture_output=True, timeout=60).returncode == 0

LISTENERS = """
[[listen]]
protocol = "metrics"
address = "127.0.0.1:{0}"
[[listen]]
protocol = "metrics"
address = "127.0.0.1:{1}"
tls = "implicit"
"""


def curl(*words):
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "60", *words], capture_output=True, text=True, timeout=90)
    if done.returncode:
        raise AssertionError(f"curl {words}: {done.returncode}: {done.stderr}")
    return done.stdout


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plain, cls.tls = free_ports(2)
        # The tables of listeners are at the end of the file: what comes here is before them.
        cls.server = Server(LISTENERS.format(cls.plain, cls.tls))
        cls.server.create_accounts()
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.remove()

    def figures(self):
        text = curl(f"http://127.0.0.1:{self.plain}/metrics")
        done = subprocess.run([DEBIANS_PYTHON, "-c", READ], input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {family[0]: family[1:] for family in json.loads(done.stdout)}, text

    @unittest.skipUnless(HAS_READER, "needs python3-prometheus-client")
    def test_prometheus_reads_every_line(self):
        families, text = self.figures()
        self.assertEqual(len(families), text.count("# TYPE "))
        for name, (kind, sentence, samples) in families.items():
            with self.subTest(name):
                self.assertTrue(name.startswith("posthorn_"))
                self.assertIn(kind, ("counter", "gauge"))
                self.assertTrue(sentence.endswith("."), sentence)
                self.assertEqual(len(samples), 1)
        for name in ("entries", "groups", "held", "ready", "taken", "destinations"):
            self.assertEqual(families["posthorn_queue_" + name][2], [[{}, 0]])
        self.assertEqual(families["posthorn_connections_metrics"][2], [[{}, 1]])
        self.assertIn("version", families["posthorn_build_info"][2][0][0])

    @unittest.skipUnless(HAS_READER, "needs python3-prometheus-client")
    def test_figures_move(self):
        def accepted():
            return self.figures()[0]["posthorn_smtp_messages_accepted"][2][0][1]
        before = accepted()
        with smtplib.SMTP("127.0.0.1", self.server.ports["smtp_plain"], timeout=60) as smtp:
            smtp.sendmail("someone@elsewhere.test", [f"alice@{DOMAIN}"], message("counted"))
        self.assertEqual(accepted(), before + 1)

    def test_type_of_the_page(self):
        head = curl("--head", f"http://127.0.0.1:{self.plain}/metrics")
        self.assertIn("HTTP/1.1 200 OK", head)
        self.assertIn("Content-Type: text/plain; version=0.0.4; charset=utf-8", head)

    def test_health(self):
        self.assertEqual(curl("--fail", f"http://127.0.0.1:{self.plain}/health"), "ok\n")

    def test_https(self):
        self.assertEqual(curl("--fail", "--insecure", f"https://127.0.0.1:{self.tls}/health"), "ok\n")

    def test_one_connection_for_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=60)
        connection.connect()
        sock = connection.sock
        for path, status in (("/health", 200), ("/nothing", 404), ("/metrics?x=y", 200), ("/health", 200)):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, status, path)
            self.assertIs(connection.sock, sock, "kept")
        connection.close()

    def test_nothing_but_get(self):
        for words, status in ((["-X", "DELETE"], "405"), (["-d", "x=y"], "413"), (["-H", "X: " + "x" * 20000], "431")):
            with self.subTest(words[0]):
                self.assertEqual(curl("-o", "/dev/null", "-w", "%{http_code}", *words, f"http://127.0.0.1:{self.plain}/metrics"), status)


if __name__ == "__main__":
    unittest.main()
