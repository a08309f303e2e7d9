"""Our rewritten senders and those of Perl's Mail::SRS: each makes the same, and each undoes what the other made."""

import os
import random
import subprocess
import time
import unittest

import harness

TOOL = os.path.join(os.path.dirname(os.path.abspath(harness.BINARY)), "mailauth_tool")
SECRET, FORWARDER = "a secret of ours", "forwarder.example"
PERL = r"""
use Mail::SRS;
my $srs = Mail::SRS->new(Secret => [$ARGV[0]], MaxAge => 21, HashLength => 4);
while (<STDIN>) {
  chomp;
  my ($what, $local, $domain) = split / /;
  my $out = eval { $what eq "forward" ? $srs->forward("$local\@$domain", $ARGV[1]) : $srs->reverse("$local\@$ARGV[1]") };
  if (defined $out) { $out =~ s/\@([^@]*)$/ $1/; print "$out\n" } else { print "error\n" }
}
"""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def ask(program, lines):
    done = subprocess.run([*program, SECRET, FORWARDER], input="".join(line + "\n" for line in lines), capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(done.stderr)
    return ["error" if line.startswith("error") else line for line in done.stdout.splitlines()]


def ours(lines):
    return ask([TOOL, "srs"], lines)


def perls(lines):
    return ask(["perl", "-e", PERL], lines)


def word(rng, extra=""):
    return "".join(rng.choice(LETTERS + extra) for _ in range(rng.randint(1, 12)))


class Srs(unittest.TestCase):
    def setUp(self):
        left = 86400 - time.time() % 86400
        if left < 60:
            time.sleep(left + 1)  # both are to write the same day

    def test_both_ways(self):
        rng = random.Random(1)
        senders = [(word(rng, "+-=._"), word(rng) + "." + word(rng, "-") + ".example") for _ in range(500)]
        lines = [f"forward {local} {domain}" for local, domain in senders]
        made = ours(lines)
        self.assertEqual(made, perls(lines))
        back = [f"reverse {line.split()[0]}" for line in made]
        for undone in (ours(back), perls(back)):
            self.assertEqual(undone, [f"{local} {domain}" for local, domain in senders])
        for change in (str.lower, str.upper):
            changed = ["reverse " + change(line.split()[0]) for line in made]
            self.assertEqual(ours(changed), perls(changed))

    def test_forwarded_again(self):
        rng = random.Random(2)
        first = [f"forward {('SRS0', 'srs0')[rng.randint(0, 1)]}{rng.choice('=+-')}{word(rng)}=AB=x.example={word(rng)} {word(rng)}.example" for _ in range(200)]
        made = ours(first)
        self.assertEqual(made, perls(first))
        again = [f"forward {line.split()[0]} second.example" for line in made]
        self.assertEqual(ours(again), perls(again))
        self.assertEqual(ours(again), made)  # only the hash could differ, and it is the same secret's
        back = [f"reverse {line.split()[0]}" for line in made]
        self.assertEqual(ours(back), perls(back))

    def test_forged(self):
        rng = random.Random(3)
        made = [line.split()[0] for line in ours(f"forward {word(rng)} {word(rng)}.example" for _ in range(100))]
        forged = []
        for address in made:
            at = rng.randrange(5, len(address))
            other = rng.choice([c for c in LETTERS if c.lower() != address[at].lower()])
            forged.append(f"reverse {address[:at]}{other}{address[at + 1:]}")
        self.assertEqual(ours(forged), ["error"] * len(forged))
        self.assertEqual(perls(forged), ["error"] * len(forged))


if __name__ == "__main__":
    unittest.main()
