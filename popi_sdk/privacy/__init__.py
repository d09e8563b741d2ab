"""Private things taken out of signals before they are stored or seen by any summarizer or provider.

Found and replaced by their kind in brackets: keys, tokens, passwords and private keys, e-mail addresses, phone
numbers, payment cards, IBANs, IP addresses and national ids, and what an app adds with patterns of its own.

texts      one text: what is found is replaced, until nothing is left to find
signals    whole signals: every text, objects in chats too, and the id where it was made from the content
escapes    escapes of JSON and of web addresses hide nothing
folding    full-width digits, odd spaces and invisible characters hide nothing
json_texts what is replaced in a text that is JSON leaves it JSON
secrets, assignments, addresses, spoken, numbers, national_ids, phones    what looks for each kind
words, neighbours    what must or must not stand near a number
patterns   the patterns an app adds

>>> redact("Write to ada@example.org or call +44 20 7946 0958.").text
'Write to [email] or call [phone].'
"""

from __future__ import annotations

from popi_sdk.privacy.signals import RedactedSignals, Redactor
from popi_sdk.privacy.texts import KINDS, Redacted, redact

__all__ = ["KINDS", "Redacted", "RedactedSignals", "Redactor", "redact"]
