"""Verifies DKIM signatures with dkimpy: one line of JSON for each file, by Debian's python (which has python3-dkim).

/usr/bin/python3 dkimpy_verify.py KEYS.json FILE...    KEYS.json: {"name of a TXT record": "its text"}"""

import json
import sys

import dkim


def verify(message, keys):
    """What dkimpy says of each signature, or why it cannot read the message."""
    def txt(name, timeout=5):
        return keys[name.decode().rstrip(".")].encode()

    checker = dkim.DKIM(message)
    count = sum(name.lower() == b"dkim-signature" for name, _ in checker.headers)
    return [checker.verify(idx=i, dnsfunc=txt) for i in range(count)]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        keys = json.load(f)
    for path in sys.argv[2:]:
        with open(path, "rb") as f:
            message = f.read()
        try:
            answer = verify(message, keys)
        except dkim.DKIMException as e:
            answer = f"{type(e).__name__}: {e}"
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
