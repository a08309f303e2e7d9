"""One mailbox of 100,000 messages beside Dovecot, and one of 1,000,000: what every command on it takes."""
import os
import statistics
import time

from . import machine
from .row import Group, Row, dovecot_with

MESSAGES, SIZE = 100_000, 2048
MILLION, SMALL = 1_000_000, 400


def row(name, work, times=None, under=None, digits=1):
    return Row(name, work, "ms", False, times=times, under=under, digits=digits)


# What mailload calls a step, the row it fills, and how many times Dovecot's figure is wanted: the ratio of the targets and the peers'
# figures in baselines.md.
STEPS = (
    ("select", row("select", "SELECT, 100,000 messages, warm", times=4.4, digits=2)),
    ("flags", row("fetch_flags", "UID FETCH 1:* (FLAGS)", times=2.4)),
    ("envelope", row("fetch_envelope", "FETCH 1:* (ENVELOPE)", times=2.8)),
    ("bodystructure", row("fetch_structure", "FETCH 1:* (BODYSTRUCTURE)", times=2.8)),
    ("hdrs", row("fetch_fields", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])", times=2.7)),
    ("body", row("fetch_bodies", "FETCH 1:* (BODY.PEEK[]), 193 MiB", times=2.0)),
    ("store", row("store", "STORE 1:* +FLAGS, durable", times=1.6)),
    ("unstore", row("unstore", "STORE 1:* -FLAGS, durable", times=1.6)),
    ("s_subject", row("search_subject", "SEARCH SUBJECT", times=9.7)),
    ("s_from", row("search_from", "SEARCH FROM", times=9.7)),
    ("s_since", row("search_since", "SEARCH SINCE", times=8.0)),
    ("s_flag", row("search_flags", "SEARCH SEEN UNFLAGGED", times=4.0, digits=2)),
    ("s_body", row("search_body", "SEARCH BODY, 193 MiB, indexed", times=200)),
    ("s_text", row("search_text", "SEARCH TEXT, 193 MiB, indexed", times=200)),
    ("sort_date", row("sort_date", "SORT (DATE)", times=2.1)),
    ("sort_subject", row("sort_subject", "SORT (SUBJECT)", times=1.35)),
    ("thread", row("thread", "THREAD=REFERENCES", times=3.6)),
)
FIRST = {  # the first time in a process that has just begun, with nothing in the page cache
    "select": row("select_cold", "SELECT, 100,000 messages, cold", times=1.4),
    "envelope": row("envelope_first", "FETCH 1:* (ENVELOPE), first time", times=2.8),
    "bodystructure": row("structure_first", "FETCH 1:* (BODYSTRUCTURE), first time", times=2.8),
    "sort_date": row("sort_date_first", "SORT (DATE), first time", times=2.1),
    "sort_subject": row("sort_subject_first", "SORT (SUBJECT), first time", times=1.35),
    "thread": row("thread_first", "THREAD=REFERENCES, first time", times=3.6),
}
SCAN = (("s_body", row("scan_body", "SEARCH BODY, 193 MiB, never indexed", times=6.7)),
        ("s_text", row("scan_text", "SEARCH TEXT, 193 MiB, never indexed", times=6.7)))
MILLION_ROWS = (row("select_1m_cold", "SELECT, 1,000,000 messages, cold", under=150), row("select_1m", "SELECT, 1,000,000 messages, warm", under=2, digits=2))
ROWS = (*FIRST.values(), *(r for _, r in STEPS), *(r for _, r in SCAN), *MILLION_ROWS)


def fill(messages, size):
    def warm_up(bench, server):
        bench.load.run(server, "imap-fetch", "imap", "create", steps="login,create_big,logout")
        bench.load.run(server, "imap-append", "imap", "fill", "--same-user", messages=messages, size=size, mailbox="Big", multiappend=100, timeout=300)
        wait_for_index(server)
    return warm_up


def wait_for_index(server):
    """Until the server rests: Posthorn packs and indexes what has come in the background."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        before = machine.cpu_seconds(server.roots())
        time.sleep(2)
        if machine.cpu_seconds(server.roots()) - before < 0.1:
            return


def drop_caches():
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
    except OSError:  # not root: the page cache stays warm, on both sides
        pass


def timed(bench, server, label, steps, size=SIZE):
    """name of the step -> milliseconds, each time it was done."""
    answer = bench.load.run(server, "imap-fetch", "imap", label, steps="login," + ",".join(steps) + ",logout", mailbox="Big", size=size, timeout=300)
    out = {}
    for key, step in answer["steps"].items():
        out.setdefault(key.partition(".")[2], []).append(step["ms"])
    return out


def measure(bench, server, _is_peer):
    figures = {}
    server.restart()
    drop_caches()
    cold = timed(bench, server, "cold", ["select", *(s for s in FIRST if s != "select")])
    for step, r in FIRST.items():
        if step in cold:
            figures[r.name] = cold[step][0]
    warm = timed(bench, server, "warm", ["select", *(s for s, _ in STEPS), *(s for s, _ in STEPS)])
    for step, r in STEPS:
        if step in warm:
            figures[r.name] = statistics.median(warm[step])
    return figures


def measure_scan(bench, server, _is_peer):
    took = timed(bench, server, "scan", ["select", *(s for s, _ in SCAN), *(s for s, _ in SCAN)])
    return {r.name: statistics.median(took[step]) for step, r in SCAN}


def measure_million(bench, server, _is_peer):
    server.restart()
    drop_caches()
    took = timed(bench, server, "million", ["select", "select", "select"], SMALL)["select"]
    return {"select_1m_cold": took[0], "select_1m": statistics.median(took[1:])}


GROUPS = (
    Group((*(r.name for r in FIRST.values()), *(r.name for _, r in STEPS)), measure, dovecot_with("mdbox"), warm_up=fill(MESSAGES, SIZE)),
    Group(tuple(r.name for _, r in SCAN), measure_scan, dovecot_with("mdbox"), warm_up=fill(MESSAGES, SIZE),
          posthorn={"more": "[search]\ntext_index = false\n"}),
    Group(tuple(r.name for r in MILLION_ROWS), measure_million, warm_up=fill(MILLION, SMALL)),
)
