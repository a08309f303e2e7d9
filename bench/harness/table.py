"""The table at the end, and what must be known to read it."""
from .rows import ROWS

HEAD = ("work", "peer (version)", "peer's figure", "Posthorn", "ratio", "target", "reached")
FSYNC = ("real on all sides: each server syncs before it acknowledges (Posthorn one synced commit for the writers that wait at that moment; "
         "Dovecot mail_fsync = optimized; Postfix syncs its queue files)")


def shown(row, figure):
    if figure is None:
        return "-"
    return f"{figure:,.{row.digits}f}" + (row.unit if row.unit.startswith("/") else f" {row.unit}".rstrip())


def ratio_of(row, peer, ours):
    """How many times better than the peer; None when that makes no sense."""
    if peer is None or ours is None or peer <= 0 or ours <= 0:
        return None
    return ours / peer if row.more_is_better else peer / ours


def reached(row, peer, ours):
    if row.times is None and row.under is None:
        return ""
    if ours is None:
        return "not measured"
    if row.under is not None:
        return "yes" if ours < row.under else "no"
    ratio = ratio_of(row, peer, ours)
    return "no peer" if ratio is None else "yes" if ratio >= row.times else "no"


def line(bench, row):
    peer, ours = bench.median(row.name, "peer"), bench.median(row.name, "posthorn")
    title, version = bench.servers.get((row.name, "peer"), ("", ""))
    ratio = ratio_of(row, peer, ours)
    target = f"{row.times:g}x" if row.times is not None else f"under {row.under:g} {row.unit}".rstrip() if row.under is not None else "reported"
    return (row.work, f"{title} ({version})" if title else "-", shown(row, peer), shown(row, ours),
            "-" if ratio is None else f"{ratio:.2f}x" if ratio < 10 else f"{ratio:,.0f}x", target, reached(row, peer, ours))


def render(lines):
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(HEAD))]
    out = []
    for number, cells in enumerate(lines):
        out.append("| " + " | ".join(c.rjust(w) if 2 <= i <= 4 and number else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths))) + " |")
        if number == 0:
            out.append("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(out)


def report(bench, rows, machine_text, others_cpu):
    out = [render([HEAD] + [line(bench, ROWS[name]) for name in rows]), ""]
    out.append(f"Medians of {bench.rounds} round{'s' if bench.rounds > 1 else ''}, peer and Posthorn in turns, messages of 10 KiB, {len(bench.users)} "
               "accounts, loopback, generator on the same cores; ratio: how many times better than the peer.")
    out.append(f"Machine: {machine_text}.")
    if others_cpu is not None:
        out.append(f"Other programs and the kernel's threads used {others_cpu:.0f} % of one core during the runs: above 20 % compare with care.")
    out.append(f"Syncs: {FSYNC}.")
    out += [f"{text}." for text in bench.settings]
    out += [f"Failed: {row}, {side}: {why}" for (row, side), why in bench.failures.items() if row in rows]
    out += [f"Note: {text}." for text in bench.notes]
    return "\n".join(out)
