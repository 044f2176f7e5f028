"""Writes the sampling that a GGUF file recommends into its header: python3 recommend.py FILE... Tensors stay as they are."""
import struct, sys

KEY, FLOAT32, TEMPERATURE = "general.sampling.temp", 6, 0.0
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

def string(b, at):
    (n,) = struct.unpack_from("<Q", b, at)
    return b[at + 8:at + 8 + n].decode(), at + 8 + n

def skip(b, at, kind):
    if kind == 8:
        return string(b, at)[1]
    if kind != 9:
        return at + SIZES[kind]
    of, n = struct.unpack_from("<IQ", b, at)
    at += 12
    for _ in range(n):
        at = skip(b, at, of)
    return at

def recommend(path):
    b = open(path, "rb").read()
    tensors, pairs = struct.unpack_from("<QQ", b, 8)
    at, after_general, names = 24, 24, []
    for _ in range(pairs):
        name, value = string(b, at)
        at = skip(b, value + 4, struct.unpack_from("<I", b, value)[0])
        names.append(name)
        if name.startswith("general."):
            after_general = at
    if KEY in names:
        return
    for _ in range(tensors):
        _, at = string(b, at)
        (dimensions,) = struct.unpack_from("<I", b, at)
        at += 4 + 8 * dimensions + 12
    data = -(-at // 32) * 32  # The tensors begin at a multiple of 32, and their offsets count from there.
    name = KEY.encode()
    pair = struct.pack("<Q", len(name)) + name + struct.pack("<If", FLOAT32, TEMPERATURE)
    header = b[:16] + struct.pack("<Q", pairs + 1) + b[24:after_general] + pair + b[after_general:at]
    open(path, "wb").write(header + b"\0" * (-len(header) % 32) + b[data:])

for path in sys.argv[1:]:
    recommend(path)
