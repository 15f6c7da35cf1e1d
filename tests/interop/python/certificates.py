"""Makes an authority, a certificate for routers, and those of clients.

usage: certificates.py DIRECTORY     NAME.pem and NAME.key for each, and authority.pem
"""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Authority:
    def __init__(self, common):
        self.name = name(common)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0))

    def sign(self, subject, public, constraints, *more):
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self.name, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(constraints, critical=True)
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, directory, common, file=None):
        """A certificate with this common name, which is its name as a host too, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(common)])
        end = x509.BasicConstraints(ca=False, path_length=None)
        certificate = self.sign(name(common), key.public_key(), end, names)
        put(directory / f"{file or common}.pem", certificate)
        form = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        (directory / f"{file or common}.key").write_bytes(pem)


def put(path, certificate):
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def main(directory):
    directory.mkdir()
    authority = Authority("Home")
    put(directory / "authority.pem", authority.certificate)
    for common in ("router.test", "kitchen"):
        authority.issue(directory, common)
    # The same name by an authority that nobody knows.
    Authority("Home").issue(directory, "kitchen", "stranger")


main(pathlib.Path(sys.argv[1]))
