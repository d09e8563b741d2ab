"""What is private is taken out of texts, and what only looks like it stays."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from popi_sdk.errors import ConfigError
from popi_sdk.privacy import KINDS, Redactor, redact
from popi_sdk.signals import Statement

FILE = Path(__file__).with_name("private.jsonl")

PRIVATE = [
    ("Write to ada@example.org.", "Write to [email]."),
    ("请联系ada@example.org谢谢", "请联系[email]谢谢"),
    ("ada (at) example (dot) org", "[email]"),
    ("jörg.müller@bücher.de", "[email]"),
    ("https://example.org/?mail=ada%40example.org", "https://example.org/?mail=[email]"),
    ("Call +44 20 7946 0958 today.", "Call [phone] today."),
    ("Ring me on 020 7946 0958 or (415) 555-2671", "Ring me on [phone] or [phone]"),
    ("+44 20 7946 0958+44 20 7946 0958", "[phone][phone]"),
    ("415-555-2671 / 415-555-2672", "[phone] / [phone]"),
    ("My card is 4111 1111 1111 1111.", "My card is [card]."),
    ("my card is ４１１１\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111", "my card is [card]"),
    ("4111\N{ZERO WIDTH SPACE}111111111111", "[card]"),
    ("٤١١١١١١١١١١١١١١١", "[card]"),
    ("ada,4111111111111111,123,415-555-2671,219-09-9998,x", "ada,[card],123,[phone],[national id],x"),
    ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [iban] please"),
    ("GB29NWBK60161331926819", "[iban]"),
    ("The host is 203.0.113.77:8080.", "The host is [ip]:8080."),
    ("::ffff:203.0.113.77", "[ip]"),
    ("2001:db8:85a3::8a2e:370:7334 and fe80::1ff:fe23:4567:890a%eth0", "[ip] and [ip]"),
    ("My SSN is 219-09-9998.", "My SSN is [national id]."),
    ("DNI 12345678Z", "DNI [national id]"),
    ("key AKIAFAO4ZC7GWCGMFWCB", "key [secret]"),
    ("AKIAFAO4ZC7GWCGMFWCB 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", "[secret] [secret]"),
    ("sk-ant-api03-CcgYk1slfUh5xJlAvIrFf3", "[secret]"),
    ("AccountKey=" + "aB3dE6gH9j" * 8 + "kLmN12==", "[secret]"),  # known by detect-secrets' form
    ("Authorization: Bearer c2VjcmV0LXRva2Vu", "Authorization: Bearer [secret]"),
    ("password=hunter2&user=ada", "password=[secret]&user=ada"),
    ("my password is hunter2, thanks", "my password is [secret], thanks"),
    ('{"password": "correct-horse"}', '{"password": "[secret]"}'),
    ("mon mot de passe est Tulipe!93", "mon mot de passe est [secret]"),
    ("postgres://ada:s3cr3t@db.example.org/app", "postgres://[secret]@db.example.org/app"),
    ("--token a8f3kd02mnc7", "--token [secret]"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\nafter",
        "[private key]\nafter",
    ),
    ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEAabcd\nMIIEowIBAAKCAQEAabcd", "[private key]"),
    ("PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 00ff", "[private key]"),
    ("7,4111111111111111", "7,[card]"),
    ("7,536-41-8827,x", "7,[national id],x"),
    ("3,+49 170 1234567,5", "3,[phone],5"),
    ("_4111111111111111_ and __536-41-8827__", "_[card]_ and __[national id]__"),
    ("_203.0.113.77_", "_[ip]_"),
    ("ip:2a02:8108:8a40:1d2c:91f3:6b7e:44d0:9ac1", "ip:[ip]"),
    ("**+49 170 1234567** or *(415) 555-2671*", "**[phone]** or *[phone]*"),
    ("1. (415) 555-2671", "1. [phone]"),
    ("2. 06 12 34 56 78", "2. [phone]"),
    ("2024-01-01 (415) 555-2671", "2024-01-01 [phone]"),
    ("(415) 555-2671 (415) 555-2672", "[phone] [phone]"),
    ("Fala comigo: (11) 9 8734-2210", "Fala comigo: [phone]"),
    ("Mi DNI: 73.453.157-N", "Mi DNI: [national id]"),
    ("Ask 10.0.0.5/8 and 2001:db8::1/64.", "Ask [ip] and [ip]."),
    ("reach me: jon dot harker at protonmail dot com.", "reach me: [email]."),
    ("k punkt müller ät gmx punkt de", "[email]"),
    ("lucia punto marquez arroba gmail punto com", "[email]"),
    ("jean point dupont arobase orange point fr", "[email]"),
    (r'{"n": "a\n4111111111111111", "m": "\t536-41-8827\r\n"}', r'{"n": "a\n[card]", "m": "\t[national id]\r\n"}'),
    (r'{"a": "{\"b\": \"x\\n203.0.113.77\"}"}', r'{"a": "{\"b\": \"x\\n[ip]\"}"}'),
    (r'"{\"password\": \"hunter2\"}"', r'"{\"password\": \"[secret]\"}"'),
    (json.dumps({"пароль": "Tr0ub4dor&3"}), json.dumps({"пароль": "[secret]"})),
    (json.dumps("卡号４１１１１１１１１１１１１１１１谢谢"), json.dumps("卡号[card]谢谢")),
    (json.dumps("📞+491701234567📞"), json.dumps("📞[phone]📞")),
    ('{"card": 4111111111111111, "n": 1}', '{"card": "[card]", "n": 1}'),
    ("https://example.org/?tel=%2B491701234567&to=ada%40example.org", "https://example.org/?tel=[phone]&to=[email]"),
    ("postgres://ada%40x:p%2Fw%40d@db.example.org/app", "postgres://[secret]@db.example.org/app"),
]

HARMLESS = [
    "Version 1.2.3.4 is out, 127.0.0.1 and ::1 are this machine, 255.255.255.0 is a mask.",
    "Chrome/120.0.0.0 asks 8.8.8.8.",
    "std::vector and a::before",
    "On 2026-03-14 at 12:30:45 it cost 1,299,000.00 dollars.",
    "ISBN 978-3-16-148410-0, order 4155552671, 12345678901234567890",
    "0.4111111111111111 and 1712345678 seconds",
    "4111 1111 1111 1112 is no card",
    "DE89 3704 0044 0532 0130 01 is no IBAN",
    "icon@2x.png, git@github.com:a/b, @app.route, lodash@4.17.21",
    "000-12-3456 was never given out",
    "The password must have 8 characters; the token is expired.",
    'password = os.environ["PASSWORD"]; api_key: str = Field(default=None)',
    "connect(password=user_password, token=<your token>)",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxx stands for a key",
    "redis://:${REDIS_PASSWORD}@cache and postgres://USER:PASSWORD@HOST/name",
    "550e8400-e29b-41d4-a716-446655440000 and 9f2c1e7a4b8d3f605c1a2e9b7d4f8c3a6e5b1d02",
    "fibonacci: 1 1 2 3 5 8 13 21 34 55 89 144",
    "[email] and [phone] stay",
    "BLAKE2 digest e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "Tracking 1Z 999 AA1 01 2345 6784 says delivered",
    "10.0.0.0/8, 192.168.0.0/16 and 2001:db8::/32 are ranges",
    "0,4111111111111111 and order_4111111111111111",
    "It cost 7,123456 or 1.234.567,89; call it 3 *4155552671*.",
    "2024-01-01 2024-02-02 08-12-2024",
    "See the shop at example dot com, and python dot org at docs dot python dot org.",
    r"C:\new\table, \textbf{12} and \d{3}-\d{2}, 50%20 of 100%40",
    r'{"a": "C:\\", "b": [1, null]}',
    "",
]


@pytest.mark.parametrize(("text", "redacted"), PRIVATE)
def test_what_is_private_is_replaced_by_its_kind_and_the_rest_stays(text: str, redacted: str) -> None:
    assert redact(text).text == redacted


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_private_stays(text: str) -> None:
    assert redact(text).text == text
    assert not redact(text).counts


def test_findings_are_counted_by_kind() -> None:
    found = redact("ada@example.org, bob@example.org, +44 20 7946 0958")
    assert dict(found.counts) == {"email": 2, "phone": 1}


def test_pattern_of_the_app_comes_first_and_cannot_reach_into_what_is_redacted() -> None:
    redactor = Redactor({"customer": r"C-[0-9]{6}", "word": "email|card"})
    (signal,) = redactor.signals([Statement("C-204177 has the email ada@example.org and [card].")]).signals
    assert isinstance(signal, Statement)
    assert signal.text == "[customer] has the [word] [email] and [card]."


def test_pattern_that_takes_a_whole_line_swallows_what_was_redacted_in_it() -> None:
    patterns = {"line": re.compile("note: .+")}
    assert redact("note: [email] rang\nstays", patterns).text == "[line]\nstays"


def test_pattern_sees_what_stands_across_a_cut_of_a_long_line_once() -> None:
    patterns = {"customer": re.compile("C-[0-9]{6}"), "word": re.compile("w+")}
    text = "x " * 997 + "id C-204177 end " + "w" * 4000
    found = redact(text, patterns)
    assert found.text == "x " * 997 + "id [customer] end [word]"
    assert dict(found.counts) == {"customer": 1, "word": 1}


def test_pattern_sees_through_escapes_and_takes_them_whole() -> None:
    patterns = {"customer": re.compile(r"\bC-[0-9]{6}"), "path": re.compile(r"[A-Z]:\\n\w+"), "end": re.compile("nd")}
    assert redact('{"a": "at\\nC-204177"}', patterns).text == '{"a": "at\\n[customer]"}'
    assert redact(r"in C:\new", patterns).text == "in [path]"
    assert redact(r'{"a": "x\nd"}', patterns).text == '{"a": "x[end]"}'


def test_patterns_that_overlap_let_nothing_out() -> None:
    patterns = {"customer": re.compile("C-[0-9]+"), "line": re.compile("note: .+")}
    found = redact("note: C-12 hello", patterns)
    assert found.text == "[line]"


@pytest.mark.parametrize(
    ("name", "pattern", "reason"),
    [
        ("ticket", "(", "no regular expression"),
        ("ticket", "a*", "empty text"),
        ("ticket", r"\b", "empty text"),
        ("ticket", "(a+)+$", "too long"),
        ("ticket", r"(\w|\d)+!", "too long"),
        ("email", "a", "itself"),
        ("Emptied", "a", "itself"),
        ("a]b", "a", "brackets"),
        ("", "a", "brackets"),
    ],
)
def test_pattern_that_cannot_be_used_is_refused_by_its_name(name: str, pattern: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        Redactor({name: pattern})
    assert name in str(refused.value)


def test_libraries_are_imported_only_when_something_may_be_private() -> None:
    program = """if True:
        import sys, popi_sdk, popi_sdk.privacy
        popi_sdk.privacy.redact("Short answers, please: 3 points at most.")
        print([name for name in ("phonenumbers", "stdnum", "detect_secrets", "requests") if name in sys.modules])
        popi_sdk.privacy.redact("+44 20 7946 0958")
        print("phonenumbers" in sys.modules)
    """
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "True"]


@pytest.mark.skipif(not FILE.exists(), reason="the measured texts are not there")
def test_measured_texts_are_redacted_as_well_as_before() -> None:
    lines = [json.loads(line) for line in FILE.read_text(encoding="utf-8").split("\n") if line.strip()]
    missed = alarms = meant = harmless = 0
    for line in lines:
        counts = redact(line["text"]).counts
        missed += sum(max(0, number - counts.get(kind, 0)) for kind, number in line["kinds"].items())
        meant += sum(line["kinds"].values())
        harmless += not line["kinds"]
        alarms += bool(counts) and not line["kinds"]
        assert counts.keys() <= set(KINDS)
    assert missed <= 0.03 * meant
    assert alarms <= 0.02 * harmless
