"""Certificates as openssl makes them: good ones of every kind, and all that are not to be believed."""

import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

# Who is not known by name elsewhere.
HERE = ("127.0.0.1", "localhost")
DAY = timedelta(days=1)

_CONFIG = """\
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
default_md = sha256
default_days = 7
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
"""

_KEYS = {
    "p256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "rsa1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
    "ed25519": ("-algorithm", "ED25519"),
}


def openssl(*arguments: str) -> None:
    """Runs openssl; raises with what it said when that fails."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr.strip()}")


class Authority:
    """Signs; with an `issuer`, is signed by that one."""

    def __init__(self, folder: Path, name: str, issuer=None):
        self.name = name
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "index").touch()
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=folder))
        self.certificate, self.key = folder / "ca.pem", folder / "ca.key"
        openssl("genpkey", *_KEYS["p256"], "-out", str(self.key))
        extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        (issuer or self).sign(self.key, self.certificate, name, extensions, self_signed=issuer is None)

    def issue(self, to: Path, name: str, names=HERE, kind="p256", **how) -> None:
        """Makes `NAME.key` and `NAME.pem` in a folder; `how` as with `sign_leaf`."""
        key = to / f"{name}.key"
        openssl("genpkey", *_KEYS[kind], "-out", str(key))
        self.sign_leaf(key, to / f"{name}.pem", names, **how)

    def sign_leaf(self, key: Path, to: Path, names=HERE, usages=("serverAuth", "clientAuth"), common_name="wool", **how) -> None:
        """Makes a certificate for a key: for these names (addresses, URIs, DNS names), usages, and as `sign` says."""
        extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"]
        extensions.append("extendedKeyUsage=" + ",".join(usages))
        if names:
            extensions.append("subjectAltName=" + ",".join(map(_alternative, names)))
        self.sign(key, to, common_name, extensions, **how)

    def sign(self, key: Path, to: Path, common_name: str, extensions, begins=-DAY, ends=7 * DAY, digest="sha256", self_signed=False) -> None:
        """`begins` and `ends`: from now."""
        request, config = self.folder / "request", self.folder / "extensions"
        config.write_text("\n".join(["[all]", "subjectKeyIdentifier=hash", *extensions]) + "\n")
        subject = f"/CN={common_name}"
        openssl("req", "-new", "-config", str(self._config), "-key", str(key), "-subj", subject, "-out", str(request))
        issuer = ["-selfsign", "-keyfile", str(key)] if self_signed else ["-cert", str(self.certificate), "-keyfile", str(self.key)]
        now = datetime.now(timezone.utc)
        openssl(
            "ca", "-batch", "-notext", "-config", str(self._config), *issuer, "-in", str(request), "-out", str(to), "-md", digest,
            "-startdate", _time(now + begins), "-enddate", _time(now + ends), "-extfile", str(config), "-extensions", "all",
        )


def _alternative(name: str) -> str:
    if "://" in name:
        return f"URI:{name}"
    return f"IP:{name}" if name.replace(".", "").isdigit() else f"DNS:{name}"


def _time(when: datetime) -> str:
    return when.strftime("%Y%m%d%H%M%SZ")


def copied(folder: Path, name: str, certificate: str, key=None) -> None:
    """`NAME.pem` and `NAME.key` of these PEM texts, or of the key of another name."""
    (folder / f"{name}.pem").write_text(certificate)
    (folder / f"{name}.key").write_text(key)


def good_kinds(folder: Path, authority: Authority) -> None:
    """One name for each kind of certificate and key that has to work, as `GOOD` lists them."""
    for kind in ("p256", "p384", "rsa", "ed25519"):
        authority.issue(folder, kind, kind=kind)
    below = Authority(folder / "below", "the authority in between", issuer=authority)
    below.issue(folder, "alone")
    chain = (folder / "alone.pem").read_text() + below.certificate.read_text()
    copied(folder, "chain", chain, (folder / "alone.key").read_text())
    for name, of, command in (("pkcs1", "rsa", ("rsa", "-traditional")), ("sec1", "p256", ("ec",))):
        openssl(*command, "-in", str(folder / f"{of}.key"), "-out", str(folder / f"{name}.key"))
        (folder / f"{name}.pem").write_text((folder / f"{of}.pem").read_text())
    # As older guides make it: what the curve is comes first.
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", str(folder / "parameters.key"))
    authority.sign_leaf(folder / "parameters.key", folder / "parameters.pem")


GOOD = ("p256", "p384", "rsa", "ed25519", "chain", "pkcs1", "sec1", "parameters")


def bad_kinds(folder: Path, authority: Authority) -> None:
    """One name for each way not to be believed."""
    stranger = Authority(folder / "stranger", "a stranger")
    stranger.issue(folder, "foreign")
    authority.issue(folder, "expired", begins=-2 * DAY, ends=-DAY)
    authority.issue(folder, "early", begins=DAY, ends=2 * DAY)
    authority.issue(folder, "elsewhere", names=("worker.example",))
    authority.issue(folder, "nameless", names=(), common_name="127.0.0.1")
    authority.issue(folder, "clientonly", usages=("clientAuth",))
    authority.issue(folder, "serveronly", usages=("serverAuth",))
    authority.issue(folder, "weak", kind="rsa1024")
    authority.issue(folder, "large", names=[*HERE, *(f"name-{number}.{'x' * 50}.example" for number in range(1500))])
    openssl("genpkey", *_KEYS["p256"], "-out", str(folder / "own-word.key"))
    authority.sign_leaf(folder / "own-word.key", folder / "own-word.pem", self_signed=True)


def make(folder: Path) -> None:
    """All that the checks need: `ca.pem`, and for each name NAME.pem and NAME.key, as drivers take them."""
    authority = Authority(folder / "authority", "the authority of the checks")
    (folder / "ca.pem").write_text(authority.certificate.read_text())
    authority.issue(folder, "own", names=(*HERE, "own.wool.example"))
    authority.issue(folder, "admin", names=("admin.ops.example",))
    authority.issue(folder, "guest", names=("guest.else.example",))
    authority.issue(folder, "identity", names=("spiffe://wool.example/worker",))
    good_kinds(folder, authority)
    bad_kinds(folder, authority)


def made_by_rcgen(program: Path, folder: Path) -> None:
    """As `make certs` makes them."""
    subprocess.run([program, folder, "own", *HERE, "own.wool.example"], check=True, stdout=subprocess.DEVNULL)
