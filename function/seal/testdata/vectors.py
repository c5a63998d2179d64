"""Writes vectors.json: hashes and what Go and JavaScript must both say of them.

A third implementation of the seal, so that a mistake which Go and JavaScript
share still shows. Run it in this folder; its output never changes.
"""
import base64
import hashlib
import hmac
import json
import string

ALPHABET = string.ascii_letters + string.digits
KEYS = {n: "".join(ALPHABET[(n * 37 + i * 11) % 62] for i in range(64)) for n in (1, 2, 3, 254, 255)}
EXPIRY = 1_800_000_000
MAX = 2**32 - 1


def raw(n, expiry, fill=0, key=None, policy=0, audience=0):
    body = bytes([n]) + expiry.to_bytes(4, "big") + bytes([policy]) + audience.to_bytes(4, "big")
    body += bytes((fill >> i % 2 * 8) + 23 * i & 255 for i in range(6))
    return body + hmac.new((KEYS[n] if key is None else key).encode(), body, hashlib.sha256).digest()[:8]


def unkeyed(data):
    return hashlib.sha256(bytes(64) + data).digest()


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def flip(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


vectors = []


def add(name, hash, verdict, ring=(1, 2), now=EXPIRY - 1, expiry=EXPIRY, policy=0, audience=0):
    v = {"name": name, "keys": {n: KEYS[n] for n in ring}, "hash": hash, "now": now, "verdict": verdict}
    if verdict != "forged":
        v |= {"expiresAt": expiry, "policy": policy, "audience": audience}
    vectors.append(v)


good = raw(1, EXPIRY)
add("sealed by the first key", b64(good), "live")
add("sealed by the current of three keys", b64(raw(2, EXPIRY)), "live", (1, 2, 3))
add("sealed by the previous of three keys", b64(good), "live", (1, 2, 3))
add("sealed by the next of three keys", b64(raw(3, EXPIRY)), "live", (1, 2, 3))
add("sealed by the last generation there is", b64(raw(255, EXPIRY)), "live", (254, 255))
add("all random bytes high", b64(raw(1, EXPIRY, 240)), "live")
add("a seal with - and _", next(h for h in (b64(raw(1, EXPIRY, f)) for f in range(256)) if "-" in h and "_" in h), "live")
add("the last second of life", b64(good), "live", now=EXPIRY - 1)
add("the very second of expiry", b64(good), "expired", now=EXPIRY)
add("long expired", b64(good), "expired", now=MAX)
add("expired, sealed by the previous key", b64(good), "expired", (1, 2, 3), now=EXPIRY)
add("an expiry of zero", b64(raw(1, 0)), "expired", expiry=0)
add("the highest expiry there is", b64(raw(1, MAX)), "live", expiry=MAX)
add("the highest expiry there is, at its end", b64(raw(1, MAX)), "expired", now=MAX, expiry=MAX)
add("the sign bit of the expiry set", b64(raw(1, 2**31)), "live", now=EXPIRY, expiry=2**31)
add("an audience that no policy asks for", b64(raw(1, EXPIRY, audience=0x01020304)), "live", audience=0x01020304)
add("a policy that is not known yet", b64(raw(1, EXPIRY, policy=1)), "refused", policy=1)
add("the highest policy, with the highest audience", b64(raw(1, EXPIRY, policy=255, audience=MAX)), "refused", policy=255, audience=MAX)
add("a policy that is not known yet, expired", b64(raw(1, EXPIRY, policy=1)), "refused", now=EXPIRY, policy=1)

add("sealed by a key that was rotated out", b64(good), "forged", (2, 3))
add("sealed by a generation without a key", b64(raw(3, EXPIRY)), "forged")
add("generation zero", b64(raw(0, EXPIRY, key=KEYS[1])), "forged")
add("generation zero, sealed by an empty key", b64(raw(0, EXPIRY, key="")), "forged")
body = raw(0, EXPIRY, key=KEYS[1])[:16]
add("generation zero, hashed without any key", b64(body + unkeyed(unkeyed(body))[:8]), "forged")
add("an unknown generation, sealed by the current key", b64(raw(9, EXPIRY, key=KEYS[2])), "forged")
add("an unknown generation, sealed by the previous key", b64(raw(9, EXPIRY, key=KEYS[1])), "forged")
add("the current generation, sealed by the previous key", b64(raw(2, EXPIRY, key=KEYS[1])), "forged")
add("the previous generation, sealed by the current key", b64(raw(1, EXPIRY, key=KEYS[2])), "forged")
add("forged and long past", b64(flip(raw(1, 1), 191)), "forged")
for field, bit in (("generation", 3), ("expiry", 12), ("policy", 41), ("audience", 60), ("random part", 100),
                   ("seal's first byte", 128), ("seal's last byte", 191)):
    add(f"one bit of the {field} changed", b64(flip(good, bit)), "forged")
add("a later expiry under the old seal", b64(good[:1] + MAX.to_bytes(4, "big") + good[5:]), "forged")
add("the seal all zero", b64(good[:16] + bytes(8)), "forged")
add("the next eight bytes of the digest as seal",
    b64(good[:16] + hmac.new(KEYS[1].encode(), good[:16], hashlib.sha256).digest()[8:16]), "forged")
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
round_hash = next(b64(x) for x in (raw(1, EXPIRY, f) for f in range(65536)) if x[-1] == 0)
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
