"""Two users on one machine can neither see nor call each other's workers: the other user is a second uid."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/runner"))

from conformance.drivers import load_languages  # noqa: E402

# Of nobody; no process of it is there that a test could meet.
OTHER = 65534
WATCHDOG_SECONDS = 60


class Driver:
    """A driver process that is asked and answers line by line."""

    def __init__(self, command, user=None):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", user=user, group=user,
            extra_groups=[] if user else None,
        )

    def line(self) -> list:
        return self.process.stdout.readline().split()

    def ask(self, command: str) -> list:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(WATCHDOG_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()


def ask_as(user, program, options) -> str:
    """The outcome of a call from a caller of this user."""
    with Driver([program, "caller", "dispatch_timeout=1000", *options], user) as caller:
        first = caller.line()
        if first != ["ready"]:
            return " ".join(map(unquote, first))
        return " ".join(map(unquote, caller.ask("call r1 conf.echo 1 hex:07")))


def check(what: str, seen: str, *wanted: str) -> bool:
    if all(word in seen for word in wanted):
        return True
    print(f"FAIL  {what}\n      wanted {wanted}, saw {seen}")
    return False


def play(language, program: str) -> list:
    """Whether each check went well, with workers of one language."""
    namespace = f"users-{os.getpid()}"
    command = [language.program(ROOT), *(str(ROOT / word) if (ROOT / word).is_file() else word for word in language.command[1:])]
    with Driver([*command, "worker", f"publish={namespace}"]) as worker:
        ready = worker.line()
        if ready[:1] != ["ready"]:
            return [check(f"{language.name} worker", " ".join(ready), "ready")]
        _, address, uid = ready
        socket = f"/dev/shm/wool-{os.getuid()}/{namespace}/{uid.replace('-', '')}.sock"
        name = f"{language.name} worker, "
        return [
            check(name + "its own user finds and calls it", ask_as(None, program, [f"discovery={namespace}"]), "result r1 hex:07"),
            check(name + "its socket is there", str(Path(socket).is_socket()), "True"),
            check(name + "another user does not find it", ask_as(OTHER, program, [f"discovery={namespace}"]),
                  "NO_WORKERS_AVAILABLE", "no worker was found"),
            check(name + "another user at its address lacks the secret", ask_as(OTHER, program, [f"address={address}"]),
                  "NO_WORKERS_AVAILABLE", "secret"),
            check(name + "another user cannot open its socket", ask_as(OTHER, program, [f"address=unix:{socket}"]),
                  "NO_WORKERS_AVAILABLE", "ermission denied"),
        ]


def main() -> int:
    if os.getuid() != 0:
        print("skipped: only root can be two users")
        return 1 if os.environ.get("CI") else 0
    languages = load_languages(ROOT / "tests/drivers/drivers.toml")
    with tempfile.TemporaryDirectory(prefix="wool-users-") as folder:
        # Where the other user can reach it, wherever this repository is.
        program = shutil.copy(languages["rust"].program(ROOT), folder)
        os.chmod(folder, 0o755)
        verdicts = [verdict for language in languages.values() for verdict in play(language, program)]
    print(f"{sum(verdicts)} passed, {len(verdicts) - sum(verdicts)} failed")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
