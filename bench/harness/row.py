"""What a line of the table is, and a group of lines that are measured on the same two servers."""
from dataclasses import dataclass, field
from typing import Callable, Optional, Union

from . import dovecot


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    unit: str
    more_is_better: bool
    times: Optional[float] = None  # target: so many times the peer's figure
    under: Optional[float] = None  # target: an absolute figure
    digits: int = 0


@dataclass
class Group:
    rows: tuple
    measure: Callable  # (bench, server, is_peer) -> {row: figure}
    peer: Optional[Callable] = None  # (bench, folder) -> Server
    peer_missing: Callable = dovecot.why_not
    warm_up: Callable = lambda bench, server: None
    posthorn: Union[dict, Callable] = field(default_factory=dict)  # more arguments of Posthorn(), or what makes them


def dovecot_with(mail_format, tuned=False):
    return lambda bench, folder: dovecot.Dovecot(folder, bench.certificate, bench.users, mail_format, tuned)
