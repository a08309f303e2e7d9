"""Why Posthorn and the others differ, each time they do. What nothing here explains fails the test; so does an explanation of nothing.

A rule explains every difference that its function accepts. A row of ONE_BY_ONE explains the fields of one message. `right` says who is
right by the standard; "both" where the standard leaves it open."""

import re
from typing import Any, Callable, NamedTuple


class Rule(NamedTuple):
    name: str
    right: str
    why: str
    applies: Callable[[Any], bool]


PLACEHOLDERS = (b"MISSING_MAILBOX", b"MISSING_DOMAIN", b"SYNTAX_ERROR")


def without_placeholders(addresses):
    return [a._replace(**{f: b"" for f in ("mailbox", "host") if getattr(a, f) in PLACEHOLDERS}) for a in addresses]


def is_list_of_addresses(value):
    return isinstance(value, list) and bool(value) and hasattr(value[0], "mailbox")


def with_crlf(text):
    return re.sub(rb"\r*\n", b"\r\n", text)


def bare_line_ends(message):
    return re.search(rb"(?<!\r)\n|\r\r|\r(?!\n)", message.bytes) is not None


def text_without_charset(params):
    return not any(name == b"charset" for name, _ in params)


def is_unreadable(type_name):
    """What Dovecot shows for a Content-Type that it cannot read."""
    return type_name.startswith("/") or type_name.endswith("/")


