"""Steps about credentials: files that change under running programs, and who is let in, believed, or told why not."""

import asyncio

from . import judge, scenarios, tokens
from .certificates import AUTHORITY
from .drivers import DriverError
from .judge import Mismatch

# What begins like a certificate.
_NONSENSE = "-----BEGIN CERTIFICATE-----\nnonsense\n"

# The wire's numbers of what a gRPC call ended as.
_GRPC_STATUS = {"0": "OK", "7": "PERMISSION_DENIED", "12": "UNIMPLEMENTED", "16": "UNAUTHENTICATED"}


# A message of a gRPC answer that holds nothing.
_EMPTY = b"\r\n\r\n\0\0\0\0\0"


def has(words, text: str) -> bool:
    """All of the words, in any case."""
    return all(word.lower() in text.lower() for word in words)


class SecuritySteps:
    """The part of a stage that knows credentials."""

    # Files

    async def certify(self, name, names, by=AUTHORITY, days=None) -> None:
        """Replaces a certificate and its key by new ones."""
        await self.place.certificates.certify(name, names, by, days)

    async def trust(self, authorities) -> None:
        """Replaces the certificates of the authorities by those of these, which have certified something."""
        self.place.certificates.trust(*authorities)

    async def spoil(self, file) -> None:
        """Replaces a file by what cannot be used."""
        self.place.certificates.write(file, _NONSENSE)

    async def remove(self, file) -> None:
        """Removes a file."""
        (self.place.certificates.folder / file).unlink()

    # What a process says of its credentials: `of` is "caller", or the number of a worker

    async def _asked(self, command: str, answered: str, of) -> list:
        """The answer without the request's id, which workers do not have."""
        if of == "caller":
            head, _, *rest = await self.caller.answer(await self._request(command))
            if head == "error":
                rest = [rest[0], rest[2]]
            return [head, *rest]
        await self.workers[of].send(command)
        return await self.workers[of].answer(answered)

    async def reload(self, of, renewed=None, kind=None, message_has=()) -> None:
        """Looks at the files at once. `renewed`: whether they have changed since the last look; `kind`: what is wrong with them."""
        answer = await self._asked("reload", "reloaded", of)
        if kind is not None:
            fine = answer[:2] == ["error", kind] and has(message_has, tokens.from_text(answer[2]))
            wanted = f"error {kind} with {list(message_has)}"
        else:
            fine = answer[0] == "reloaded" and len(answer) == 2 and answer[1] in (("0", "1") if renewed is None else str(int(renewed)))
            wanted = "reloaded" if renewed is None else f"reloaded {int(renewed)}"
        if not fine:
            raise Mismatch(wanted, judge.show(answer))

    async def problem(self, of, message_has=()) -> None:
        """What is wrong with the files gets to be told in these words; without any, that nothing is wrong."""

        async def look():
            answer = await self._asked("problem", "problem", of)
            if answer[0] != "problem" or len(answer) != 2:
                raise Mismatch("a problem", judge.show(answer))
            told = tokens.from_text(answer[1])
            fine = has(message_has, told) and bool(told) == bool(message_has)
            return fine, Mismatch(f"a problem with {list(message_has)}" if message_has else "no problem", repr(told))

        await self._wait_for(look)

    # Who is let in

    async def eventually(self, routine, result, args=(), pool=None) -> None:
        """Calls until the result is this; every call has one."""
        wanted = tokens.report_token(scenarios.value(result))

        async def look():
            request = await self._request("call", routine, *self._arguments(args), *self._options(pool))
            answer = await self.caller.answer(request)
            if answer[0] != "result":
                raise Mismatch(f"result {tokens.show(wanted)}", judge.show(answer))
            return answer[2] == wanted, Mismatch(f"result {tokens.show(wanted)}", judge.show(answer))

        await self._wait_for(look)

    async def down(self, message_has, pool=None) -> None:
        """A worker of the pool gets to be down, for a reason with these words."""

        async def look():
            workers = (await self._status(pool))["workers"]
            seen = [worker["problem"] for worker in workers if worker["state"] == "down"]
            return any(has(message_has, why) for why in seen), Mismatch(f"a worker down with {message_has}", str(workers))

        await self._wait_for(look)

    async def network_stop(self, worker, certificate, status, grace=60000) -> None:
        """Asks a worker over the network to stop, as any gRPC client can: by this certificate, `-` for none."""
        files = self.place.certificates.folder
        own = ["--cert", files / f"{certificate}.pem", "--key", files / f"{certificate}.key"] if certificate != "-" else []
        message = _varint_field(1, grace)
        try:
            process = await asyncio.create_subprocess_exec(
                *("curl", "--silent", "--show-error", "--noproxy", "*", "--http2", "--cacert", files / "ca.pem", *own),
                *("--header", "content-type: application/grpc", "--header", "te: trailers", "--data-binary", "@-"),
                *("--dump-header", "-"),
                f"https://{self.workers[worker].address}/wool.v1.Control/stop",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as problem:
            raise DriverError(f"curl cannot start: {problem}") from None
        told, _ = await process.communicate(b"\0" + len(message).to_bytes(4, "big") + message)
        text = told.decode(errors="replace")
        codes = [line.split(":")[1].strip() for line in text.splitlines() if line.lower().startswith("grpc-status:")]
        # Where the worker goes away after its answer, curl does not wait for the status.
        seen = [_GRPC_STATUS.get(code, code) for code in codes] or ["OK" if _EMPTY in told else "none"]
        if seen != [status]:
            raise Mismatch(f"gRPC status {status}", text.strip())


def _varint_field(number: int, value: int) -> bytes:
    """A field of a Protobuf message; 0 is left out."""
    if value == 0:
        return b""
    encoded = bytearray([number << 3])
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
