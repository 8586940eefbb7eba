"""Certificates of a cluster that lives as long as a test run."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs for everybody in one cluster, and keeps the files in one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test-cluster")
        builder = _builder(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.pair = self._write("ca", builder.sign(self._key, hashes.SHA256()), self._key)

    @property
    def certificate(self) -> Path:
        """Whom everybody trusts."""
        return self.pair.certificate

    def issue(self, name: str, *groups: str) -> Pair:
        """A certificate by which one is this user, in these groups, to the API server. As a server it is 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = _builder(_name(name, *groups), self._name, key)
        certificate = builder.add_extension(address, False).add_extension(usage, False).sign(self._key, hashes.SHA256())
        return self._write(name.replace(":", "-"), certificate, key)

    def key(self, name: str) -> Path:
        """A private key without a certificate, by which the API server signs the tokens of ServiceAccounts."""
        return self._keep(f"{name}.key", _pem(ec.generate_private_key(ec.SECP256R1())))

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
        public = certificate.public_bytes(serialization.Encoding.PEM)
        return Pair(self._keep(f"{name}.crt", public), self._keep(f"{name}.key", _pem(key)))

    def _keep(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.touch(0o600)
        path.write_bytes(content)
        return path


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    clear = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, clear)


def _name(name: str, *groups: str) -> x509.Name:
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    valid = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=2))
    return valid.serial_number(x509.random_serial_number())
