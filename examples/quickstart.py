"""From what a user has shown to an answer the way they like it: pairs of answers and a statement.

    python examples/quickstart.py

Without a key it prints the summary and the request. With one (OPENAI_API_KEY for the default model; another with
POPI_MODEL=anthropic/claude-sonnet-4-6 and so on) it prints the answer too.
"""

import json

import popi_sdk
from popi_sdk import PreferencePair, Signal, Statement

PROMPT = "Why do leaves change colour in autumn?"

SHORT = {
    "What is a black hole?": "A place where gravity's so strong that even light can't leave.",
    "How do vaccines work?": "They show your body a harmless bit of a germ, so it'll know the real one later.",
    "What is inflation?": "Prices creep up over time, so the same money doesn't buy as much.",
    "Why is the sky blue?": "Air scatters blue light more than red, so blue gets to you from everywhere.",
    "What does a router do?": "It's a post office: it passes data between your devices and the internet.",
    "Why do we dream?": "Nobody's sure. Sorting memories while we sleep is one good guess.",
    "What is yeast?": "A fungus that eats sugar and burps gas, and that's why dough rises.",
    "How do magnets work?": "Their electrons all spin the same way, and those tiny fields add up to a big one.",
}
PADDING = (
    "There are several aspects that should be considered in order to answer this question adequately, and it is useful "
    "to examine the historical development of the subject. {answer} Furthermore, numerous additional considerations "
    "exist that could be explored in considerably greater depth, and specialists continue to debate various details. "
    "Consequently, a comprehensive treatment would exceed the scope of this response."
)

pairs = [PreferencePair(prompt, chosen=short, rejected=PADDING.format(answer=short)) for prompt, short in SHORT.items()]
signals: list[Signal] = [*pairs, Statement("I like a small everyday example.")]

summary = popi_sdk.summarize(signals)
print(f"Summary, {summary.tokens} tokens instead of {summary.raw_tokens}, written by {summary.model}:")
for clause in summary.clauses:
    print(f"- {clause.text}  (from {len(clause.signal_ids)} of {len(signals)} signals)")

print("\nRequest:")
print(json.dumps(popi_sdk.compose(PROMPT, signals), indent=2))

try:
    print(f"\nAnswer:\n{popi_sdk.personalize(PROMPT, signals)}")
except popi_sdk.AuthError as error:
    print(f"\nNot sent. {error}")
