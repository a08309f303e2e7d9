"""A strict reader of FETCH responses: what the grammar of [RFC3501 9] does not allow is a GrammarError."""

import re
from typing import NamedTuple, Optional

ADDRESS_FIELDS = ("from", "sender", "reply_to", "to", "cc", "bcc")


class GrammarError(Exception):
    pass


class Address(NamedTuple):
    name: Optional[bytes]
    adl: Optional[bytes]
    mailbox: Optional[bytes]
    host: Optional[bytes]


class Part:
    """One body of BODY or BODYSTRUCTURE. What a multipart or a leaf has not, and what BODY leaves out, is None."""

    NAMES = ("type", "subtype", "params", "id", "description", "encoding", "size", "lines", "envelope", "md5",
             "disposition", "languages", "location")

    def __init__(self):
        for name in self.NAMES:
            setattr(self, name, None)
        self.children = []

    def shape(self):
        """"multipart/mixed(text/plain, image/png)" """
        text = f"{self.type}/{self.subtype}"
        return f"{text}({', '.join(c.shape() for c in self.children)})" if self.children else text

    def sections(self, prefix="", is_root=True):
        """Its part numbers [RFC3501 6.4.5], each with its part."""
        if self.type == "multipart":
            for number, child in enumerate(self.children, 1):
                yield from child.numbered(f"{prefix}{number}")
        elif is_root:
            yield from self.numbered(f"{prefix}1")

    def numbered(self, number):
        yield number, self
        if self.type == "multipart":
            yield from self.sections(number + ".", False)
        elif self.children:
            yield from self.children[0].sections(number + ".")


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def fail(self, why):
        raise GrammarError(f"{why} at {self.at}: {self.data[max(0, self.at - 40):self.at]!r} >>> {self.data[self.at:self.at + 60]!r}")

    def take(self, what):
        if self.data.startswith(what, self.at):
            self.at += len(what)
            return True
        return False

    def expect(self, what):
        if not self.take(what):
            self.fail(f"expected {what!r}")

    def match(self, pattern, what):
        found = re.compile(pattern, re.S).match(self.data, self.at)
        if not found:
            self.fail(f"expected {what}")
        self.at = found.end()
        return found

    def number(self):
        return int(self.match(rb"0|[1-9]\d*", "a number")[0])

    def string(self):
        if self.take(b'"'):
            text = self.match(rb'((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"', "a quoted string of TEXT-CHAR")[1]
            return re.sub(rb"\\(.)", rb"\1", text)
        size = int(self.match(rb"\{(\d+)\}\r\n", "a string")[1])
        if self.at + size > len(self.data):
            self.fail("the literal is longer than the response")
        self.at += size
        return self.data[self.at - size:self.at]

    def nstring(self):
        return None if self.take(b"NIL") else self.string()


def take_address(c):
    c.expect(b"(")
    fields = []
    for i in range(4):
        if i:
            c.expect(b" ")
        fields.append(c.nstring())
    c.expect(b")")
    address = Address(*fields)
    if address.host is None and (address.name is not None or address.adl is not None):
        c.fail("[RFC3501 7.4.2] a host that is NIL is the start or end of a group, which has no other field")
    return address


def take_addresses(c):
    if c.take(b"NIL"):
        return None
    c.expect(b"(")
    out = [take_address(c)]
    while not c.take(b")"):
        out.append(take_address(c))
    inside = False
    for address in out:
        if address.host is None and inside == (address.mailbox is not None):
            c.fail("groups nest or end without a beginning")
        inside = inside if address.host is not None else address.mailbox is not None
    if inside:
        c.fail("a group does not end")
    return out


def take_envelope(c):
    c.expect(b"(")
    out = {"date": c.nstring()}
    c.expect(b" ")
    out["subject"] = c.nstring()
    for name in ADDRESS_FIELDS:
        c.expect(b" ")
        out[name] = take_addresses(c)
    for name in ("in_reply_to", "message_id"):
        c.expect(b" ")
        out[name] = c.nstring()
    c.expect(b")")
    if out["from"] is not None and (out["sender"] is None or out["reply_to"] is None):
        c.fail("[RFC3501 7.4.2] Sender and Reply-To default to From")
    return out


