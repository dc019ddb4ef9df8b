"""The programs of one case: started on their hosts, and ended by their ids."""

import asyncio
import hashlib
import os
import re
import secrets
import signal
import sys
from collections import deque
from pathlib import Path

from conformance.certificates import AUTHORITY, Certificates
from conformance.drivers import EXIT_SECONDS, START_SECONDS, DriverError
from conformance.play import start_caller, start_worker
from conformance.scenarios import ScenarioError

# A worker tells of so many events of its tasks, which is more than any case makes.
EVENTS = 400_000


class Other:
    """A program that is no driver. What it writes is its log."""

    def __init__(self, name: str):
        self.name = f"program {name}"
        self._process = None
        self._log = deque(maxlen=40)
        self._written = asyncio.Event()
        self._reader = None

    async def start(self, command, ready: str, folder: str) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(ready))
        if ready:
            try:
                async with asyncio.timeout(START_SECONDS):
                    await self._written.wait()
            except TimeoutError:
                raise DriverError(f"the {self.name} has not written {ready!r}{self.log_tail()}") from None
            if not any(ready in line for line in self._log):
                raise DriverError(f"the {self.name} has ended before it wrote {ready!r}{self.log_tail()}")

    async def _read(self, ready: str) -> None:
        while line := await self._process.stdout.readline():
            self._log.append(line.decode(errors="replace").rstrip("\n"))
            if ready and ready in self._log[-1]:
                self._written.set()
        self._written.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def log_tail(self) -> str:
        return "".join(f"\n    | {line}" for line in self._log)

    async def ended(self) -> int:
        """Its status, once it has ended by itself."""
        status = await self._process.wait()
        await self._reader
        return status

    async def kill(self) -> None:
        await self.end()

    async def end(self) -> str:
        """Ends it if it still runs."""
        if self.alive:
            os.kill(self._process.pid, signal.SIGTERM)
            try:
                async with asyncio.timeout(EXIT_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                os.kill(self._process.pid, signal.SIGKILL)
                await self._process.wait()
                return f"the {self.name} did not end when it was told to{self.log_tail()}"
        return ""


class Programs:
    """Who runs where, by name. `network` is that of the case; `turn` says whose language comes first; `secure`: every driver
    has credentials, with a certificate for the addresses of its host."""

    def __init__(self, case, network, languages: list, turn: int, root: Path, folder: str, secure: bool):
        self.case = case
        self.running = {}
        # Drivers that have been started, also those that have been replaced.
        self.all = []
        self.folder = folder
        self.certificates = Certificates.within(root, folder)
        self.secure = secure
        self._network = network
        self._root = root
        self._described = {program.name: program for program in case.programs}
        self._namespace = "net-" + secrets.token_hex(6)
        self._languages = {language.name: language for language in languages}
        drivers = [program.name for program in case.programs if program.role != "program"]
        self._turns = {name: languages[(turn + at) % len(languages)] for at, name in enumerate(drivers)}

    def language(self, name: str):
        """The language of a program: its own, or whose turn it is."""
        wanted = self._described[name].language
        # Where only some languages take part, one of them plays the others.
        return self._languages.get(wanted, self._turns[name])

    def fill(self, part):
        """Puts addresses into text, at any depth: `{HOST}`, `{HOST6}`, `{HOST@NETWORK}`, `{PROGRAM.address}`, `{PROGRAM.port}`,
        `{PROGRAM.uid}`, `{namespace}`, `{service}` (of DNS-SD, for that
        namespace), `{folder}`, `{certs}`, `{secure}` (whether drivers have credentials: `true` or `false`), `{tools}`, `{python}`."""
        match part:
            case str():
                return re.sub(r"\{([a-z0-9.@_-]+)\}", lambda found: self._meant(found[1]), part)
            case list() | tuple():
                return [self.fill(item) for item in part]
            case dict():
                return {key: self.fill(item) for key, item in part.items()}
        return part

    def _meant(self, name: str) -> str:
        fixed = {
            "namespace": self._namespace,
            "folder": self.folder,
            "certs": str(self.certificates.folder),
            "secure": str(self.secure).lower(),
            "tools": str(self._root / "tests/networks/tools"),
            "python": sys.executable,
        }
        if name in fixed:
            return fixed[name]
        if name == "service":
            # Of the case's namespace; part of the contract with Python wool.
            return f"_wool-{hashlib.md5(self._namespace.encode()).hexdigest()[:6]}._tcp.local."
        program, _, what = name.partition(".")
        driver, known = self.running.get(program), {}
        if what and getattr(driver, "uid", ""):
            known = {"address": driver.address, "port": driver.address.rpartition(":")[2], "uid": driver.uid}
        elif not what:
            host, _, network = name.partition("@")
            found = self._network.hosts.get(host.removesuffix("6"))
            if found is not None:
                known = found.addresses
                what = (network or found.networks[0]) + ("/6" if host.endswith("6") else "")
        if what not in known:
            raise ScenarioError(f"{self.case.name}: nothing is meant by {{{name}}}")
        return known[what]

    async def start(self, name: str) -> None:
        """Starts a program, also one that has ended."""
        program = self._described[name]
        prefix = self._network.hosts[program.host].command(self._resolver(program))
        if program.role == "program":
            other = self.running[name] = Other(name)
            self.all.append(other)
            await other.start([*prefix, *self.fill(program.command)], self.fill(program.ready), self.folder)
            return
        options, language = self._with_credentials(program), self.language(name)
        if program.role == "worker":
            driver, _ = await start_worker(language, self._root, [f"events={EVENTS}", *options], prefix)
        else:
            driver = await start_caller(language, self._root, options, prefix)
        self.running[name] = driver
        self.all.append(driver)

    def _with_credentials(self, program) -> list:
        """The options of a driver; in a run with credentials these are what lets it beyond loopback."""
        options = self.fill(program.options)
        if not self.secure:
            return options
        options = [option for option in options if option != "allow_plaintext=1"]
        return [*options, f"credentials={self.certificates.folder}", f"certificate={program.host}"]

    async def certify_host(self, host, *more: str) -> None:
        """A certificate for the addresses that a host has, and for more names."""
        own = host.addresses.values()
        await self.certificates.certify(host.name, [f"{host.name}.wool.example", "127.0.0.1", "localhost", "::1", *own, *more])

    async def certify_all(self) -> None:
        """Makes the certificates of the case, or of its hosts."""
        for name, said in self.case.certificates.items():
            await self.certificates.certify(name, **self.fill(said))
        if self.secure:
            for host in self._network.hosts.values():
                await self.certify_host(host)
        if self.secure or self.case.certificates:
            self.certificates.trust(AUTHORITY)

    def _resolver(self, program):
        if not program.resolver:
            return None
        path = Path(self.folder, f"{program.name}.resolv.conf")
        path.write_text(f"nameserver {self.fill(program.resolver)}\n")
        return path

    async def start_all(self) -> None:
        """All that are not started by a step, in their order; those of one entry at once. Before, their certificates are made."""
        await self.certify_all()
        for entry in self._entries():
            outcomes = await asyncio.gather(*map(self.start, entry), return_exceptions=True)
            for problem in filter(None, outcomes):
                raise problem

    def _entries(self) -> list:
        """The names that are started at once: all workers that follow one another and name no other program."""
        entries = []
        names = set(self._described)
        for program in self.case.programs:
            if program.later:
                continue
            mentions = re.findall(r"\{([a-z0-9_-]+)", " ".join([*program.options, *program.command, program.resolver]))
            alone = program.role != "worker" or names & set(mentions)
            if alone or not entries or entries[-1][0]:
                entries.append((alone, []))
            entries[-1][1].append(program.name)
        return [names for _, names in entries]

    async def end(self) -> list:
        """Ends every program; what was wrong with how they went."""
        callers_first = sorted(self.all, key=lambda program: getattr(program, "role", "") != "caller")
        return await asyncio.gather(*(program.end() for program in callers_first))
