"""Discovery is a hint, the handshake is the boundary: records that claim what is not so."""

from pathlib import Path

from conformance import msgpack

from .scene import Scene, call, down, serves, until, wanted

IDENTITY = "spiffe://wool.example/worker"
BELIEVED = "peer=spiffe://wool.example/*"


async def identities(scene: Scene) -> None:
    """A worker is known by its identity where the pool believes it, and only if its certificate holds it."""
    records = scene.folder / "records"
    true = await scene.worker("identity", f"identity={IDENTITY}", f"custom={records}")
    false = await scene.worker("own", f"identity={IDENTITY}", f"custom={records}")
    believing = await scene.caller("own", f"custom={records}", BELIEVED)
    answered = await call(believing, "conf.add", 2, 3, options=[f"worker={true.uid}"])
    wanted("the true one to serve", answered, answered.value == 5)
    await down(believing, false.address, "it does not hold the identity that its record claims")
    await serves(believing)
    doubting = await scene.caller("own", f"custom={records}", "peer=spiffe://else.example/*")
    await down(doubting, true.address, f'it is for {IDENTITY}, and not for "127.0.0.1"')
    # Of whom no more is believed than what the address says, which is true.
    answered = await call(doubting, "conf.add", 2, 3, options=[f"worker={false.uid}"])
    wanted("the one that is at its address to serve", answered, answered.value == 5)


async def forged(scene: Scene) -> None:
    """A forged record costs a failed connection: nobody is called who does not hold what it claims."""
    records = scene.folder / "records"
    true = await scene.worker("identity", f"identity={IDENTITY}", f"custom={records}")
    (stranger, plain) = await scene.worker("foreign"), await scene.worker(None)
    other = await scene.worker("own")
    record = _read(records / true.uid)
    made_up = {
        # Its uid, where it is, and what a caller says of it.
        "0192f8a0-0000-7000-8000-000000000001": (stranger, "it comes from no authority that is believed here"),
        "0192f8a0-0000-7000-8000-000000000002": (other, "it does not hold the identity that its record claims"),
        "0192f8a0-0000-7000-8000-000000000003": (plain, "it does not speak TLS at this port"),
    }
    for uid, (where, _) in made_up.items():
        _write(records, record, uid=uid, addresses=[where.address])
    insecure = "0192f8a0-0000-7000-8000-000000000004"
    _write(records, record, uid=insecure, addresses=[true.address], secure=False)
    caller = await scene.caller("own", f"custom={records}", BELIEVED)
    for where, words in made_up.values():
        await down(caller, where.address, words)
    reasons = await until(
        caller, "the record without TLS to be turned away", lambda seen: {one["key"]: one["reason"] for one in seen["turned_away"]}
    )
    wanted("it to be turned away as secure", reasons, reasons == {insecure: "secure"})
    for _ in range(10):
        answered = await call(caller, "conf.task")
        wanted("the true worker to serve", answered, answered.value and answered.value["worker"] == true.uid)


async def stolen(scene: Scene) -> None:
    """Who tells that a known worker is elsewhere takes none of its calls, with whatever certificate."""
    records = scene.folder / "records"
    true = await scene.worker("own", f"custom={records}")
    thieves = [await scene.worker("foreign"), await scene.worker("elsewhere"), await scene.worker(None)]
    caller = await scene.caller("own", f"custom={records}", "dispatch_timeout=60000")
    await serves(caller)
    record = _read(records / true.uid)
    for thief in thieves:
        _write(records, record, addresses=[thief.address])
        late = await scene.caller("own", f"custom={records}")
        await down(late, thief.address, "")
        await scene.end(late)
        await serves(caller)
    _write(records, record)
    late = await scene.caller("own", f"custom={records}")
    await serves(late)


def _read(file: Path) -> dict:
    """The record in a file of the drivers' own discovery."""
    return dict(msgpack.decode(bytes.fromhex(file.read_text().strip())).pairs)


def _write(folder: Path, record: dict, **changed) -> None:
    """Another one, hidden until it is whole."""
    record = record | changed
    hidden = folder / f".{record['uid']}"
    hidden.write_text(msgpack.encode(msgpack.Map(tuple(record.items()))).hex())
    hidden.rename(folder / record["uid"])


EVERYWHERE = (identities,)
ONCE = (forged, stolen)
