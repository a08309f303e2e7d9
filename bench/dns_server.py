"""The DNS of the end-to-end tests, in a process of its own: reads the records of bench.test, says how to ask it, and ends with its input."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
import dns_zone  # noqa: E402

records = []
for line in sys.stdin:
    if not line.strip():
        break
    records.append(line)
with dns_zone.Dns() as dns:
    dns.zone("bench.test", "".join(records), sign="no", ttl=86400)
    dns.start()
    print(dns.settings(), end="\n\n", flush=True)
    sys.stdin.read()