def take_params(c):
    if c.take(b"NIL"):
        return []
    c.expect(b"(")
    out = []
    while True:
        name = c.string().lower()
        c.expect(b" ")
        out.append((name, c.string()))
        if c.take(b")"):
            return out
        c.expect(b" ")


def take_disposition(c):
    if c.take(b"NIL"):
        return None
    c.expect(b"(")
    name = c.string().lower()
    c.expect(b" ")
    params = take_params(c)
    c.expect(b")")
    return name, params


def take_languages(c):
    if not c.take(b"("):
        one = c.nstring()
        return None if one is None else [one]
    out = [c.string()]
    while not c.take(b")"):
        c.expect(b" ")
        out.append(c.string())
    return out


def take_extension(c, part, has_md5):
    """body-ext-mpart and body-ext-1part, whole as BODYSTRUCTURE must have them."""
    if has_md5:
        c.expect(b" ")
        part.md5 = c.nstring()
    c.expect(b" ")
    part.disposition = take_disposition(c)
    c.expect(b" ")
    part.languages = take_languages(c)
    c.expect(b" ")
    part.location = c.nstring()


def take_body(c, extension):
    part = Part()
    c.expect(b"(")
    if c.data[c.at:c.at + 1] == b"(":
        part.type = "multipart"
        while not c.take(b" "):
            part.children.append(take_body(c, extension))
        part.subtype = c.string().decode("latin-1").lower()
        if extension:
            c.expect(b" ")
            part.params = take_params(c)
            take_extension(c, part, has_md5=False)
        c.expect(b")")
        return part
    part.type = c.string().decode("latin-1").lower()
    c.expect(b" ")
    part.subtype = c.string().decode("latin-1").lower()
    if part.type == "multipart":
        c.fail("a multipart without parts")
    c.expect(b" ")
    part.params = take_params(c)
    for name in ("id", "description"):
        c.expect(b" ")
        setattr(part, name, c.nstring())
    c.expect(b" ")
    part.encoding = c.string().lower()  # a string: NIL is not allowed
    c.expect(b" ")
    part.size = c.number()
    if (part.type, part.subtype) == ("message", "rfc822"):
        c.expect(b" ")
        part.envelope = take_envelope(c)
        c.expect(b" ")
        part.children.append(take_body(c, extension))
    if part.type == "text" or part.envelope:
        c.expect(b" ")
        part.lines = c.number()
    if extension:
        take_extension(c, part, has_md5=True)
    c.expect(b")")
    return part


def take_flags(c):
    return c.match(rb"\(([^()]*)\)", "a flag list")[1].split()


ITEMS = {
    b"UID": Cursor.number,
    b"RFC822.SIZE": Cursor.number,
    b"ENVELOPE": take_envelope,
    b"BODY": lambda c: take_body(c, extension=False),
    b"BODYSTRUCTURE": lambda c: take_body(c, extension=True),
    b"FLAGS": take_flags,
}


def parse_fetch(response):
    """The response as (sequence number, {item: value})."""
    c = Cursor(response)
    number = int(c.match(rb"\* (\d+) FETCH \(", "a FETCH response")[1])
    items = {}
    while True:
        name = c.match(rb"[A-Z0-9.]+(?:\[[^\]]*\])?(?:<\d+>)?", "an item")[0]
        c.expect(b" ")
        take = Cursor.nstring if b"[" in name else ITEMS.get(name)
        if take is None:
            c.fail(f"nobody asked for {name!r}")
        items[name.decode()] = take(c)
        if c.take(b")"):
            break
        c.expect(b" ")
    if response[c.at:] != b"\r\n":
        c.fail("more than one response")
    return number, items