RULES = [
    Rule("default charset", "both",
         "[RFC2045 5.2] us-ascii is the default of text, and Dovecot says so in every text part. We show what the message says: mail without "
         "charset is often not us-ascii, and a client may guess better when it knows that nothing was said.",
         lambda d: d.field == "params" and isinstance(d.ours, list) and text_without_charset(d.ours)
         and sorted(d.ours + [(b"charset", b"us-ascii")]) == d.theirs),
    Rule("unreadable Content-Type", "Posthorn",
         "[RFC2045 5.2] What has no type and subtype is text/plain, and junk behind a type does not unmake it. Dovecot shows a type without "
         "name, which is neither.",
         lambda d: d.field in ("type", "parts") and is_unreadable(d.theirs)),
    Rule("fields of an unreadable type", "Posthorn", "So Dovecot has no lines and no parameters there.",
         lambda d: (d.field == "lines" and d.theirs is None) or (d.field == "params" and not d.theirs and d.message.area == "content_type")),
    Rule("placeholders", "Posthorn",
         "[RFC3501 7.4.2] A missing mailbox or host is shown as \"\": NIL would be a group, and MISSING_DOMAIN is an address that somebody could write to.",
         lambda d: is_list_of_addresses(d.ours) and is_list_of_addresses(d.theirs) and without_placeholders(d.theirs) == d.ours),
    Rule("empty members of a list", "Posthorn",
         "[RFC5322 4.4 obs-addr-list] Nothing between two commas is no address.",
         lambda d: is_list_of_addresses(d.theirs) and [a for a in without_placeholders(d.theirs) if a[2:] != (b"", b"")] == (d.ours or [])),
    Rule("unfolding", "Posthorn",
         "[RFC5322 2.2.3] Unfolding takes the line end out and leaves the white space. Dovecot makes one blank of it.",
         lambda d: isinstance(d.ours, bytes) and isinstance(d.theirs, bytes) and d.field in ("subject", "date", "description")
         and re.sub(rb"[ \t]+", b" ", d.ours) == re.sub(rb"[ \t]+", b" ", d.theirs)),
    Rule("white space around a value", "both", "It carries no meaning [RFC5322 3.6.4]; we leave it out.",
         lambda d: isinstance(d.theirs, bytes) and isinstance(d.ours, bytes) and d.theirs.strip() == d.ours and d.theirs != d.ours
         and not d.field.startswith("BODY")),
    Rule("NUL in a field", "both", "[RFC3501 9] No string has a NUL. We put a blank there, Dovecot U+FFFD.",
         lambda d: isinstance(d.ours, bytes) and b"\0" in d.message.bytes and d.ours.replace(b" ", b"") == d.theirs.replace(b"\xef\xbf\xbd", b"").replace(b" ", b"")),
    Rule("bare line ends: sizes", "both",
         "Dovecot stores and sends every line end as CRLF. We keep what the client gave us, byte for byte, so that its signature stays valid.",
         lambda d: d.field == "size" and bare_line_ends(d.message)),
    Rule("bare line ends: bytes", "both", "The same for the bytes.",
         lambda d: d.field.startswith("BODY[") and bare_line_ends(d.message) and d.ours and d.theirs and with_crlf(d.ours) == with_crlf(d.theirs)),
    Rule("no delimiter", "Posthorn",
         "[RFC3501 9] A multipart has at least one part. Where no delimiter comes both invent one; ours is the text, so that somebody can read "
         "it, and Dovecot's is empty.",
         lambda d: d.field in ("size", "lines") and d.theirs == 0 and bool(d.ours)),
    Rule("no delimiter: sections", "Posthorn", "And so its bytes can be fetched.",
         lambda d: re.fullmatch(r"BODY\[[0-9.]+\]", d.field) is not None and not d.theirs and bool(d.ours)),
    Rule("no boundary", "Posthorn",
         "[RFC2046 5.1.1] Without boundary parameter it cannot be taken apart. It is shown as the text it is; Dovecot shows a multipart of an empty part.",
         lambda d: (d.field == "type" and d.ours == "text/plain" and d.theirs.startswith("multipart/"))
         or (d.field == "parts" and d.ours == "text/plain" and re.fullmatch(r"multipart/[\w-]+\(text/plain\)", d.theirs) is not None)),
    Rule("boundary behind junk", "both",
         "Dovecot stops at the first parameter that is none, and does not see the boundary behind it.",
         lambda d: d.field in ("parts", "type", "size", "lines")
         and re.search(rb"(?i)content-type: multipart/[^\r\n]*;[^=\r\n;]*;\s*boundary", d.message.bytes) is not None),
    Rule("delimiter at the end of the message", "both",
         "A delimiter behind which the message ends, even without line end, begins a part of nothing (in a digest a message of "
         "nothing), or does not.",
         lambda d: d.field in ("parts", "type") and re.search(rb"\n--[^\r\n]*\Z", d.message.bytes) is not None),
    Rule("header of a message cut by a delimiter", "Posthorn",
         "[RFC2046 5.1.1] The line end in front of a delimiter belongs to it, also when an embedded message has no more than a header.",
         lambda d: (d.field == "size" and d.theirs - d.ours == 2 or d.field == "lines" and d.theirs - d.ours == 1)
         and b"message/rfc822" in d.message.bytes.lower() + (b"message/rfc822" if b"multipart/digest" in d.message.bytes.lower() else b"")),
    Rule("encoding of a message without type", "Posthorn",
         "[RFC2045 6.1] The encoding holds whether or not there is a Content-Type; Dovecot shows 7bit.",
         lambda d: d.field == "encoding" and d.theirs == b"7bit" and b"content-type" not in d.message.bytes.lower()),
    Rule("no such section", "both",
         "[RFC3501 6.4.5] does not say what a part is that is not there. NIL is no text; \"\" would be a text of nothing.",
         lambda d: d.field.startswith("BODY[") and d.ours is None and d.theirs == b""),
    Rule("MIME header of a message that is one part", "Posthorn",
         "[RFC3501 6.4.5] Part 1 of it is the message's own body, and its MIME header the message's. Dovecot has a part of its own making.",
         lambda d: d.field == "BODY[1.MIME]" and d.theirs == b"" and d.ours.lower().startswith(b"content-type: multipart/")),
    Rule("line end behind an inner multipart", "Posthorn",
         "[RFC2046 5.1.1] The line end in front of a delimiter belongs to the delimiter, also when the part is a multipart.",
         lambda d: re.fullmatch(r"BODY\[[0-9.]+\]", d.field) is not None and d.ours is not None and d.theirs == d.ours + b"\r\n"),
    Rule("empty line of a header subset", "Posthorn",
         "[RFC3501 6.4.5] The empty line is there in every case; Dovecot leaves it out when the header has none.",
         lambda d: d.field.startswith("BODY[HEADER.FIELDS") and d.ours == d.theirs + b"\r\n"),
    Rule("empty line in front of a delimiter", "both",
         "[RFC2046 5.1.1] The line end may be that of the header or that of the delimiter. Nothing is in this part.",
         lambda d: d.field.endswith(".MIME]") and d.ours is not None and d.ours == d.theirs + b"\r\n"),
    Rule("unquoted value", "both",
         "More than a token stands there, without quotes [RFC2045 5.1]. All of it is what the sender meant.",
         lambda d: d.field in ("params", "disposition") and d.message.name.startswith("unquoted-")),
    Rule("repeated field", "both",
         "[RFC5322 3.6] wants one of it. We take the first, as Python and most others do, Dovecot the last of those in the envelope.",
         lambda d: d.message.name.endswith("-twice") and d.message.area in ("headers", "content_type")),
    Rule("a segment's plain characters", "Posthorn",
         "[RFC2231 7] A plain segment that becomes part of an encoded value has to be encoded, or it is no extended-value any more.",
         lambda d: d.field == "disposition" and d.ours[1][0][1] == d.theirs[1][0][1].replace(b" ", b"%20").replace(b"(", b"%28")),
]

