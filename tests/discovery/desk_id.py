"""Prints the id of a desktop from its identity file: computed here from the specification, not by our own code.

RFC 8032 gives the public key of a seed; the id is the first 16 hexadecimal digits of SHA-256("deskconn-did/1" + key).
"""

import hashlib
import sys

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P


def add(one, other):
    """Adds two points of the curve in extended coordinates (RFC 8032, section 5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def public_key(seed):
    """The public key of a seed (RFC 8032, section 5.1.5)."""
    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    scalar = (scalar & ((1 << 254) - 8)) | (1 << 254)
    y = 4 * pow(5, P - 2, P) % P
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x % 2:
        x = P - x
    point, total = (x, y, 1, x * y % P), (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    inverse = pow(total[2], P - 2, P)
    x, y = total[0] * inverse % P, total[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


with open(sys.argv[1], encoding="ascii") as file:
    key = public_key(bytes.fromhex(file.read().strip()))
print(hashlib.sha256(b"deskconn-did/1" + key).hexdigest()[:16])
