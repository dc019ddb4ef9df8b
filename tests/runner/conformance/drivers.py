"""Driver processes: start them, talk to them, and end every one of them by its id."""

import asyncio
import os
import signal
import tomllib
from collections import deque
from dataclasses import dataclass
from pathlib import Path

# How long a driver may take to get ready, and to exit once it was asked to. Generous: it only ends what hangs.
START_SECONDS = 60
EXIT_SECONDS = 30

# The longest line a driver may write, bytes.
_LONGEST_LINE = 16 << 20

# Answers of a worker driver, which serves one command at a time and gives them no ids.
_WORKER_ANSWERS = {"count", "events", "stopped", "ran", "reloaded", "problem", "error"}


class DriverError(Exception):
    """A driver that is missing, cannot start, breaks the protocol or dies. The message ends with the tail of its log."""


@dataclass(frozen=True)
class Language:
    """How the driver of one language is built and started."""

    name: str
    build: tuple
    command: tuple

    def program(self, root: Path) -> str:
        """The driver's program: a path where it is a file of this repository."""
        program = self.command[0]
        return str(root / program) if "/" in program or (root / program).is_file() else program


def load_languages(path: Path) -> dict:
    """The languages of `tests/drivers/drivers.toml`, in the order of the file."""
    data = tomllib.loads(path.read_text())
    return {name: Language(name, tuple(entry["build"]), tuple(entry["command"])) for name, entry in data.items()}


