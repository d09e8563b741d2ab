"""Where profiles lie is up to you: an own file, a namespace for each customer, export and erasure.

    python examples/own_store.py [FILE]

For PostgreSQL write store="postgresql://user@host/database" (pip install "popi-sdk[postgres]"); the rest stays.
"""

import json
import sys
import tempfile
from pathlib import Path

from popi_sdk import Popi, Rating, Statement

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "profiles.db"

with Popi(store=f"sqlite:///{path}", namespace="bakery") as bakery:
    wish = Statement("Please give amounts in grams.")
    bakery.observe("ada", wish, Rating("How much flour?", "About two cups.", liked=False))
    print(f"{path.name} holds {bakery.profile('ada').signal_count} signals of ada: {bakery.profile('ada').summary}")

    # The same name in another namespace is another person; both share the file and the models.
    garage = bakery.scoped("garage")
    print(f"In the garage ada has {garage.profile('ada').signal_count} signals.")

with Popi(store=f"sqlite:///{path}", namespace="bakery") as bakery:  # after a restart all is still there
    print("Everything held about ada:")
    print(json.dumps(bakery.export("ada"), indent=2))

    bakery.forget("ada", wish.id)
    print(f"Without that wish: {bakery.profile('ada').summary.text or 'nothing worth saying'}")
    bakery.forget("ada")
    print(f"Forgotten: {bakery.profile('ada').signal_count} signals, {len(bakery.history('ada'))} summaries.")
