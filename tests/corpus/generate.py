"""Messages from a seed: a random MIME tree with random damage. The same seed gives the same message.

To look at one: python3 tests/corpus/generate.py SEED"""

import random
import sys

TYPES = ("text/plain", "text/html", "text/plain; charset=utf-8; format=flowed", "image/png", "application/octet-stream; name=\"x y.bin\"",
         "application/pdf; name=x.pdf", "message/delivery-status", "text/calendar; method=REQUEST", "TEXT/ENRICHED")
MULTIPARTS = ("mixed", "alternative", "related", "digest", "report; report-type=delivery-status", "x-odd", "Signed")
WORDS = ("hello", "world", "--", "b", "=20", "From", "--b1", "Content-Type: text/html", "-- ", ".", "--b1--", "x: y", "a line of text", "")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.boundaries = 0

    def boundary(self):
        """Mostly new ones, some a prefix of others, and now and then the same again. What is ambiguous between two servers (a boundary that
        ends with dashes, an unquoted equals sign) is in boundaries.txt."""
        if self.boundaries and self.random.random() < 0.1:
            return f"b{self.random.randint(1, self.boundaries)}"
        self.boundaries += 1
        return f"b{self.boundaries}" + self.random.choice(("", "", "", "=_x", ".12", "b1"))

    def text(self):
        return [self.random.choice(WORDS) for _ in range(self.random.randint(0, 4))]

    def fields(self):
        out = []
        if self.random.random() < 0.3:
            out.append(f"Content-Transfer-Encoding: {self.random.choice(('7bit', '8bit', 'base64', 'quoted-printable'))}")
        if self.random.random() < 0.2:
            out.append("Content-Disposition: attachment; filename=x.bin")
        if self.random.random() < 0.2:
            out.append("Content-ID: <a@b>")
        return out

    def entity(self, depth):
        """Header, empty line and body, as lines."""
        kind = self.random.random()
        fields = self.fields()
        if depth > 0 and kind < 0.45:
            boundary = self.boundary()
            quote = '"' if "=" in boundary else self.random.choice(('"', ""))
            fields.insert(0, f"Content-Type: multipart/{self.random.choice(MULTIPARTS)}; boundary={quote}{boundary}{quote}")
            body = self.text() if self.random.random() < 0.3 else []
            for _ in range(self.random.randint(0, 4)):
                body += [f"--{boundary}"] + self.entity(depth - 1)
            body.append(f"--{boundary}--")
            if self.random.random() < 0.3:
                body += self.text()
        elif depth > 0 and kind < 0.6:
            fields.insert(0, "Content-Type: message/rfc822")
            body = ["Subject: inner", "From: a@b.example"] + self.entity(depth - 1)
        else:
            if self.random.random() < 0.8:
                fields.insert(0, f"Content-Type: {self.random.choice(TYPES)}")
            body = self.text()
        self.random.shuffle(fields)
        return fields + [""] + body

    def damage(self, lines):
        at = self.random.randrange(len(lines))
        kind = self.random.randrange(10)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[at])
        elif kind == 2:
            lines.insert(at, self.random.choice(WORDS))
        elif kind == 3:
            other = self.random.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 4:
            del lines[at + 1:]
        elif kind == 5 and lines[at]:
            cut = self.random.randrange(len(lines[at]))
            lines[at] = lines[at][:cut] + self.random.choice(("", "\xe9", " ", "\"", ";", "-")) + lines[at][cut + 1:]
        elif kind == 6:
            lines.insert(at, "")
        elif kind == 7 and "" in lines:
            lines.remove("")
        elif kind == 8:
            lines[at] = " " + lines[at]
        elif kind == 9 and at + 1 < len(lines):
            lines[at] += lines.pop(at + 1)

    def message(self):
        lines = ["Subject: generated", "MIME-Version: 1.0"] + self.entity(self.random.randint(1, 4))
        for _ in range(self.random.choice((0, 1, 1, 2, 2, 3, 5))):
            if lines:
                self.damage(lines)
        text = "\r\n".join(lines)
        return (text + ("" if self.random.random() < 0.1 else "\r\n")).encode("latin-1")


def generate(seed):
    return Generator(seed).message() or b"\r\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(generate(int(sys.argv[1])))
