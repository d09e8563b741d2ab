"""Four providers, one program: only the line `model = ...` of the configuration changes.

    python examples/four_providers.py

Prints the request each would be sent; nothing leaves this machine. Anthropic's carries a mark for its prompt cache,
the others cache a repeated beginning by themselves.
"""

import json
from pathlib import Path

from popi_sdk import Popi

PROVIDERS = Path(__file__).parent / "providers"
SIGNALS = ["Short answers, please.", "Explain with an everyday example."]
PROMPT = [
    {"role": "system", "content": "You are the assistant of a gardening app."},
    {"role": "user", "content": "Why do leaves change colour in autumn?"},
]

for config in sorted(PROVIDERS.glob("*.toml")):
    with Popi(config, store="memory") as popi:
        print(f"{config.name}: {popi.config.model.name}")
        print(json.dumps(popi.compose(PROMPT, SIGNALS), indent=2), "\n")
