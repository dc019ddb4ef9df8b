"""Certificates of development authorities, made by `tools/certs`, and the folder in which drivers find them."""

import asyncio
import os
from pathlib import Path

from .drivers import DriverError

PROGRAM = "target/release/wool-certs"

# Who signs where nothing else is said.
AUTHORITY = "wool"

# Of a worker that is reached on loopback, and of whoever calls.
NAMES = ("127.0.0.1", "localhost", "own.wool.example")


class Certificates:
    """A folder of `ca.pem`, `NAME.pem` and `NAME.key`, and beside it the authorities, each with a folder of its own: what
    they do there changes nothing for those who look into this one."""

    def __init__(self, root: Path, folder: Path, authorities: Path):
        self.folder = folder
        self._program = root / PROGRAM
        self._authorities = authorities

    @classmethod
    def within(cls, root: Path, folder: str):
        """In a temporary folder, as `certs`."""
        return cls(root, Path(folder, "certs"), Path(folder, "authorities"))

    async def certify(self, name: str, names=NAMES, by=AUTHORITY, days=None) -> None:
        """Makes, or makes anew, the certificate NAME and its key. `days`: for how long; negative: it has expired."""
        if not self._program.is_file():
            raise DriverError(f"certificates cannot be made: {PROGRAM} is not there (built by: make build)")
        authority = self._authorities / by
        options = [f"--days={days}"] if days is not None else []
        process = await asyncio.create_subprocess_exec(
            self._program, *options, authority, name, *names, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await process.communicate()
        if process.returncode != 0:
            raise DriverError(f"{PROGRAM} failed: {told.decode(errors='replace').strip()}")
        self.folder.mkdir(exist_ok=True)
        # The key first: whoever sees the new certificate finds its key.
        for ending in ("key", "pem"):
            os.replace(authority / f"{name}.{ending}", self.folder / f"{name}.{ending}")

    def trust(self, *authorities: str) -> None:
        """Writes `ca.pem`: the certificates of these."""
        self.write("ca.pem", "".join((self._authorities / name / "ca.pem").read_text() for name in authorities))

    def write(self, file: str, text: str) -> None:
        """Replaces a file whole: nobody reads half of it."""
        new = self.folder / f"{file}.new"
        new.write_text(text)
        os.replace(new, self.folder / file)