# name of the message: (fields, right, why)
ONE_BY_ONE = {
    # ---- addresses: what Dovecot cannot read it replaces by SYNTAX_ERROR and the like; we show what is there
    "addresses/comment-unterminated": (["from"], "both", "The comment takes all the rest; the address in front of it is whole."),
    "addresses/quoted-name-unterminated": (["from"], "both", "Without the quote there is an address, and nothing else of use."),
    "addresses/quoted-name-spaces": (["from"], "Posthorn", "[RFC5322 3.2.4] White space in quotes is part of the string."),
    "addresses/quoted-local-part-in-pieces": (["from"], "Posthorn", "[RFC5322 4.4] obs-local-part: words with dots between."),
    "addresses/spaces-around-dots": (["from"], "Posthorn", "[RFC5322 4.4] obs-local-part and obs-domain."),
    "addresses/words-before-at": (["from"], "both", "Not of the grammar. The last word is the local part, as it was meant."),
    "addresses/two-at-signs": (["from", "to"], "both", "Not of the grammar. The host is what stands behind the last at sign: there the mail goes."),
    "addresses/at-in-name": (["from"], "both", "Not of the grammar, and frequent. The angle has the address."),
    "addresses/at-in-name-of-another": (["from"], "both", "As before; Dovecot shows the address that is not the sender's."),
    "addresses/no-local-part": (["to"], "both", "Not of the grammar: a host alone is no route."),
    "addresses/angle-unterminated": (["from"], "both", "The address is whole, only the angle is not."),
    "addresses/angle-unterminated-in-list": (["to"], "both", "As before."),
    "addresses/angle-twice": (["from"], "both", "The inner angle has an address."),
    "addresses/angles-in-a-row": (["to"], "both", "Two addresses, though no comma is between them: none is lost."),
    "addresses/mailto": (["from"], "both", "Not of the grammar. The text is shown as it is."),
    "addresses/route-without-angle": (["from"], "both", "Not of the grammar: a host, and a group without name or end. No address is lost."),
    "addresses/domain-literal-unterminated": (["from"], "both", "The bracket is closed for it."),
    "addresses/domain-with-dots": (["from", "to"], "both", "Not of the grammar, but a domain: the client may try it."),
    "addresses/group-in-list": (["to"], "both", "[RFC5322 3.4] wants a comma behind the group. What follows is an address all the same."),
    "addresses/group-in-group": (["to"], "both", "Groups do not nest. The colon within one is passed over; Dovecot loses the address behind it."),
    "addresses/group-as-host": (["to"], "both", "The text in the angle is shown as it is."),
    "addresses/semicolons": (["to"], "both", "Dovecot loses all but the first address."),
    "addresses/no-commas": (["to"], "both", "Dovecot loses all but the first address."),
    "addresses/encoded-name-with-specials": (["from", "to"], "both",
                                             "[RFC2047 5] (3) forbids specials in the word of a phrase. They do occur, and the word is one word "
                                             "to every reader; Dovecot tears it in two addresses."),
    "addresses/controls": (["from"], "both", "Control characters are no atom text. They are CHAR [RFC3501 9] and can be shown."),
    "addresses/backslashes": (["from"], "both", "Quoted pairs stand outside of quotes, where we take them for what they are elsewhere."),
    "addresses/url-as-address": (["from"], "both", "Not of the grammar. The text is shown as it is."),
    "addresses/brackets": (["from", "to"], "both", "Not of the grammar. The address between the brackets is found."),
    "clients/lotus-notes": (["sender"], "both", "Words without quotes or angle in front of an at sign: the last one is the local part."),
    "clients/web-form-newline-in-name": (["from"], "both", "The header ends within the quotes."),
    # ---- structure
    "boundaries/long": (["parts"], "both", "[RFC2046 5.1.1] allows 70 characters. Dovecot compares the first ones only, so the end begins a part."),
    "boundaries/very-long": (["parts"], "both", "As before."),
    "boundaries/specials-unquoted": (["parts"], "both",
                                     "[RFC2045 5.1] The slash wanted quotes. Dovecot's boundary ends there, so that the end begins a part."),
    "boundaries/empty-parameter": (["BODY[1]", "BODY[1.MIME]"], "Posthorn",
                                   "It is text here, which is part 1; Dovecot takes it apart at every line of dashes, though BODYSTRUCTURE shows nothing of it."),
    "boundaries/blank-parameter": (["type", "parts", "BODY[1]", "BODY[1.MIME]"], "Posthorn",
                                   "[RFC2046 5.1.1] A boundary does not end with a blank, so that nothing is left of this one."),
    # ---- Content-Type and its neighbours
    "content_type/small-fields-empty": (["disposition"], "Posthorn", "[RFC2183 2] There is no disposition without a type. NIL, not a type of \"\"."),
    "content_type/encoding-with-comment": (["encoding"], "both", "Quotes are not allowed there; what they hold is known."),
    "content_type/encoding-with-semicolon": (["encoding"], "both", "The semicolon is not allowed there; Dovecot takes base64 for 7bit."),
    "content_type/language-lists": (["languages"], "both", "[RFC3282 2] has no empty members. The others count."),
    "disposition/parameters-only": (["disposition"], "both", "The type is missing; attachment stands for what is unknown [RFC2183 2.8]."),
    "disposition/filename-as-value": (["disposition"], "both", "As before: it is a parameter, for an equals sign follows."),
    "disposition/quoted-value": (["disposition"], "both", "Quotes are not allowed there; what they hold is known."),
    "disposition/semicolon-missing": (["disposition"], "both", "The file name is there, only the semicolon is not."),
    "disposition/garbage": (["disposition"], "Posthorn", "There is nothing in it: NIL."),
    # ---- parameters
    "parameters/unterminated-quote": (["params"], "both", "The value goes to the end of the field."),
    "parameters/no-value": (["params"], "both", "Dovecot stops at the first parameter that it cannot read."),
    "parameters/no-name": (["params"], "both", "A value without name is nothing."),
    "parameters/semicolon-missing": (["params"], "both", "Both parameters are there, only the semicolon is not."),
    "parameters/glued-quotes": (["params"], "both", "As before."),
    "parameters/continued-with-gap": (["params"], "both", "[RFC2231 3] says nothing of gaps. We join what has a beginning; Dovecot shows the pieces."),
    "parameters/continued-twice": (["params"], "both", "The first of the two counts; Dovecot shows the pieces."),
    "parameters/star-garbage": (["params"], "both", "Names that are no attribute of [RFC2231 7] are shown as they are; Dovecot renumbers them."),
    "parameters/huge-number": (["params"], "Posthorn", "Dovecot's number has run over."),
    "parameters/many-parameters": (["params"], "both", "Dovecot stops after a while."),
    # ---- line ends
    "line_ends/bare-cr": (["BODY[HEADER]", "BODY[]", "BODY[1.MIME]", "BODY[HEADER.FIELDS (SUBJECT FROM)]"], "both",
                          "A bare CR is no line end [RFC5322 2.3]; Dovecot drops the last one."),
    "line_ends/cr-at-the-end": (["BODY[]", "BODY[TEXT]", "BODY[1]"], "both", "As before."),
    "line_ends/cr-cr-lf": (["lines", "BODY[HEADER]", "BODY[]", "BODY[TEXT]", "BODY[1]", "BODY[1.MIME]", "BODY[HEADER.FIELDS.NOT (SUBJECT)]"], "both",
                           "Dovecot makes CRLF of CR CR LF. We keep the bytes, and a line of one CR is not empty."),
    "line_ends/lf-cr": (["BODY[]", "BODY[TEXT]", "BODY[1]"], "both", "Dovecot drops the last CR."),
}

