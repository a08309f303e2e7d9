"""Reads the corpus: the ugly messages of the *.txt files beside this one, whose form README.md describes.

python3 tests/corpus/corpus.py FOLDER  writes each of them into a file there."""

import base64
import os
import quopri
import re
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
CONTROLS = {"CR": b"\r", "LF": b"\n", "NUL": b"\0", "SP": b" ", "TAB": b"\t", "-": b""}


class Message:
    """One message: its bytes, why it is here, and what SEARCH must and must not find in it."""

    def __init__(self, area, name):
        self.area, self.name, self.idea = area, name, ""
        self.found, self.not_found = [], []  # search keys
        self.bytes = b""

    def __repr__(self):
        return f"{self.area}/{self.name}"


def q_encode(raw):
    return b"".join(b"_" if c == 32 else bytes([c]) if chr(c).isascii() and chr(c).isalnum() else b"=%02X" % c for c in raw)


def base64_lines(raw):
    return base64.encodebytes(raw).replace(b"\n", b"\r\n").removesuffix(b"\r\n") if len(raw) > 57 else base64.b64encode(raw)


ENCODERS = {
    "raw": lambda raw: raw,
    "base64": base64_lines,
    "qp": lambda raw: quopri.encodestring(raw).replace(b"\n", b"\r\n"),
    "q": q_encode,
    "percent": lambda raw: urllib.parse.quote_from_bytes(raw, safe="").encode(),
}


def expand(escape):
    """The bytes of one {escape}."""
    if escape in CONTROLS:
        return CONTROLS[escape]
    if re.fullmatch(r"[0-9A-F]{2}( [0-9A-F]{2})*", escape):
        return bytes.fromhex(escape)
    if times := re.fullmatch(r"(\d+) \* (.*)", escape):
        return int(times[1]) * times[2].encode()
    if lines := re.fullmatch(r"(\d+) lines: (.*)", escape):
        text = lines[2].replace("\\n", "\r\n")
        return b"\r\n".join(text.replace("#", str(i)).encode() for i in range(int(lines[1])))
    if encoded := re.fullmatch(r"(\w+) ([\w-]+): (.*)", escape):
        text = encoded[3].replace("\\n", "\r\n")
        return ENCODERS[encoded[1]](text.encode(encoded[2]))
    raise ValueError(f"unknown escape {{{escape}}}")


def take_line(text):
    """A line behind the margin, with its line end."""
    out, at = b"", 0
    for escape in re.finditer(r"\{\{|\{([^{}]*)\}", text):
        out += text[at:escape.start()].encode()
        out += b"{" if escape[0] == "{{" else expand(escape[1])
        at = escape.end()
    return out + text[at:].encode() + (b"" if text.endswith("{-}") else b"\r\n")


def load_area(path):
    area = os.path.splitext(os.path.basename(path))[0]
    out, message = [], None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().split("\n"), 1):
            try:
                if line.startswith("== "):
                    message = Message(area, line[3:])
                    out.append(message)
                elif line.startswith("# ") and message:
                    message.idea = f"{message.idea} {line[2:]}".strip()
                elif line.startswith("+ "):
                    message.found.append(line[2:])
                elif line.startswith("- "):
                    message.not_found.append(line[2:])
                elif line.startswith("|"):
                    message.bytes += take_line(line[1:])
                elif line and not line.startswith("#"):
                    raise ValueError("no such line is known")
            except (ValueError, LookupError) as e:
                raise ValueError(f"{path}:{number}: {e}") from e
    return out


def load():
    """All messages, in the order of the files."""
    out = []
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".txt"):
            out += load_area(os.path.join(HERE, name))
    names = [repr(m) for m in out]
    twice = {n for n in names if names.count(n) > 1}
    assert not twice, f"two messages have one name: {twice}"
    assert all(m.idea for m in out), f"nobody knows why it is here: {[m for m in out if not m.idea]}"
    return out


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for one in load():
        with open(os.path.join(sys.argv[1], f"{one.area}-{one.name}.eml"), "wb") as file:
            file.write(one.bytes)
