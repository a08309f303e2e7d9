"""The rows of the table, and how each is measured.

A Group starts one peer and one Posthorn, fresh and empty, and measures one or more rows on both, round by round in turns.
The numbers of messages differ between the two sides where the speeds do, so that every run lasts long enough to mean
something; figures are always per second or per message."""
import time

from . import big_mailbox_rows, machine, pop3_rows, postfix, relay_rows, smap_rows
from .row import Group, Row, dovecot_with

KIB10 = 10240


ROWS = {r.name: r for r in (
    Row("smtp", "SMTP to mailbox, end to end, 16 connections", "/s", True, times=12),
    Row("lmtp16", "LMTP, 16 connections", "/s", True, times=5),
    Row("lmtp1", "LMTP, 1 connection", "/s", True, times=3),
    Row("cpu_smtp", "server CPU for one message, SMTP to mailbox", "ms", False, under=0.3, digits=3),
    Row("cpu_lmtp", "server CPU for one message, LMTP", "ms", False, under=0.3, digits=3),
    Row("flushes", "disk flushes per message, LMTP, 16 connections", "", False, under=0.2, digits=3),
    Row("written", "written to disk per message of 10 KiB, text", "KiB", False, under=25, digits=1),
    Row("written_random", "written to disk per message of 10 KiB, random base64", "KiB", False, under=25, digits=1),
    Row("append", "IMAP APPEND, 16 connections", "/s", True, times=4),
    Row("idle", "memory of one idle IMAP connection, plain", "KiB", False, under=8, digits=1),
    Row("idle_tls", "memory of one idle IMAP connection, TLS", "KiB", False, under=28, digits=1),
    Row("notify", "new mail: from the 250 to EXISTS at IDLE, median", "ms", False, under=0.5, digits=3),
    Row("pop3", "POP3 RETR of everything, 16 connections, pipelined", "/s", True, times=1.5),
    Row("login", "IMAP sign-in, 16 connections, plain, cheap hash", "/s", True, times=3),
    Row("login_tls", "IMAP sign-in, 16 connections, TLS, cheap hash", "/s", True, times=2),
    Row("argon2id", "IMAP sign-in, 16 connections, plain, argon2id, every one hashed", "/s", True),
    Row("argon2id_cached", "IMAP sign-in, 16 connections, plain, argon2id, cache of right passwords", "/s", True),
    Row("mixed", "IMAP as telephones do it, 16 connections, commands", "/s", True, times=4),
    Row("idle_10k", "memory of one of 10,000 idle IMAP connections, TLS", "KiB", False, under=24, digits=1),
    Row("watchers", "new mail: from the 250 until the last of an account's 100 watchers has EXISTS, median", "ms", False, under=100, digits=1),
    Row("watchers_10k", "the same with 10,000 watchers of one account", "ms", False, digits=1),
    *pop3_rows.ROWS,
    *relay_rows.ROWS,
    *smap_rows.ROWS,
    *big_mailbox_rows.ROWS,
)}


def lmtp(bench, server, label, messages, conns, *flags, **options):
    return bench.load.run(server, "lmtp", "lmtp", label, "--pipeline", *flags, messages=messages, size=KIB10, conns=conns,
                          verify_port=server.ports["imap"], **options)


def warm_mailboxes(bench, server):
    lmtp(bench, server, "warm-up", 200, 16)


def milliseconds_each(answer):
    return answer["srv_cpu_s"] * 1000 / answer["ok"]


def measure_smtp(bench, server, is_peer):
    answer = bench.load.run(server, "smtp", "smtp", "smtp c16", "--pipeline", settle=True, messages=bench.count(is_peer, 1600, 16000),
                            size=KIB10, conns=16, verify_port=server.ports["imap"])
    return {"smtp": answer["e2e_rate"], "cpu_smtp": milliseconds_each(answer)}


def measure_lmtp(bench, server, is_peer):
    many = lmtp(bench, server, "lmtp c16", bench.count(is_peer, 4000, 24000), 16, settle=True)
    one = lmtp(bench, server, "lmtp c1", bench.count(is_peer, 800, 4000), 1)
    return {"lmtp16": many["rate"], "lmtp1": one["rate"], "cpu_lmtp": milliseconds_each(many)}


