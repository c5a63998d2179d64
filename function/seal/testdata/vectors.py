"""Writes vectors.json: hashes and what Go and JavaScript must both say of them.

A third implementation of the seal, so that a mistake which Go and JavaScript
share still shows. Run it in this folder; its output never changes.
"""
import base64
import hashlib
import hmac
import json

KEYS = {n: bytes((n * 37 + i * 11) & 255 for i in range(32)) for n in (1, 2, 3, 255)}
EXPIRY = 1_800_000_000
MAX = 2**32 - 1


def text(n):
    return f"{n}:{KEYS[n].hex()}"


def raw(n, expiry, fill=0, secret=None):
    body = bytes([n]) + expiry.to_bytes(4, "big") + bytes((fill + 23 * i) & 255 for i in range(11))
    return body + hmac.new(secret or KEYS[n], body, hashlib.sha256).digest()[:8]


def unkeyed(data):
    return hashlib.sha256(bytes(64) + data).digest()


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def flip(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


vectors = []


def add(name, hash, verdict, current=1, previous=None, now=EXPIRY - 1, expiry=EXPIRY):
    v = {"name": name, "current": text(current), "hash": hash, "now": now, "verdict": verdict}
    if previous:
        v["previous"] = text(previous)
    if verdict != "forged":
        v["expiresAt"] = expiry
    vectors.append(v)


good = raw(1, EXPIRY)
add("sealed by the only key", b64(good), "live")
add("sealed by the current of two keys", b64(raw(2, EXPIRY)), "live", 2, 1)
add("sealed by the previous key", b64(good), "live", 2, 1)
add("sealed by the highest key id", b64(raw(255, EXPIRY)), "live", 255)
add("all random bytes high", b64(raw(1, EXPIRY, 240)), "live")
add("a seal with - and _", next(h for h in (b64(raw(1, EXPIRY, f)) for f in range(256)) if "-" in h and "_" in h), "live")
add("the last second of life", b64(good), "live", now=EXPIRY - 1)
add("the very second of expiry", b64(good), "expired", now=EXPIRY)
add("long expired", b64(good), "expired", now=MAX)
add("expired, sealed by the previous key", b64(good), "expired", 2, 1, now=EXPIRY)
add("an expiry of zero", b64(raw(1, 0)), "expired", expiry=0)
add("the highest expiry there is", b64(raw(1, MAX)), "live", expiry=MAX)
add("the highest expiry there is, at its end", b64(raw(1, MAX)), "expired", now=MAX, expiry=MAX)
add("the sign bit of the expiry set", b64(raw(1, 2**31)), "live", now=EXPIRY, expiry=2**31)

add("sealed by a key that was rotated out", b64(good), "forged", 3, 2)
add("sealed by an unknown key id", b64(raw(2, EXPIRY)), "forged")
add("key id zero", b64(raw(0, EXPIRY, secret=KEYS[1])), "forged")
add("key id zero, sealed by an empty key", b64(raw(0, EXPIRY, secret=b"\0" * 32)), "forged")
body = raw(0, EXPIRY, secret=KEYS[1])[:16]
add("key id zero, hashed without any key", b64(body + unkeyed(unkeyed(body))[:8]), "forged")
add("an unknown id, sealed by the current key", b64(raw(9, EXPIRY, secret=KEYS[2])), "forged", 2, 1)
add("an unknown id, sealed by the previous key", b64(raw(9, EXPIRY, secret=KEYS[1])), "forged", 2, 1)
add("the right id, sealed by another key", b64(raw(1, EXPIRY, secret=KEYS[2])), "forged")
add("the current id, sealed by the previous key", b64(raw(2, EXPIRY, secret=KEYS[1])), "forged", 2, 1)
add("the previous id, sealed by the current key", b64(raw(1, EXPIRY, secret=KEYS[2])), "forged", 2, 1)
add("forged and long past", b64(flip(raw(1, 1), 191)), "forged")
for field, bit in (("key id", 3), ("expiry", 12), ("random part", 60), ("seal's first byte", 128), ("seal's last byte", 191)):
    add(f"one bit of the {field} changed", b64(flip(good, bit)), "forged")
add("a later expiry under the old seal", b64(good[:1] + MAX.to_bytes(4, "big") + good[5:]), "forged")
add("the seal all zero", b64(good[:16] + bytes(8)), "forged")
add("the next eight bytes of the digest as seal",
    b64(good[:16] + hmac.new(KEYS[1], good[:16], hashlib.sha256).digest()[8:16]), "forged")
add("all zero", b64(bytes(24)), "forged")
add("all ones", b64(b"\xff" * 24), "forged")

h = b64(good)
add("empty", "", "forged")
add("one character short", h[:-1], "forged")
add("one character long", h + "A", "forged")
add("twice", h + h, "forged")
add("padded", h[:-1] + "=", "forged")
add("padding added", h + "=", "forged")
add("the other base64 alphabet", next(x for x in (b64(raw(1, EXPIRY, f)) for f in range(256)) if "-" in x).replace("-", "+"), "forged")
add("a line end at the end", h[:-1] + "\n", "forged")
round_hash = next(b64(x) for x in (raw(1, EXPIRY, f) for f in range(256)) if x[-1] == 0)
add("a seal that ends in a zero byte", round_hash, "live")
add("a line end for that zero byte", round_hash[:-1] + "\n", "forged")
add("padding for that zero byte", round_hash[:-1] + "=", "forged")
add("nothing for that zero byte", round_hash[:-1], "forged")
add("a line end added", h + "\n", "forged")
add("line ends inside", h[:14] + "\n\r\n\r" + h[18:], "forged")
add("a space in front", " " + h[1:], "forged")
add("a zero byte at the end", h[:-1] + "\0", "forged")
add("a slash inside", h[:16] + "/" + h[17:], "forged")
add("percent encoded", "%" + format(ord(h[0]), "02X") + h[1:], "forged")
add("percent encoded, cut to the length", ("%" + format(ord(h[0]), "02X") + h[1:])[:32], "forged")
add("upper case", h.upper(), "forged")
add("lower case", h.lower(), "forged")
add("a letter that looks like another", h[:5] + "\u0410" + h[6:], "forged")
add("32 letters of another script", "\u00e9" * 32, "forged")

with open("vectors.json", "w", encoding="ascii") as out:
    json.dump(vectors, out, indent=1)
    out.write("\n")
