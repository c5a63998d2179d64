"""Writes vectors.json: links, audiences and tickets, and what Go and JavaScript must both say of them.

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
add("a bound link", b64(raw(1, EXPIRY, policy=1, audience=0x01020304)), "bound", policy=1, audience=0x01020304)
add("a bound link, expired", b64(raw(1, EXPIRY, policy=1, audience=MAX)), "expired", now=EXPIRY, policy=1, audience=MAX)
add("a policy that is not known yet", b64(raw(1, EXPIRY, policy=2)), "refused", policy=2)
add("the highest policy, with the highest audience", b64(raw(1, EXPIRY, policy=255, audience=MAX)), "refused", policy=255, audience=MAX)
add("a policy that is not known yet, expired", b64(raw(1, EXPIRY, policy=2)), "refused", now=EXPIRY, policy=2)

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

AUDIENCE_KEY = "".join(ALPHABET[(5 + i * 13) % 62] for i in range(64))
B64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
WORDS = b"viewer ticket 1\n"
SESSION = bytes(range(0xf0, 0xf8))


def audience(name):
    if isinstance(name, bytes):
        return name
    return hmac.new(AUDIENCE_KEY.encode(), name.encode(), hashlib.sha256).digest()[:4]


audiences = [{"name": n, "key": AUDIENCE_KEY, "audience": audience(n).hex()} for n in (
    "simple-chat", "simple-chat/room-42", "simple-chat/room-43", "discussion", "a", "a/b", "a/" + "x" * 128,
    "chat/user:7@example.com", "chat/A.B_c-d")]


def ticket(n, expiry, names, key=None, words=WORDS, session=SESSION, seal=16):
    body = bytes([n]) + expiry.to_bytes(4, "big") + session + b"".join(map(audience, names))
    return body + hmac.new((KEYS[n] if key is None else key).encode(), words + body, hashlib.sha256).digest()[:seal]


ROOM, OTHER, SERVICE = "simple-chat/room-42", "simple-chat/room-43", "simple-chat"
MANY = ["simple-chat/room-%d" % i for i in range(11, 43)]
tickets = []


def show(name, text, verdict, names=(ROOM,), bound=ROOM, ring=(1, 2), now=EXPIRY - 1, expiry=EXPIRY, session=SESSION):
    """Shows a ticket beside a link of the first key that is bound to an audience."""
    link = b64(raw(1, MAX, policy=1, audience=int.from_bytes(audience(bound), "big")))
    v = {"name": name, "keys": {n: KEYS[n] for n in ring}, "link": link, "ticket": text, "now": now, "verdict": verdict}
    if verdict != "forged":
        v |= {"expiresAt": expiry, "session": session.hex(), "audiences": [audience(n).hex() for n in names]}
    tickets.append(v)


t = ticket(1, EXPIRY, [ROOM])
text = b64(t)
show("one audience", text, "admitted")
show("the key that the link was not sealed with", b64(ticket(2, EXPIRY, [ROOM])), "admitted")
show("the first of two audiences", b64(ticket(1, EXPIRY, [ROOM, OTHER])), "admitted", [ROOM, OTHER])
show("the last of three audiences", b64(ticket(1, EXPIRY, [SERVICE, OTHER, ROOM])), "admitted", [SERVICE, OTHER, ROOM])
show("the last of all audiences that a ticket can have", b64(ticket(1, EXPIRY, MANY)), "admitted", MANY)
show("the same audience twice", b64(ticket(1, EXPIRY, [ROOM, ROOM])), "admitted", [ROOM, ROOM])
show("the whole service, for a link of the service", b64(ticket(1, EXPIRY, [SERVICE])), "admitted", [SERVICE], SERVICE)
show("the last second of life", text, "admitted", now=EXPIRY - 1)
show("an expiry past the sign bit", b64(ticket(1, 2**31, [ROOM])), "admitted", now=EXPIRY, expiry=2**31)
show("a session of zeros", b64(ticket(1, EXPIRY, [ROOM], session=bytes(8))), "admitted", session=bytes(8))
show("another audience", b64(ticket(1, EXPIRY, [OTHER])), "not admitted", [OTHER])
show("the whole service, for a link of one room", b64(ticket(1, EXPIRY, [SERVICE])), "not admitted", [SERVICE])
show("one room, for a link of the service", text, "not admitted", bound=SERVICE)
across = [b"\0\0" + audience(ROOM)[:2], audience(ROOM)[2:] + b"\0\0"]
show("the audience across two others", b64(ticket(1, EXPIRY, across)), "not admitted", across)
show("the very second of expiry", text, "expired", now=EXPIRY)
show("long expired", text, "expired", now=MAX - 1)
show("an expiry of zero", b64(ticket(1, 0, [ROOM])), "expired", expiry=0)
show("expired, and for another audience", b64(ticket(1, EXPIRY, [OTHER])), "expired", [OTHER], now=EXPIRY)

show("nothing", "", "forged")
show("a key that was rotated out", b64(ticket(254, EXPIRY, [ROOM])), "forged")
show("a key that is none", b64(ticket(1, EXPIRY, [ROOM], key=KEYS[2])), "forged")
show("an empty key", b64(ticket(0, EXPIRY, [ROOM], key="")), "forged")
show("the audiences' key", b64(ticket(1, EXPIRY, [ROOM], key=AUDIENCE_KEY)), "forged")
show("sealed without the words", b64(ticket(1, EXPIRY, [ROOM], words=b"")), "forged")
show("sealed with other words", b64(ticket(1, EXPIRY, [ROOM], words=b"viewer ticket 2\n")), "forged")
show("no audience", b64(ticket(1, EXPIRY, [])), "forged")
show("one audience too many", b64(ticket(1, EXPIRY, MANY + [SERVICE])), "forged")
for what, body in (("half an audience", t[:15]), ("an audience and a half", t[:17] + t[13:15])):
    show(what, b64(body + hmac.new(KEYS[1].encode(), WORDS + body, hashlib.sha256).digest()[:16]), "forged")
show("a short seal", b64(ticket(1, EXPIRY, [ROOM], seal=12)), "forged")
show("a long seal", b64(ticket(1, EXPIRY, [ROOM], seal=20)), "forged")
show("the seal all zero", b64(t[:17] + bytes(16)), "forged")
show("an audience added under the old seal", b64(t[:17] + audience(OTHER) + t[17:]), "forged")
show("a later expiry under the old seal", b64(t[:1] + MAX.to_bytes(4, "big") + t[5:]), "forged")
show("an unbound link", b64(good), "forged")
show("a bound link", b64(raw(1, EXPIRY, policy=1, audience=int.from_bytes(audience(ROOM), "big"))), "forged")
linklike = t[:17] + hmac.new(KEYS[1].encode(), t[:17], hashlib.sha256).digest()[:16]
show("sealed as a link is", b64(linklike), "forged")
for i in range(len(t)):
    show("byte %d changed" % i, b64(flip(t, 8 * i + i % 8)), "forged")
show("a letter short", text[:-1], "forged")
show("a letter long", text + "A", "forged")
show("twice", text + text, "forged")
show("a line end at the end", text + "\n", "forged")
show("line ends inside", text[:8] + "\r\n" + text[8:], "forged")
show("a space in front", " " + text, "forged")
show("in quotes", '"' + text + '"', "forged")
show("percent encoded", "%" + format(ord(text[0]), "02X") + text[1:], "forged")
show("the other base64 alphabet", b64(ticket(1, EXPIRY, [ROOM], session=b"\xff" * 8)).replace("_", "/"), "forged")
two = ticket(1, EXPIRY, [ROOM, OTHER])
show("padded", b64(two) + "==", "forged")
last = b64(two)[-1]  # stands for four bits too many, which are zero
show("another spelling of its last bits", b64(two)[:-1] + B64[B64.index(last) + 1], "forged")
show("a letter that looks like another", text[:5] + "\u0410" + text[6:], "forged")
show("letters of another script", "\u00e9" * 44, "forged")

with open("vectors.json", "w", encoding="ascii") as out:
    json.dump({"links": vectors, "audiences": audiences, "tickets": tickets}, out, indent=1)
    out.write("\n")
