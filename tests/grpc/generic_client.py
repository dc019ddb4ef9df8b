"""Asks a worker of each language, over reflection only, which services it has, and calls them by what it learned."""

import subprocess
import sys
import tomllib
from pathlib import Path

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

ROOT = Path(__file__).parents[2]
WATCHDOG = 30  # seconds a call may take
SERVICES = [
    "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", "wool.v1.Catalog", "wool.v1.Control", "wool.v1.Session",
]


class Check:
    """Counts what holds; says what does not."""

    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, what, found, expected):
        if found == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what}: found {found!r}, expected {expected!r}")


def call(channel, pool, service, method):
    """Calls a unary method with an empty request, by the descriptors that reflection gave."""
    described = pool.FindServiceByName(service).methods_by_name[method]
    request = message_factory.GetMessageClass(described.input_type)()
    answer = message_factory.GetMessageClass(described.output_type)
    stub = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    return stub(request, timeout=WATCHDOG)


def look_at(language, command, check):
    driver = subprocess.Popen(
        [*command, "worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        ready = driver.stdout.readline().split()
        check.equal(f"{language} is ready", ready[:1], ["ready"])
        _, address, uid = ready
        with grpc.insecure_channel(address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            check.equal(f"{language} services", sorted(database.get_services()), SERVICES)
            pool = descriptor_pool.DescriptorPool(database)
            worker = call(channel, pool, "wool.v1.Catalog", "describe")
            check.equal(f"{language} uid", worker.worker.uid, uid)
            check.equal(f"{language} language", worker.worker.language, language)
            check.equal(f"{language} addresses", list(worker.worker.addresses), [address])
            kinds = {routine.name: routine.kind for routine in worker.routines}
            check.equal(f"{language} conf.add is unary", kinds.get("conf.add"), 1)
            check.equal(f"{language} conf.count is a stream", kinds.get("conf.count"), 2)
            health = health_pb2_grpc.HealthStub(channel)
            for service in ("", "wool.v1.Session"):
                status = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=WATCHDOG)
                check.equal(f"{language} health of {service!r}", status.status, health_pb2.HealthCheckResponse.SERVING)
            print(f"{language}: {len(kinds)} routines, services {', '.join(SERVICES)}")
    finally:
        driver.stdin.close()
        try:
            driver.wait(WATCHDOG)
        except subprocess.TimeoutExpired:
            driver.kill()
            check.equal(f"{language} ends when its input does", False, True)


def main():
    drivers = tomllib.loads((ROOT / "tests/drivers/drivers.toml").read_text())
    check = Check()
    for language, driver in drivers.items():
        look_at(language, driver["command"], check)
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed or not check.passed else 0


if __name__ == "__main__":
    sys.exit(main())