# What Dovecot's SEARCH finds and ours does not.
PLACEHOLDER_FOUND = "It finds the letters of its own MISSING_MAILBOX, MISSING_DOMAIN or SYNTAX_ERROR."
SEARCH = {
    "nesting/depth-150-messages": "Below message::Limits::depth there is no text to us.",
    "line_ends/cr-cr-lf": "All of it is header to us: a line of one CR is not empty.",
    "addresses/null-path": PLACEHOLDER_FOUND,
    "addresses/no-at": PLACEHOLDER_FOUND,
    "addresses/no-domain": PLACEHOLDER_FOUND,
    "addresses/only-commas": PLACEHOLDER_FOUND,
    "clients/php-mail": PLACEHOLDER_FOUND,
    "clients/web-form-newline-in-name": PLACEHOLDER_FOUND,
    "addresses/encoded-name-with-specials": "The encoded word that it has torn is not decoded.",
}

# ---- Against Python's `email`. It is read for the tree, the file names and the subject.

NO_PARTS = re.compile(r"(multipart/[\w-]+)\(text/plain\)")
MESSAGE_OF_OTHER_KIND = re.compile(r"(message/(?!rfc822)[\w-]+)\((?:text/plain|image/png)(?:, text/plain)*\)")

PYTHON_RULES = [
    Rule("folding tab", "both", "[RFC5322 2.2.3] leaves the tab that folds a line; we put a blank there, as it was before the fold.",
         lambda d: d.field == "subject" and d.theirs is not None and d.ours == d.theirs.replace(b"\t", b" ")),
    Rule("no delimiter", "Posthorn", "[RFC3501 9] IMAP demands a part where Python has a multipart of plain text.",
         lambda d: d.field == "tree" and NO_PARTS.sub(r"\1", d.ours) == NO_PARTS.sub(r"\1", d.theirs)),
    Rule("no boundary", "both", "As against Dovecot: shown as text.",
         lambda d: d.field == "tree" and d.ours == "text/plain" and NO_PARTS.sub(r"\1", d.theirs) in ("multipart/mixed", "multipart/alternative")),
    Rule("other messages", "Posthorn", "[RFC3501 9] Only message/rfc822 has an envelope. Python takes all of message/* apart.",
         lambda d: d.field == "tree" and MESSAGE_OF_OTHER_KIND.sub(r"\1", d.theirs) == d.ours),
    Rule("unquoted file name", "both", "Python takes the token, we all of it.",
         lambda d: d.field == "file names" and d.message.name.startswith("unquoted-")),
    Rule("no file name", "both", "Python has \"\" where it found pieces of a name, but no first one.",
         lambda d: d.field == "file names" and d.theirs == [""] and d.ours == [None]),
    Rule("header ends at what is no field", "both",
         "Python takes a line that is no field for the beginning of the body. We, as Dovecot, pass it over: [RFC5322 2.1] only an empty line ends a header.",
         lambda d: d.field == "subject" and d.theirs is None),
    Rule("unreadable Content-Type", "Posthorn", "[RFC2045 5.1] Comments and blanks are allowed between the tokens, junk is passed over. Python takes the text as it is.",
         lambda d: d.field == "tree" and d.message.area == "content_type" and "/" in d.theirs),
]

