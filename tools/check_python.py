# SPDX-License-Identifier: Apache-2.0
"""Loads exported HypeNet folders with transformers and compares: recorded logits, cached with uncached and padded generation, Halo's greedy tokens.

usage: python3 tools/check_python.py FOLDER   (made by tools/check-python.sh prepare)
Prints a PASS or FAIL line for each check; exit code 1 if any failed.
"""

import json
import sys
import traceback
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

NEAR_TIE = 1e-3  # A greedy token may differ where the two best logits are closer than this.
failures = 0


def check(name, passed, detail):
    global failures
    failures += 0 if passed else 1
    print(f"{'PASS' if passed else 'FAIL'} {name}: {detail}", flush=True)


def load(folder, device):
    return AutoModelForCausalLM.from_pretrained(str(folder), trust_remote_code=True, dtype=torch.float32).to(device).eval()


def logits(name, model, folder, device):
    golden = load_file(str(folder / "golden.safetensors"))
    ids, expected = golden["input_ids"].long().to(device), golden["logits"].to(device)
    places = golden["positions"].long().to(device) if "positions" in golden else torch.arange(ids.shape[1], device=device)
    full = model(ids, use_cache=False).logits[:, places]
    check(f"{name} logits", (worst := (full - expected).abs().max().item()) <= 1e-4, f"largest difference {worst:.1e}")
    parts, cache = [], None
    half, quarter = ids.shape[1] // 2, ids.shape[1] // 4
    for piece in ids.split([half, quarter] + [1] * (ids.shape[1] - half - quarter), dim=1):
        output = model(piece, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        parts.append(output.logits)
    check(f"{name} logits by pieces with a cache", (worst := (torch.cat(parts, 1)[:, places] - expected).abs().max().item()) <= 1e-4, f"largest difference {worst:.1e}")


def same(model, prompt, ours, theirs):
    """True if equal, or if the first difference is a near tie."""
    place = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), None)
    if place is None:
        return len(ours) == len(theirs), f"{len(ours)} tokens equal"
    best = model(torch.tensor([prompt + theirs[:place]], device=model.device), use_cache=False).logits[0, -1].topk(2).values
    gap = (best[0] - best[1]).item()
    return gap < NEAR_TIE, f"differ from token {place} on, where the two best logits are {gap:.1e} apart"


def generation(name, model, folder, device):
    recorded = json.loads((folder / "greedy.json").read_text())
    prompts, expected = recorded["prompts"], recorded["continuations"]
    count = len(expected[0])
    settings = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False, "pad_token_id": 0}

    def generate(ids, **more):
        ids = torch.tensor(ids, device=device)
        return model.generate(ids, attention_mask=torch.ones_like(ids), **settings, **more)[:, ids.shape[1]:].tolist()

    for row, prompt in enumerate(prompts):
        cached, uncached = generate([prompt])[0], generate([prompt], use_cache=False)[0]
        check(f"{name} greedy {row}, as Halo", *same(model, prompt, cached, expected[row]))
        check(f"{name} greedy {row}, cached as uncached", *same(model, prompt, cached, uncached))
    longest = max(len(prompt) for prompt in prompts)
    padded = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    batch = model.generate(padded, attention_mask=mask, **settings)[:, longest:].tolist()
    for row, prompt in enumerate(prompts):
        check(f"{name} greedy {row}, in a padded batch", *same(model, prompt, batch[row], expected[row]))
    beams = generate([prompts[0]], num_beams=3)[0]
    uncached = generate([prompts[0]], num_beams=3, use_cache=False)[0]
    check(f"{name} beams, cached as uncached", beams[:8] == uncached[:8], f"{beams[:8]} and {uncached[:8]}")


def training(name, model, device):
    ids = torch.arange(1, 41, device=device).view(1, -1)
    with torch.enable_grad():
        model.train()
        model(ids, labels=ids).loss.backward()
        model.eval()
    gradients = [p.grad for p in model.parameters()]
    finite = all(g is not None and bool(torch.isfinite(g).all()) for g in gradients)
    check(f"{name} gradients", finite, f"{len(gradients)} parameters")


def main(root):
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    folders = sorted(path.parent for path in Path(root).glob("*/config.json"))
    if not folders:
        sys.exit(f"no model folders in {root}")
    for device in ["cpu"] + (["cuda"] if torch.cuda.is_available() else []):
        for folder in folders:
            name = f"{device} {folder.name}"
            try:
                with torch.no_grad():
                    model = load(folder, device)
                    if (folder / "golden.safetensors").exists():
                        logits(name, model, folder, device)
                    generation(name, model, folder, device)
                    training(name, model, device)
            except Exception:
                traceback.print_exc()
                check(name, False, "an exception, above")
    print("all passed" if failures == 0 else f"{failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main(sys.argv[1])