def measure_disk(bench, server, is_peer):
    """Once with text, which Posthorn stores compressed, and once with what cannot be compressed."""
    flushes, text = written(bench, server, "text", bench.count(is_peer, 8000, 24000))
    _, noise = written(bench, server, "random base64", bench.count(is_peer, 4000, 16000), "--random")
    return {"flushes": flushes, "written": text, "written_random": noise} if bench.disk.known else {}


def written(bench, server, what, messages, *flags):
    """(flushes, KiB) per message: everything that reaches the disk, however late. What the server still holds in memory and in logs
    is forced out by a restart (Posthorn moves its log into table files then), what the kernel holds by sync."""
    noise_kib, noise_flushes = bench.disk_noise()
    own = machine.written_kib(server.roots())
    kib, flushes = bench.disk.counters()
    begin = time.monotonic()
    answer = lmtp(bench, server, f"lmtp c16, {what}, writes counted", messages, 16, *flags)
    machine.wait_until_quiet(server.roots())
    own = machine.written_kib(server.roots()) - own
    server.restart()
    machine.wait_until_quiet(server.roots())
    own += machine.written_kib(server.roots())
    bench.sync()
    seconds = time.monotonic() - begin
    kib_after, flushes_after = bench.disk.counters()
    done = answer["ok"]
    result = (flushes_after - flushes) / done, (kib_after - kib) / done
    bench.keep({"server": server.title, "label": f"writes, {what}", "messages": done, "seconds": seconds, "flushes": result[0], "written": result[1],
                "own_kib": own / done, "others_kib_per_s": noise_kib, "others_flushes_per_s": noise_flushes})
    bench.note(f"{server.title}, {what}: its own processes gave {own / done:.1f} KiB a message to the file system; others wrote "
               f"{noise_kib:.0f} KiB/s with {noise_flushes:.1f} flushes/s before the run, which lasted {seconds:.0f} s")
    return result


def measure_append(bench, server, is_peer):
    answer = bench.load.run(server, "imap-append", "imap", "append c16", messages=bench.count(is_peer, 6000, 32000), size=KIB10, conns=16,
                            verify_port=server.ports["imap"])
    return {"append": answer["rate"]}


def measure_idle(tls):
    """A fresh process, brought to its normal state by a few sessions at a time (what many at once would leave behind in the allocator
    would make the connections look cheaper than they are), then 500 connections in IDLE."""
    protocol, flags, row = ("imaps", ("--tls",), "idle_tls") if tls else ("imap", (), "idle")

    def measure(bench, server, _is_peer):
        server.restart()
        bench.load.run(server, "imap-mixed", protocol, "warm-up", *flags, conns=4, seconds=3)
        machine.wait_until_quiet(server.roots())
        answer = bench.load.run(server, "imap-idle", protocol, f"500 {row}", *flags, conns=500, hold=3, timeout=120)
        return {row: answer["pss_kb_per_conn"]}
    return measure


def warm_with_mail(bench, server):
    lmtp(bench, server, "fill", 1000, 16)


def measure_notify(bench, server, is_peer):
    answer = bench.load.run(server, "notify", "lmtp", "notify", "--lmtp", imap_port=server.ports["imap"], conns=20,
                            messages=bench.count(is_peer, 40, 400), gap_ms=20)
    return {"notify": answer["lat_ms"]["from_250"]["p50"]}


# Few and large mailboxes, so that signing in does not hide the reading.
POP3_USERS, POP3_MESSAGES = 25, 400


def fill_for_pop3(bench, server):
    lmtp(bench, server, "fill", POP3_USERS * POP3_MESSAGES, 16, users=POP3_USERS)
    pop3(bench, server, "warm-up", POP3_USERS)


def pop3(bench, server, label, sessions):
    return bench.load.run(server, "pop3", "pop3", label, "--pipeline", count=sessions, conns=16, users=POP3_USERS)


def measure_pop3(bench, server, is_peer):
    return {"pop3": pop3(bench, server, "pop3 c16", bench.count(is_peer, 200, 400))["msg_rate"]}


