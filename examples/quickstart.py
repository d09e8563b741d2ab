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
    "What is a black hole?": "A region of space with gravity so strong that light cannot leave it.",
    "How do vaccines work?": "They show your immune system a harmless part of a germ, so it knows the real one later.",
    "What is inflation?": "Prices rise over time, so the same money buys less.",
    "Why is the sky blue?": "Air scatters blue light more than red, so blue reaches you from everywhere.",
    "What does a router do?": "It passes data between your devices and the internet.",
    "Why do we dream?": "Nobody is sure; sorting memories while we sleep is one good guess.",
    "What is yeast?": "A fungus that eats sugar and gives off gas, which makes dough rise.",
    "How do magnets work?": "Their electrons spin the same way, and those tiny fields add up to a big one.",
}
PADDING = (
    "That is a great question, and there is a lot to say about it! To begin with, it helps to look at the history of "
    "the subject, because people have wondered about it for centuries and have offered many explanations. {answer} "
    "Beyond that, there are many further aspects that one could explore in much more depth, and experts still debate "
    "the finer points today. I hope this overview was helpful, and please let me know if you would like more details!"
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
