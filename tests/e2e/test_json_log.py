"""The log as JSON, with values that try to break it."""

import json
import smtplib
import socket
import unittest

from harness import DOMAIN, Server, message


class JsonLog(unittest.TestCase):
    def test_every_line_is_an_object(self):
        server = Server('[log]\nformat = "json"\nlevel = "debug"')
        try:
            server.create_accounts()
            server.start()
            with smtplib.SMTP("127.0.0.1", server.ports["smtp_plain"], timeout=60) as smtp:
                smtp.sendmail("someone@elsewhere.test", [f"alice@{DOMAIN}"], message("logged"))
            with socket.create_connection(("127.0.0.1", server.ports["smtp_plain"]), 60) as sock:
                stream = sock.makefile("rwb")
                stream.readline()
                for line in (b'EHLO "}{\\"\xff\xc3\x28', b'MAIL FROM:<"a\\"b\\\\"@x.test>', b"RCPT TO:<\x01\xe2\x80\xae@" + DOMAIN.encode() + b">", b"QUIT"):
                    stream.write(line + b"\r\n")
                    stream.flush()
                    stream.readline()
            server.stop()
            with open(server.log_path, "rb") as log:
                lines = log.read().decode("utf-8").splitlines()
            events = [json.loads(line) for line in lines]
            self.assertGreater(len(events), 3)
            for event in events:
                self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                self.assertIn(event["level"], ("debug", "info", "warning", "error"))
            by_name = {event["event"]: event for event in events}
            self.assertEqual(by_name["app.ready"]["hostname"], "mail.example.test")
            self.assertIsInstance(by_name["app.ready"]["reactors"], int)
        finally:
            server.remove()


if __name__ == "__main__":
    unittest.main()
