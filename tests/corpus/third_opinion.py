"""What Python's `email` makes of a message, compared with our FETCH: the tree, the names of files, the subject."""

import email
import email.header
import email.policy
import re
import urllib.parse


def shape(part):
    """As imap_response.Part.shape()."""
    text = part.get_content_type()
    payload = part.get_payload()
    return f"{text}({', '.join(shape(p) for p in payload)})" if isinstance(payload, list) else text


def file_names(part):
    """Of the leaves, in order."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return [part.get_filename()]
    return [name for p in payload for name in file_names(p)]


def decode_words(text):
    """Encoded words and raw bytes of a parameter, as clients show them."""
    text = re.sub(r"\s*\r?\n\s*", " ", text)
    words = email.header.decode_header(re.sub(r"\?=\s+=\?", "?==?", text))
    return "".join(w if isinstance(w, str) else w.decode(c or "utf-8", "replace") for w, c in words)


def our_file_name(part):
    """From BODYSTRUCTURE, as a client does it: filename* and filename of the disposition, then name* and name."""
    for params, name in ((part.disposition[1] if part.disposition else [], b"filename"), (part.params or [], b"name")):
        params = dict(reversed(params))
        if name + b"*" in params:
            value = params[name + b"*"].decode("latin-1")
            charset, _, text = value.split("'", 2) if value.count("'") >= 2 else ("", "", value)
            return urllib.parse.unquote(text, encoding=charset if known(charset) else "utf-8", errors="replace")
        if name in params:
            return decode_words(params[name].decode("utf-8", "replace"))
    return None


def known(charset):
    try:
        return "".encode(charset) == b""
    except LookupError:
        return False


def our_file_names(part):
    if part.children:
        return [name for child in part.children for name in our_file_names(child)]
    return [our_file_name(part)]


def subject(message):
    """Raw, on one line."""
    value = email.message_from_bytes(message, policy=email.policy.compat32).get("Subject")
    return None if value is None else re.sub(rb"\r?\n(?=[ \t])", b"", str_bytes(value)).strip()


def str_bytes(value):
    if isinstance(value, email.header.Header):  # it has raw bytes
        return b"".join(chunk.encode("ascii", "surrogateescape") for chunk, _ in value._chunks)
    return value.encode("utf-8", "surrogateescape")


def compare_with_python(comparison, message, items):
    try:
        theirs = email.message_from_bytes(message, policy=email.policy.default)
        structure, names = shape(theirs), file_names(theirs)
    except Exception as e:  # it has bugs of its own, and this is not their test
        structure, names = None, type(e).__name__
    ours = items["BODYSTRUCTURE"]
    comparison.note("", "tree", ours.shape(), structure)
    if ours.shape() == structure:
        comparison.note("", "file names", our_file_names(ours), names)
    comparison.note("", "subject", items["ENVELOPE"]["subject"], subject(message))
