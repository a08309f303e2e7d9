"""Counters of the kernel: processor time and writes of a process tree, the disk under a folder, the machine itself."""
import os
import platform
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def read(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:  # the process is gone
        return ""


def process_tree(roots):
    """The pids of these processes and of everything below them, with (user + system) seconds, reaped children included."""
    parent_of, seconds = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        after_name = read(f"/proc/{name}/stat").rpartition(")")[2].split()
        if len(after_name) < 15:
            continue
        parent_of[int(name)] = int(after_name[1])
        seconds[int(name)] = sum(int(t) for t in after_name[11:15]) / TICKS
    tree = {}
    for pid in parent_of:
        above = pid
        while above not in roots and above in parent_of:
            above = parent_of[above]
        if above in roots:
            tree[pid] = seconds[pid]
    return tree


def started_at(pid):
    """Tells a process from a later one with the same pid; None when there is none (a zombie is none)."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else None


def cpu_seconds(roots):
    return sum(process_tree(roots).values())


def wait_until_quiet(roots, limit=20.0):
    """Waits until these processes rest (background flushes are done), at most `limit` seconds; the CPU seconds they had used by then."""
    end = time.monotonic() + limit
    before = cpu_seconds(roots)
    quiet = 0
    while quiet < 3 and time.monotonic() < end:
        time.sleep(0.2)
        now = cpu_seconds(roots)
        quiet = quiet + 1 if now - before <= 0.02 else 0
        before = now
    return before


def written_kib(roots):
    """KiB that the living processes of these trees gave to the file systems.  Needs their owner or root; otherwise 0."""
    total = 0
    for pid in process_tree(roots):
        for line in read(f"/proc/{pid}/io").splitlines():
            if line.startswith("write_bytes:"):
                total += int(line.split()[1])
    return total / 1024


class Disk:
    """The whole disk that holds a folder.  Everything on the machine that writes to it is counted."""

    def __init__(self, folder):
        device = os.stat(folder).st_dev
        path = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
        if os.path.exists(path + "/partition"):  # flushes are counted for whole disks only
            path = os.path.dirname(path)
        self.path = path
        self.known = os.path.exists(path + "/stat")
        self.name = os.path.basename(path) if self.known else "unknown"

    def counters(self):
        """(KiB written, flushes) since the machine started."""
        fields = read(self.path + "/stat").split()
        if len(fields) < 16:
            return 0.0, 0
        return int(fields[6]) / 2, int(fields[15])


def file_system(folder):
    best = ("", "", "")
    for line in read("/proc/self/mounts").splitlines():
        source, point, kind = line.split()[:3]
        point = point.encode().decode("unicode_escape")
        if (os.path.realpath(folder) + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[1]):
            best = (source, point, kind)
    return best[2]


def description(folder):
    model = next((l.split(":", 1)[1].strip() for l in read("/proc/cpuinfo").splitlines() if l.startswith("model name")), platform.machine())
    memory = next((int(l.split()[1]) // 1024 for l in read("/proc/meminfo").splitlines() if l.startswith("MemTotal")), 0)
    name = next((l.split("=", 1)[1].strip('"') for l in read("/etc/os-release").splitlines() if l.startswith("PRETTY_NAME=")), "Linux")
    load = read("/proc/loadavg").split()[:1]
    return (f"{os.cpu_count()} cores {model}, {memory} MiB, Linux {platform.release()}, {name}, "
            f"{file_system(folder)} on {Disk(folder).name}; load average at the start {load[0] if load else '?'}")


def package_version(name):
    """The version of a Debian package, or None where it is not installed."""
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name], capture_output=True, text=True)
    except OSError:
        return None
    status, _, version = done.stdout.partition(" ")
    return version if done.returncode == 0 and status == "installed" else None