def measure_login(row, protocol, *flags, peer, ours):
    def measure(bench, server, is_peer):
        answer = bench.load.run(server, "imap-login", protocol, row, *flags, count=bench.count(is_peer, peer, ours), conns=16)
        return {row: answer["rate"]}
    return measure


def warm_login(bench, server):
    bench.load.run(server, "imap-login", "imap", "warm-up", count=200, conns=16)


def measure_mixed(bench, server, _is_peer):
    answer = bench.load.run(server, "imap-mixed", "imap", "mixed c16", conns=16, seconds=4 if bench.options.quick else 10)
    return {"mixed": answer["op_rate"]}


def measure_many_idle(bench, server, _is_peer):
    """10,000 connections, 100 of each account."""
    server.restart()
    bench.load.run(server, "imap-mixed", "imaps", "warm-up", "--tls", conns=4, seconds=3)
    machine.wait_until_quiet(server.roots())
    answer = bench.load.run(server, "imap-idle", "imaps", "10,000 idle", "--tls", conns=10_000, ramp=64, hold=3, timeout=300)
    told = bench.load.run(server, "notify", "lmtp", "watchers", "--lmtp", "--tls", imap_port=server.ports["imaps"], conns=10_000, messages=20,
                          gap_ms=20, timeout=300)
    all_told = bench.load.run(server, "notify", "lmtp", "watchers of one account", "--lmtp", "--tls", "--same-user",
                              imap_port=server.ports["imaps"], conns=10_000, messages=10, gap_ms=20, timeout=300)
    return {"idle_10k": answer["pss_kb_per_conn"], "watchers": told["lat_ms"]["from_250"]["p50"],
            "watchers_10k": all_told["lat_ms"]["from_250"]["p50"]}


GROUPS = (
    Group(("smtp", "cpu_smtp"), measure_smtp, lambda b, folder: postfix.PostfixDovecot(folder, b.certificate, b.users, "sdbox"),
          postfix.why_not, warm_mailboxes),
    Group(("lmtp16", "lmtp1", "cpu_lmtp"), measure_lmtp, dovecot_with("sdbox"), warm_up=warm_mailboxes),
    Group(("flushes", "written", "written_random"), measure_disk, dovecot_with("sdbox"), warm_up=warm_mailboxes),
    Group(("append",), measure_append, dovecot_with("mdbox"), warm_up=warm_mailboxes),
    Group(("idle",), measure_idle(False), dovecot_with("mdbox"), warm_up=warm_with_mail),
    Group(("idle_tls",), measure_idle(True), dovecot_with("mdbox", tuned=True), warm_up=warm_with_mail),
    Group(("notify",), measure_notify, dovecot_with("mdbox"), warm_up=warm_mailboxes),
    Group(("pop3",), measure_pop3, dovecot_with("maildir"), warm_up=fill_for_pop3),
    Group(("login",), measure_login("login", "imap", peer=5000, ours=30000), dovecot_with("mdbox", tuned=True), warm_up=warm_login),
    Group(("login_tls",), measure_login("login_tls", "imaps", "--tls", "--threads", "2", peer=3000, ours=6000), dovecot_with("mdbox", tuned=True),
          warm_up=warm_login),
    Group(("argon2id",), measure_login("argon2id", "imap", peer=0, ours=800), warm_up=warm_login,
          posthorn={"scheme": "argon2id", "more_auth": 'success_cache = "0 s"\n'}),
    Group(("argon2id_cached",), measure_login("argon2id_cached", "imap", peer=0, ours=30000), warm_up=warm_login,
          posthorn={"scheme": "argon2id"}),
    Group(("mixed",), measure_mixed, dovecot_with("mdbox", tuned=True), warm_up=warm_with_mail),
    Group(("idle_10k", "watchers", "watchers_10k"), measure_many_idle, warm_up=warm_with_mail,
          posthorn={"more": "[limits]\nconnections = 25000\nconnections_per_address = 25000\n"}),
    *pop3_rows.GROUPS,
    *relay_rows.GROUPS,
    *smap_rows.GROUPS,
    *big_mailbox_rows.GROUPS,
)