class Driver:
    """One driver process. Answers are sorted by request id; a dead process answers every waiter with the reason."""

    def __init__(self, language: Language, role: str, root: Path, prefix=()):
        """`prefix`: the command that runs it, where it does not run here."""
        self.language = language
        self.prefix = tuple(prefix)
        self.role = role
        # Of a worker, once it is ready.
        self.uid = ""
        self.address = ""
        self.root = root
        # Which of this driver's answers, counted from 1, `answer` gave out last.
        self.arrived = 0
        self._requests = 0
        self._read = 0
        self._process = None
        self._answers = {}
        self._failure = None
        self._log = deque(maxlen=40)
        self._readers = []
        self._ended = False

    @property
    def name(self) -> str:
        return f"{self.language.name} {self.role} driver"

    async def start(self, options) -> list:
        """Starts the process and returns the tokens of its first line."""
        program = self.language.program(self.root)
        if "/" in program and not Path(program).is_file():
            raise DriverError(f"the {self.name} is missing: {program} is not there ({self._how_to_build()})")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.prefix,
                program,
                *self.language.command[1:],
                self.role,
                *options,
                cwd=self.root,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                # Of its own session, so that Ctrl-C reaches the runner alone, which then ends its drivers in order.
                start_new_session=True,
            )
        except OSError as problem:
            raise DriverError(f"the {self.name} cannot start: {problem} ({self._how_to_build()})") from None
        self._readers = [asyncio.create_task(self._read_answers()), asyncio.create_task(self._read_log())]
        return await self.answer("", START_SECONDS)

    def _how_to_build(self) -> str:
        return "built by: " + " ".join(self.language.build) if self.language.build else "nothing builds it"

    async def _read_answers(self) -> None:
        reader = self._process.stdout
        greeted = False
        try:
            while line := await reader.readline():
                tokens = line.decode().rstrip("\n").split(" ")
                if not greeted:
                    greeted = True
                    key = ""
                elif self.role == "worker" and tokens[0] in _WORKER_ANSWERS:
                    # Only a reload has an error of its own.
                    key = "reloaded" if tokens[0] == "error" else tokens[0]
                elif len(tokens) >= 2:
                    key = tokens[1]
                else:
                    self._fail(f"the {self.name} broke the protocol: it wrote {line!r}")
                    break
                self._read += 1
                self._queue(key).put_nowait((self._read, tokens))
        except (ValueError, UnicodeDecodeError) as problem:
            self._fail(f"the {self.name} broke the protocol: {problem}")
        status = await self._process.wait()
        self._fail(f"the {self.name} ended with status {status}")

    async def _read_log(self) -> None:
        reader = self._process.stderr
        while chunk := await reader.read(65536):
            self._log.extend(chunk.decode(errors="replace").splitlines())

    def _queue(self, key: str) -> asyncio.Queue:
        return self._answers.setdefault(key, asyncio.Queue())

    def _fail(self, why: str) -> None:
        if self._failure is None:
            self._failure = why
            for queue in self._answers.values():
                queue.put_nowait(None)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._failure is None and not self._ended

    @property
    def pid(self) -> int:
        """The process id, once started."""
        return self._process.pid

    def log_tail(self) -> str:
        return "".join(f"\n    | {line}" for line in self._log)

    async def send(self, *tokens: str) -> None:
        """Writes one command line."""
        try:
            self._process.stdin.write((" ".join(tokens) + "\n").encode())
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise DriverError(f"the {self.name} no longer reads its commands{self.log_tail()}") from None

    async def answer(self, key: str, seconds=None) -> list:
        """The tokens of the next answer for a request id (or of a worker's answer of that kind)."""
        queue = self._queue(key)
        if self._failure is not None and queue.empty():
            queue.put_nowait(None)
        try:
            async with asyncio.timeout(seconds):
                arrival = await queue.get()
        except TimeoutError:
            raise DriverError(f"the {self.name} did not answer within {seconds} s{self.log_tail()}") from None
        if arrival is None:
            raise DriverError(f"{self._failure}{self.log_tail()}")
        self.arrived, tokens = arrival
        return tokens

    def has_answered(self, key: str) -> bool:
        """Whether an answer for a request id has come that nobody has taken."""
        return not self._queue(key).empty()

    def next_id(self) -> str:
        """A request id that this driver has not seen."""
        self._requests += 1
        return f"r{self._requests}"

    def unread(self) -> list:
        """Answers that nobody asked for: after a scenario there should be none."""
        waiting = [queue.get_nowait() for queue in self._answers.values() if not queue.empty()]
        return [arrival[1] for arrival in waiting if arrival is not None]

    def send_kill(self) -> None:
        """SIGKILL, without waiting for the end; `kill` does."""
        self._ended = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            try:
                # Not by its own kill, which would take the status of a process that has just ended from its watcher.
                os.kill(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    async def kill(self) -> None:
        """SIGKILL, as a crash: by the id of the process that was started here."""
        self.send_kill()
        if self._process is not None:
            await self._process.wait()
            await asyncio.gather(*self._readers, return_exceptions=True)

    async def exited(self) -> str:
        """Waits until the process has ended by itself; returns what was wrong with how it went, or nothing."""
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                status = await self._process.wait()
        except TimeoutError:
            return f"the {self.name} has not exited within {EXIT_SECONDS} s{self.log_tail()}"
        self._ended = True
        await asyncio.gather(*self._readers, return_exceptions=True)
        return f"the {self.name} exited with status {status}{self.log_tail()}" if status != 0 else ""

    async def end(self) -> str:
        """Asks the driver to exit; returns what was wrong with how it went, or nothing. Never leaves it running.

        An answer that came and that nobody asked for is wrong too: it may have been late for the scenario that caused it.
        """
        if self._process is None or self._ended:
            return ""
        self._ended = True
        try:
            self._process.stdin.write(b"exit\n")
            self._process.stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            pass
        wrong = ""
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                status = await self._process.wait()
            if status != 0:
                wrong = f"the {self.name} exited with status {status}{self.log_tail()}"
        except TimeoutError:
            wrong = f"the {self.name} did not exit within {EXIT_SECONDS} s of being asked{self.log_tail()}"
        finally:
            self._kill()
        await self._process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        unasked = self.unread()
        if unasked and not wrong:
            wrong = f"the {self.name} reported what nobody asked for: {' '.join(unasked[0])}"
        return wrong
