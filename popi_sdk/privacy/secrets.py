"""Keys and tokens by their form, and private keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_PRIVATE_KEY_EDGE = re.compile(
    r"""-----(?P<edge>BEGIN|END)[ ](?:[A-Z0-9]{1,20}[ ]){0,4}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
    | (?P<putty>PuTTY-User-Key-File-[0-9]:) | Private-(?:MAC|Hash):[ ]?[0-9a-fA-F]+""",
    re.VERBOSE,
)
_KEY_BODY = re.compile(r"(?:(?:\s|\\[nr]|[>|*#\"'+]){0,9}(?:[A-Za-z0-9+/=]{16,}|[\w-]{3,20}:[ ][^\0\n]{1,80}))*")
_FORMS = r"""(?:
      sk-[A-Za-z0-9_-]{16,} | sk_[A-Za-z0-9_-]{20,}                     # OpenAI, Anthropic, OpenRouter, ...
    | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,} | whsec_[A-Za-z0-9+/=]{16,}
    | gh[pousr]_[A-Za-z0-9_]{20,} | github_pat_[A-Za-z0-9_]{20,}
    | gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|oas|imt)-[A-Za-z0-9_.-]{16,}
    | xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{16,}
    | https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/]{16,}
    | https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/[0-9]{10,}/[\w-]{20,}
    | (?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])
    | AIza[A-Za-z0-9_-]{30,} | ya29\.[A-Za-z0-9_-]{20,} | GOCSPX-[A-Za-z0-9_-]{16,}
    | (?:hf|api_org)_[A-Za-z0-9]{20,} | (?:gsk|r8|npm|dckr_pat|dop_v1|doo_v1|shpat|shpca|shppa|shpss|lin_api|secret|ntn|
        rubygems|pul|phc|phx|pplx|xai|fw|nvapi|tvly|jina|sbp|vercel|rnd|ATATT3)[_-][A-Za-z0-9_=-]{20,}(?<=[A-Za-z0-9_=-])
    | (?:hvs|hvb)\.[A-Za-z0-9_-]{20,} | pypi-[A-Za-z0-9_-]{20,} | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
    | sq0(?:atp|csp)-[A-Za-z0-9_-]{20,} | EAA[A-Za-z0-9]{40,} | key-[0-9a-f]{32} | dapi[0-9a-f]{32}
    | sntrys_[A-Za-z0-9+/=_-]{20,} | fig[dorau]{1,2}_[A-Za-z0-9_-]{20,} | (?:AC|SK)[0-9a-f]{32}(?![A-Za-z0-9])
    | (?<=[?&;]sig=)[A-Za-z0-9%+/=_-]{30,}
    | AGE-SECRET-KEY-1[A-Z0-9]{40,} | [0-9]{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])
    | eyJ[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_=-]{4,}(?:\.[A-Za-z0-9_.+/=-]*)?
    )"""
_KEY = re.compile(rf"(?<![A-Za-z0-9]){_FORMS}", re.VERBOSE)
_KEY_AT_THE_END = re.compile(rf"{_FORMS}\Z", re.VERBOSE)
_SHORT_KEY, _LONGEST_KEY = 32, 256
_BEARER = re.compile(
    r"""\b(?:bearer|basic|token|apikey)[ ]{1,3}(?P<value>(?=[A-Za-z._~+/-]{0,80}[0-9=])[A-Za-z0-9._~+/=-]{16,})
    | \b(?:proxy-)?authorization["']?[ ]{0,3}[:=][ ]{0,3}["']?(?:(?:bearer|basic|token|digest|apikey)[ ]{1,3})?
      (?P<header>[A-Za-z0-9._~+/=-]{8,})
    | \b(?:set-)?cookie:[ ]{0,3}(?P<cookie>[\w.-]{1,80}=[^\0\r\n"']{8,2000})""",
    re.IGNORECASE | re.VERBOSE,
)
_AWS_KEY = re.compile(r"(?<![A-Za-z0-9])A(?:K|S)IA[A-Z0-9]{16}(?![A-Za-z0-9])")
_AWS_SECRET = re.compile(
    r"(?<![\w/+=-])(?=[A-Za-z/+]{0,39}[0-9])(?=[^A-Z\s]{0,39}[A-Z])(?=[^a-z\s]{0,39}[a-z])[A-Za-z0-9/+]{40}(?![\w/+=-])"
)
"""A secret key of AWS has no form of its own; it is taken for one where a key's id stands in the same text."""
_MADE_UP = re.compile(r"(.)\1{5,}|your|(?:x|\*|\.){4}|placeholder|redacted|<|\.\.\.", re.IGNORECASE)

_RUN = re.compile(r"[^\s\0]{20,600}")
_MAY_BE_A_KEY = re.compile(
    r"AKC|AP[0-9A-F]|A3T|A[BSK]IA|ACCA|AccountKey=|[MNO][\w-]{23,25}\.|cloudant|bluemix|softlayer|_authToken|-us[0-9]|"
    r"sq0|SG\.|pypi-|[0-9]{8}:|_live_|AC[a-z0-9]{32}",
    re.IGNORECASE,
)


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Private keys in PEM, OpenSSH, PGP and PuTTY form; one whose end is missing goes as far as it looks like a key."""
    if "-----BEGIN" not in text and "PuTTY-User-Key-File-" not in text:
        return
    opened: re.Match[str] | None = None
    for edge in _PRIVATE_KEY_EDGE.finditer(text):
        if edge["edge"] == "BEGIN" or edge["putty"]:
            if opened:
                yield _without_end(text, opened, edge.start())
            opened = edge
        elif opened and bool(edge["edge"]) != bool(opened["putty"]):
            yield opened.start(), edge.end()
            opened = None
    if opened:
        yield _without_end(text, opened, len(text))


def _without_end(text: str, opened: re.Match[str], latest: int) -> tuple[int, int]:
    body = _KEY_BODY.match(text, opened.end(), latest)
    return opened.start(), body.end() if body else opened.end()


def keys(text: str) -> list[tuple[int, int]]:
    """Keys and tokens whose form says what they are, and what stands after `Authorization:` and `Bearer`."""
    found = [match.span() for match in _KEY.finditer(text) if not is_made_up(match[0])]
    for match in _BEARER.finditer(text):
        span = match.span(match.lastgroup or 0)
        if not is_made_up(text[slice(*span)]):
            found.append(span)
    if _AWS_KEY.search(text):
        found += (match.span() for match in _AWS_SECRET.finditer(text))
    if _MAY_BE_A_KEY.search(text):
        for run in _RUN.finditer(text):
            if _MAY_BE_A_KEY.search(run[0]):
                found += ((run.start() + start, run.start() + end) for start, end in _known_to_detect_secrets(run[0]))
    return apart(found)


def keys_at_the_edges(run: str) -> Iterator[tuple[int, int]]:
    """Keys that the bytes of a file in base64 begin or end with; inside, any letters may stand side by side.

    >>> run = "sk-proj-" + "aB3dE5fG" * 4 + "/" + "A" * 4000
    >>> list(keys_at_the_edges(run))
    [(0, 40)]
    """
    end = 0
    first = _KEY.match(run)
    if first and not is_made_up(first[0][:_SHORT_KEY]):
        end = first.end()
        yield first.span()
    last = _KEY_AT_THE_END.search(run, max(end, len(run) - _LONGEST_KEY))
    if last and not is_made_up(last[0]):
        yield last.span()


def is_made_up(key: str) -> bool:
    """Whether a key only shows where one belongs, as `sk-xxxxxxxxxxxxxxxxxxxx` does."""
    return bool(_MADE_UP.search(key)) or len(set(key)) < 8


def apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join stretches that overlap.

    >>> apart([(4, 9), (0, 5), (12, 13)])
    [(0, 9), (12, 13)]
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _known_to_detect_secrets(run: str) -> Iterator[tuple[int, int]]:
    """What its detectors of one form each find in one word; those that guess by randomness or by names stay out."""
    for plugin in _plugins():
        for value in plugin.analyze_string(run):
            place = run.find(value) if len(value) >= 8 else -1
            if place >= 0:
                yield place, place + len(value)


@cache
def _plugins() -> tuple[Any, ...]:
    # Imported on first use: it brings `requests`, which takes longer than all of POPI.
    from detect_secrets.plugins.artifactory import ArtifactoryDetector
    from detect_secrets.plugins.aws import AWSKeyDetector
    from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
    from detect_secrets.plugins.cloudant import CloudantDetector
    from detect_secrets.plugins.discord import DiscordBotTokenDetector
    from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
    from detect_secrets.plugins.mailchimp import MailchimpDetector
    from detect_secrets.plugins.npm import NpmDetector
    from detect_secrets.plugins.pypi_token import PypiTokenDetector
    from detect_secrets.plugins.sendgrid import SendGridDetector
    from detect_secrets.plugins.softlayer import SoftlayerDetector
    from detect_secrets.plugins.square_oauth import SquareOAuthDetector
    from detect_secrets.plugins.stripe import StripeDetector
    from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
    from detect_secrets.plugins.twilio import TwilioKeyDetector

    return (
        ArtifactoryDetector(),
        AWSKeyDetector(),
        AzureStorageKeyDetector(),
        CloudantDetector(),
        DiscordBotTokenDetector(),
        IbmCloudIamDetector(),
        MailchimpDetector(),
        NpmDetector(),
        PypiTokenDetector(),
        SendGridDetector(),
        SoftlayerDetector(),
        SquareOAuthDetector(),
        StripeDetector(),
        TelegramBotTokenDetector(),
        TwilioKeyDetector(),
    )
