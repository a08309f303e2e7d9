"""What two servers say of one message, compared field by field."""

from typing import Any, NamedTuple

from imap_response import ADDRESS_FIELDS, Part

ENVELOPE_FIELDS = ("date", "subject", *ADDRESS_FIELDS, "in_reply_to", "message_id")
LEAF_FIELDS = ("id", "description", "encoding", "size", "lines", "md5")
EXTENSION_FIELDS = ("params", "disposition", "languages", "location")


class Difference(NamedTuple):
    message: Any
    part: str      # "" for the message as a whole, else a part number
    field: str     # "subject", "type", "parts", "BODY[1.MIME]" ...
    ours: Any
    theirs: Any

    def __str__(self):
        return (f"{self.message!r} part {self.part or '(top)'}: {self.field}\n"
                f"    Posthorn: {str(self.ours)[:600]}\n    other:    {str(self.theirs)[:600]}")


def unordered(value):
    """Parameters have no order."""
    if isinstance(value, tuple):
        return value[0], sorted(value[1])
    return sorted(value) if isinstance(value, list) else value


class Comparison:
    def __init__(self, message, structure_only=False):
        self.message, self.structure_only, self.found, self.differing = message, structure_only, [], set()

    def note(self, part, field, ours, theirs):
        if ours != theirs:
            self.found.append(Difference(self.message, part, field, ours, theirs))
            self.differing.add(part)

    def envelopes(self, part, ours, theirs):
        for name in ENVELOPE_FIELDS:
            # Where Sender and Reply-To are From said again, so is the difference.
            if name in ("sender", "reply_to") and ours[name] == ours["from"] and theirs[name] == theirs["from"]:
                continue
            self.note(part, name, ours[name], theirs[name])

    def bodies(self, number, ours, theirs):
        """False when the trees differ from here on."""
        self.note(number, "type", f"{ours.type}/{ours.subtype}", f"{theirs.type}/{theirs.subtype}")
        if len(ours.children) != len(theirs.children):
            self.note(number, "parts", ours.shape(), theirs.shape())
            return
        if self.structure_only:
            for name in ("size", "lines"):
                self.note(number, name, getattr(ours, name), getattr(theirs, name))
        else:
            for name in LEAF_FIELDS + EXTENSION_FIELDS:
                mine, other = getattr(ours, name), getattr(theirs, name)
                if name in ("params", "disposition"):
                    mine, other = unordered(mine), unordered(other)
                self.note(number, name, mine, other)
            if ours.envelope and theirs.envelope:
                self.envelopes(number, ours.envelope, theirs.envelope)
        for i, (a, b) in enumerate(zip(ours.children, theirs.children), 1):
            self.bodies(f"{number}.{i}" if number else str(i), a, b)

    def sections(self, ours, theirs):
        """{"BODY[1]": bytes}, of what both have been asked for. Where the trees differ that has been said already."""
        differing = tuple(p for p in self.differing if p)
        for name in ours.keys() & theirs.keys():
            number = name[5:-1].rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ.")
            if number and number.startswith(differing):
                continue
            self.note("", name, ours[name], theirs[name])


def section_names(structure: Part):
    """Every section that a message of this structure has."""
    yield from ("BODY[]", "BODY[HEADER]", "BODY[TEXT]")
    for number, part in structure.sections():
        yield f"BODY[{number}]"
        yield f"BODY[{number}.MIME]"
        if part.envelope:
            yield f"BODY[{number}.HEADER]"
            yield f"BODY[{number}.TEXT]"
