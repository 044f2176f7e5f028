"""Trains Judge further on the requests and answers of judging.py: python3 tune_judge.py SECONDS FROM.gguf TO.gguf [LEARNING_RATE [easy | SHARE_OF_TALK]]

With `easy`, only answers of corpus.py are checked; the share is that of conversations that neither sort nor check. What does best on the templates
that are kept out of the training is written. Needs what train.py needs."""
import math, random, struct, sys, time, zlib
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
import corpus, judging, train

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
NAMES = {"token_embd.weight": "e.weight", "output_norm.weight": "n.w"}
PARTS = {"attn_norm": "n1.w", "ffn_norm": "n2.w", "attn_q": "q.weight", "attn_k": "k.weight", "attn_v": "v.weight",
         "attn_output": "o.weight", "ffn_gate": "g.weight", "ffn_up": "u.weight", "ffn_down": "d.weight"}
LABELS = list(judging.REQUESTS)
ROW, ROWS = 256, 6
IS_EASY = "easy" in sys.argv
TALK = float(sys.argv[5]) if len(sys.argv) > 5 and not IS_EASY else .1

def read_gguf(path):
    """The tokens, the merges and the weights of a file that train.py has written."""
    b = open(path, "rb").read()
    tensors, pairs = struct.unpack_from("<QQ", b, 8)
    def text(at):
        (n,) = struct.unpack_from("<Q", b, at)
        return b[at + 8:at + 8 + n].decode(), at + 8 + n
    at, kept = 24, {}
    for _ in range(pairs):
        key, at = text(at)
        (kind,) = struct.unpack_from("<I", b, at)
        at += 4
        if kind == 8: _, at = text(at)
        elif kind == 9:
            of, n = struct.unpack_from("<IQ", b, at)
            at += 12
            items = []
            for _ in range(n):
                if of == 8:
                    item, at = text(at)
                    items.append(item)
                else: at += SIZES[of]
            kept[key] = items
        else: at += SIZES[kind]
    found = []
    for _ in range(tensors):
        name, at = text(at)
        (dims,) = struct.unpack_from("<I", b, at)
        shape = struct.unpack_from(f"<{dims}Q", b, at + 4)
        kind, offset = struct.unpack_from("<IQ", b, at + 4 + 8 * dims)
        at += 4 + 8 * dims + 12
        found.append((name, tuple(reversed(shape)), kind, offset))
    data, weights = -(-at // 32) * 32, {}
    for name, shape, kind, offset in found:
        n, start = math.prod(shape), data + offset
        if kind == 0: a = np.frombuffer(b, np.float32, n, start)
        elif kind == 1: a = np.frombuffer(b, np.float16, n, start).astype(np.float32)
        else:
            q = np.frombuffer(b, np.uint8, n // 32 * 34, start).reshape(-1, 34)
            a = (q[:, :2].copy().view(np.float16).astype(np.float32) * q[:, 2:].copy().view(np.int8)).reshape(-1)
        if name not in NAMES:
            _, block, part, _ = name.split(".")
            name = f"b.{block}.{PARTS[part]}"
        else: name = NAMES[name]
        weights[name] = torch.tensor(a.reshape(shape).copy())
    merges = [tuple(m.split(" ", 1)) for m in kept["tokenizer.ggml.merges"]]
    return kept["tokenizer.ggml.tokens"], merges, weights

def request(r, kept_out=False, label=None):
    if r.random() < .8 or kept_out: return judging.request(r, kept_out, label)
    while True:
        question, _, found = corpus.single(r, "Judge")
        if label in (None, found): return corpus.vary(r, question), found

FOLLOW_UPS = ["And why?", "why?", "More", "Again", "and now?", "Go on", "Explain that", "Once more", "Really?", "Are you sure?", "Shorter please", "In other words", "Another one", "how so?", "and then?", "what else?", "Try again", "next", "Continue", "Why not?"]

def routing(r, labels):
    """A request and its label; one of a few words follows the request before it, as in router-prompt.ts."""
    text, label = request(r, label=r.choice(labels))
    k = r.random()
    if k > .15: return [("user", text), ("assistant", label)]
    before = [("user", text), ("assistant", label)]
    if k < .11: return before + [("user", r.choice(FOLLOW_UPS)), ("assistant", label)]
    while True:
        text, label = request(r, label=r.choice(labels))
        if len(text.split()) <= 3: return before + [("user", text), ("assistant", label)]

def is_kept_out(question, answer):
    return zlib.crc32(f"{question}|{answer}".encode()) % 5 == 0

def checking(r, kept_out=False):
    """A checked answer. A fifth of all pairs is kept out too, whatever template they come from."""
    is_easy = r.random() < (1 if IS_EASY else .7)
    while True:
        question, answer, fits = judging.easily_checked(r) if is_easy else judging.checked(r, kept_out)
        if is_kept_out(question, answer) == kept_out: break
    if r.random() < .5: question = corpus.vary(r, question)
    said = "PASS: the answer fits the question." if fits else "FAIL: the answer does not fit the question."
    return [("user", f"Question: {question}\nAnswer: {answer}"), ("assistant", said)]

def router_system(r):
    """The names of the labels in the order of the benchmark, of the app, or any; sometimes fewer of them, or with descriptions."""
    k, labels = r.random(), LABELS[:]
    if k > .5: labels = ["code", "chat", "math", "memory"]
    if k > .8: r.shuffle(labels)
    if k > .92: labels = labels[:r.choice([2, 3])]
    text = f"You sort requests. Reply with one label: {', '.join(labels)}."
    if k > .95: text += "".join(f"\n{name}: {DESCRIPTIONS[name]}" for name in labels)
    return text, labels

DESCRIPTIONS = {"chat": "greetings, feelings and small talk", "code": "programming and queries", "math": "sums and word problems", "memory": "models, the pool and its memory"}

def row(r, tok):
    """Tokens, their places, their branches, and their weights in the loss. Branches share the system message before them; none sees another."""
    k, system = r.random(), None
    if k < TALK: branch = lambda: talk(r)
    elif k < TALK + (1 - TALK) * .55: system, branch = corpus.CHECK_SYSTEM, lambda: checking(r)
    else:
        system, labels = router_system(r)
        branch = lambda: routing(r, labels)
    ids = tok.conv([("system", system)])[0] if system else []
    places, branches, weights, shared = list(range(len(ids))), [0] * len(ids), [0.0] * len(ids), len(ids)
    for n in range(1, 100):
        own, mask = tok.conv(branch())
        if len(ids) + len(own) > ROW and n > 1: break
        own, mask = own[:ROW - len(ids)], mask[:ROW - len(ids)]
        # The first word of a reply is the label or the verdict.
        weight = [0.0 if not m else 1.0 if system and not before else .05 for m, before in zip(mask, [0] + mask)]
        ids += own; places += range(shared, shared + len(own)); branches += [n] * len(own); weights += weight
    return ids, places, branches, weights

def talk(r):
    """One of corpus.py's conversations that are neither routing nor checking."""
    while True:
        found = corpus.conversation(r, "Judge")
        if found[0][1] not in (corpus.ROUTE_SYSTEM, corpus.CHECK_SYSTEM): return found

def forward(model, ids, places, branches):
    t = ids.shape[1]
    seen = torch.ones(t, t, dtype=torch.bool).tril() & ((branches[:, None, :] == 0) | (branches[:, None, :] == branches[:, :, None]))
    mask = torch.zeros(seen.shape).masked_fill(~seen, float("-inf"))[:, None]
    cos, sin = model.cos[places][:, None], model.sin[places][:, None]
    x = model.e(ids)
    for block in model.b: x = block(x, cos, sin, mask)
    return model.n(x)

def batch(r, tok):
    rows = [row(r, tok) for _ in range(ROWS)]
    most = max(len(ids) for ids, *_ in rows)
    pad = lambda items, what: items + [what] * (most - len(items))
    ids = torch.tensor([pad(each[0], 0) for each in rows])
    places = torch.tensor([pad(each[1], 0) for each in rows])
    branches = torch.tensor([pad(each[2], 0) for each in rows])
    weights = torch.tensor([pad(each[3], 0.0) for each in rows])
    return ids, places, branches, weights

def loss_of(model, ids, places, branches, weights):
    hidden = forward(model, ids, places, branches)[:, :-1]
    weights = weights[:, 1:]
    at = weights > 0
    losses = F.cross_entropy(F.linear(hidden[at], model.e.weight), ids[:, 1:][at], reduction="none")
    return (losses * weights[at]).sum() / weights[at].sum()

@torch.no_grad()
def said(model, tok, messages, words):
    """The likeliest of the words as the beginning of a reply."""
    ids = torch.tensor([tok.conv(messages)[0] + [tok.id["<|im_start|>"]] + tok.text("assistant\n")])
    logits = model(ids)[0, -1]
    return max(words, key=lambda word: logits[tok.text(word)[0]].item())

def held_out(model, tok, count):
    """How many of `count` requests and of `count` answers from templates that were kept out are judged right, and how many right answers fail."""
    r = random.Random(99)
    routed = verdicts = failed = fitting = 0
    for at in range(count):
        text, label = judging.request(r, True, LABELS[at % 4])
        routed += said(model, tok, [("system", corpus.ROUTE_SYSTEM), ("user", text)], LABELS) == label
        asked = checking(r, True)
        verdict = asked[-1][1][:4]
        is_right = said(model, tok, [("system", corpus.CHECK_SYSTEM), asked[0]], ["PASS", "FAIL"]) == verdict
        verdicts += is_right
        if verdict == "PASS":
            fitting += 1
            failed += not is_right
    return routed / count, verdicts / count, failed / fitting

def score(found):
    """Right answers that fail hurt most."""
    labels, verdicts, failed = found
    return labels + verdicts - failed / 2

if __name__ == "__main__":
    seconds, source, target = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    rate = float(sys.argv[4]) if len(sys.argv) > 4 else 3.5e-4
    torch.set_num_threads(1); torch.manual_seed(11)
    vocab, merges, weights = read_gguf(source)
    tok, model, r = train.Tok(vocab, merges), train.Llama(), random.Random(int(seconds))
    model.load_state_dict(weights, strict=False)
    assert len({tok.text(label)[0] for label in LABELS}) == len(LABELS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(.9, .98), weight_decay=.01)
    started, step, best, mean, checks = time.time(), 0, 0, 0, 0
    while (share := (time.time() - started) / seconds) < 1:
        for group in optimizer.param_groups: group["lr"] = rate * min(1, (step + 1) / 60) * (.5 + .475 * math.cos(math.pi * share) + .025)
        loss = loss_of(model, *batch(r, tok))
        optimizer.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0); optimizer.step()
        step += 1; mean = loss.item() if step == 1 else .95 * mean + .05 * loss.item()
        if step % 50 == 0: print(step, f"{time.time() - started:.0f} s, loss {mean:.4f}", flush=True)
        if share * 10 >= checks + 1:
            checks += 1
            found = held_out(model, tok, 200)
            print("kept out: labels {:.3f}, verdicts {:.3f}, right answers that fail {:.3f}".format(*found), flush=True)
            if score(found) > best:
                best = score(found)
                train.export(target, model, vocab, merges, "Demo Judge", "Demo model: sorts requests and checks answers.", True)
    found = held_out(model, tok, 400)
    print("end: labels {:.3f}, verdicts {:.3f}, right answers that fail {:.3f}".format(*found), flush=True)
    if score(held_out(model, tok, 200)) >= best: train.export(target, model, vocab, merges, "Demo Judge", "Demo model: sorts requests and checks answers.", True)
