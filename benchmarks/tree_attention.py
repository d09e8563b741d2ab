"""Ways to attend along prefix trees, against one row per leaf: python -m benchmarks.tree_attention [--device cuda]

For each shape: tokens that go through the model, milliseconds of a forward pass and of forward and backward together
(fastest of several rounds, all ways taking turns), and how many times faster than one row per leaf that is. The
largest difference of a token's log-probability from those rows stands beside it. On a CPU the model has random weights,
width 256 and 4 layers in float32; on a GPU the shape of Llama 3.2 1B in bfloat16. FlexAttention is timed on GPUs only.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from trainer.logprobs import leaf_token_logprobs, token_logprobs
from trainer.prefix_tree import Branch, pack
from trainer.tree_attention import ATTENTION, LayOut
from trainer.tree_attention.dense import Dense
from trainer.tree_attention.flex import Flex
from trainer.tree_attention.gathered import Gathered

CPU = {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4, "head_dim": 32, "vocab_size": 4096}
CUDA = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "head_dim": 64, "vocab_size": 128256}
Draw = Callable[[int], list[int]]
Way = Callable[[], Tensor]


def shapes(draw: Draw) -> dict[str, list[Branch]]:
    """What a step of training packs, for one user; and a batch of several whose lengths differ."""

    def answers(length: int) -> tuple[Branch, Branch]:
        return Branch(draw(length)), Branch(draw(length))

    def judged(summary: int, questions: int, answer: int) -> Branch:
        return Branch(draw(summary), tuple(Branch(draw(25), answers(answer)) for _ in range(questions)))

    lengths = random.Random(0)
    uneven = [lengths.randint(1, 20) for _ in range(8)]
    return {
        "prompt of 1800, 8 summaries of 60": [Branch(draw(1800), tuple(Branch(draw(60)) for _ in range(8)))],
        "summary of 60, 4 questions, 2 answers of 220": [judged(60, 4, 220)],
        "summary and question of 85, 2 answers of 220": [Branch(draw(85), answers(220))],
        "8 summaries, each with 4 questions, 2 answers of 50": [judged(60, 4, 50) for _ in range(8)],
        "8 summaries, answers of 11 to 220": [judged(60, 4, 11 * times) for times in uneven],
    }


def paths(tree: Branch, before: Sequence[int] = ()) -> Iterator[tuple[list[int], int]]:
    """Each leaf's whole text, and how much of it is the leaf's own."""
    text = [*before, *tree.tokens]
    if not tree.children:
        yield text, len(tree.tokens)
    for child in tree.children:
        yield from paths(child, text)


def by_rows(lm: PreTrainedModel, trees: Sequence[Branch]) -> tuple[Way, int]:
    """One row per leaf, padded on the right to the longest, and the tokens in it."""
    rows = [path for tree in trees for path in paths(tree)]
    ids = torch.zeros(len(rows), max(len(text) for text, _ in rows), dtype=torch.long)
    for index, (text, _) in enumerate(rows):
        ids[index, : len(text)] = torch.tensor(text)
    places = [(row, place) for row, (text, own) in enumerate(rows) for place in range(len(text) - own, len(text))]
    row, place = torch.tensor(places, device=lm.device).T
    ids = ids.to(lm.device)

    def logprobs() -> Tensor:
        hidden = lm.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        return token_logprobs(hidden[row, place - 1], lm.get_output_embeddings(), ids[row, place])

    return logprobs, ids.numel()


def ways(lm: PreTrainedModel, trees: Sequence[Branch]) -> dict[str, tuple[Way, int]]:
    """One row per leaf, and every layout."""
    layouts: dict[str, LayOut] = {"dense": Dense.of, "gathered": Gathered.of}
    if lm.device.type == "cuda":
        layouts["flex"] = Flex.of  # on a CPU it has no backward pass, and is slow
    found = {"rows": by_rows(lm, trees)}
    for name, layout in layouts.items():
        packed = pack(trees, lm.device, layout)
        found[name] = (lambda packed=packed: leaf_token_logprobs(lm, packed)), packed.tokens
    return found


def seconds(lm: PreTrainedModel, way: Way, *, backward: bool) -> float:
    """Of one pass."""
    synchronize = torch.cuda.synchronize if lm.device.type == "cuda" else lambda: None
    lm.zero_grad()
    synchronize()
    start = time.perf_counter()
    with torch.set_grad_enabled(backward):
        values = way()
        if backward:
            values.mean().backward()
    synchronize()
    return time.perf_counter() - start


def fastest(lm: PreTrainedModel, every: dict[str, tuple[Way, int]], rounds: int, *, backward: bool) -> dict[str, float]:
    """Of each way, all of them taking turns."""
    times: dict[str, list[float]] = {name: [] for name in every}
    for turn in range(rounds + 1):
        for name, (way, _) in every.items():
            took = seconds(lm, way, backward=backward)
            if turn:  # the first warms up
                times[name].append(took)
    return {name: min(taken) for name, taken in times.items()}


def model(device: str) -> PreTrainedModel:
    """Random weights."""
    torch.manual_seed(0)
    shape = CUDA if device == "cuda" else CPU
    heads = shape["hidden_size"] // shape["head_dim"]
    config = LlamaConfig(
        **shape, num_attention_heads=heads, num_key_value_heads=heads // 4, max_position_embeddings=4096
    )
    lm = LlamaForCausalLM._from_config(config, attn_implementation=ATTENTION)
    return lm.to(device, torch.bfloat16 if device == "cuda" else torch.float32).eval()


def main() -> None:
    """Print a table for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    lm = model(arguments.device)
    random_tokens = random.Random(0)
    console = Console(width=120)
    for shape, trees in shapes(lambda count: random_tokens.choices(range(1, 4096), k=count)).items():
        every = ways(lm, trees)
        forward = fastest(lm, every, arguments.rounds, backward=False)
        both = fastest(lm, every, arguments.rounds, backward=True)
        with torch.no_grad():
            values = {name: way() for name, (way, _) in every.items()}
        table = Table("", "tokens", "fewer", "forward", "faster", "and backward", "faster", "difference", title=shape)
        for name, (_, tokens) in every.items():
            table.add_row(
                name,
                f"{tokens:,}",
                f"{every['rows'][1] / tokens:.2f}",
                f"{1000 * forward[name]:.0f} ms",
                f"{forward['rows'] / forward[name]:.2f}",
                f"{1000 * both[name]:.0f} ms",
                f"{both['rows'] / both[name]:.2f}",
                f"{(values[name] - values['rows']).abs().max().item():.1e}",
            )
        console.print(table)


if __name__ == "__main__":
    main()