PYTHON_ONE_BY_ONE = {
    "boundaries/text-behind": (["tree"], "Posthorn", "[RFC2046 5.1.1] A line that begins with the delimiter is one, whatever follows."),
    "boundaries/empty-part-no-line": (["tree"], "both", "Two delimiters in a row: an empty part, or one delimiter said twice."),
    "boundaries/many-parts": (["tree"], "both", "As before, 300 times."),
    "boundaries/cut-in-close": (["tree"], "both", "As against Dovecot."),
    "boundaries/nested-no-parameter": (["tree"], "both", "As above: the inner one is text."),
    "boundaries/eight-bit": (["tree"], "both", "Python decodes the boundary and does not find it any more."),
    "disposition/semicolon-missing": (["file names"], "both", "As against Dovecot."),
    "disposition/filename-dots": (["file names"], "both", "Python trims."),
    "headers/nul": (["subject"], "both", "IMAP can have no NUL there."),
    "line_ends/bare-cr": (["subject"], "Posthorn", "[RFC5322 2.3] A bare CR is no line end; to Python it is."),
    "line_ends/bare-cr-in-header": (["subject"], "Posthorn", "As before."),
    "nesting/depth-150-messages": (["tree"], "both", "We stop at message::Limits::depth, 100."),
    "parameters/encoded-word-unquoted": (["file names"], "both", "Python does not read the value; it is an encoded word."),
    "parameters/charset-beside-plain": (["file names"], "Posthorn", "The form with charset is the better one, the other is for programs of old."),
    "parameters/continued-twice": (["file names"], "both", "The first of the two counts."),
    "parameters/continued-charset-late": (["file names"], "Posthorn", "[RFC2231 4.1] A charset stands in the first segment only; here it is text."),
    "parameters/continued-apostrophes-late": (["file names"], "Posthorn", "[RFC2231 4.1] Apostrophes count in the first segment only."),
    "parameters/star-garbage": (["file names"], "both", "A name of nothing."),
}
