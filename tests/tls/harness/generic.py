"""A generic gRPC client, grpcio, with certificates of the same authority: what any tool that speaks gRPC can do."""

import asyncio
from contextlib import contextmanager

import grpc
from conformance import tokens
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from .scene import Scene, serves, until, wanted

# How long a call may take, seconds.
WATCHDOG = 60


@contextmanager
def _channel(scene: Scene, address: str, name):
    """A channel that presents the certificate of that name; `None`: none."""
    read = lambda file: (scene.certificates / file).read_bytes()  # noqa: E731
    own = (None, None) if name is None else (read(f"{name}.key"), read(f"{name}.pem"))
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(read("ca.pem"), *own)) as channel:
        yield channel


def _call(channel, service: str, method: str, **fields):
    """Calls a unary method by the descriptors that reflection gives."""
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    described = pool.FindServiceByName(service).methods_by_name[method]
    request = message_factory.GetMessageClass(described.input_type)(**fields)
    answer = message_factory.GetMessageClass(described.output_type)
    stub = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    return stub(request, timeout=WATCHDOG)


def _refused(scene: Scene, address: str, name, *what, **fields) -> tuple:
    """The status and message of a call that must fail."""
    with _channel(scene, address, name) as channel:
        try:
            answered = _call(channel, *what, **fields)
        except grpc.RpcError as error:
            return error.code().name, error.details()
    return "OK", str(answered)


def _look_at(scene: Scene, worker, name) -> None:
    """Lists, describes and asks for the health of a worker."""
    with _channel(scene, worker.address, name) as channel:
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
        wanted("the catalog to be listed", services, "wool.v1.Catalog" in services and "grpc.health.v1.Health" in services)
        described = _call(channel, "wool.v1.Catalog", "describe")
        wanted(f"the worker {worker.uid} that serves with TLS", described.worker, described.worker.uid == worker.uid)
        routines = {routine.name for routine in described.routines}
        wanted("its routines", routines, "conf.add" in routines)
        request = health_pb2.HealthCheckRequest(service="wool.v1.Session")
        status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=WATCHDOG).status
        wanted("a healthy worker", status, status == health_pb2.HealthCheckResponse.SERVING)


async def mutual(scene: Scene) -> None:
    """grpcio with a certificate looks at a worker; without one, or with a stranger's, it gets nothing."""
    worker = await scene.worker()
    for name in ("own", "rsa", "chain"):
        await asyncio.to_thread(_look_at, scene, worker, name)
    for name in (None, "foreign", "expired", "serveronly"):
        refused = await asyncio.to_thread(_refused, scene, worker.address, name, "wool.v1.Catalog", "describe")
        wanted(f"no connection with the certificate {name}", refused, refused[0] == "UNAVAILABLE")


async def kinds(scene: Scene) -> None:
    """grpcio looks at workers with certificates of each kind that it knows."""
    for name in ("rsa", "p384", "chain"):
        await asyncio.to_thread(_look_at, scene, await scene.worker(name), "own")


async def one_way(scene: Scene) -> None:
    """A worker that asks for no certificates is looked at without one."""
    worker = await scene.worker("own", "one_way=1")
    await asyncio.to_thread(_look_at, scene, worker, None)


async def stop(scene: Scene) -> None:
    """A worker is stopped over the network by those whom it names, and by nobody where it names none."""
    control = ("wool.v1.Control", "stop")
    closed = await scene.worker()
    refused = await scene.cannot_start("worker", "own", "one_way=1", f"stopper={tokens.text('*')}")
    wanted("no stop by whoever has no name", refused, refused.kind == "INVALID_ARGUMENT")
    opened = await scene.worker("own", "stopper=" + tokens.text("*.ops.example"))
    for worker, name in ((closed, "admin"), (opened, "guest"), (opened, "own")):
        refused = await asyncio.to_thread(_refused, scene, worker.address, name, *control, grace_ms=0)
        wanted(f"PERMISSION_DENIED for {name}", refused, refused[0] == "PERMISSION_DENIED" and refused[1])
        caller = await scene.caller("own", f"address={worker.address}")
        await serves(caller)
    with _channel(scene, opened.address, "admin") as channel:
        await asyncio.to_thread(_call, channel, *control, grace_ms=0)
    await until(caller, "the worker to have stopped", lambda seen: [one for one in seen["workers"] if one["state"] == "down"])


EVERYWHERE = (mutual, one_way, stop)
ONCE = (kinds,)
