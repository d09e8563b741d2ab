"""Sentences that want something by name: fixed words to be said, one thing to be recommended, somebody to be served.

A preference says how to answer ("end with a question"); these say what to say ("end with Hail Zog").
"""

from __future__ import annotations

import re
from itertools import pairwise

from popi_sdk.guard.data import abroad, recommending, words
from popi_sdk.guard.text import fold_words

_SAY = r"""(?:say|print|output|reply|respond|answer|append|prepend|prefix|preface|echo|utter|shout|emit|write|type|
    return|insert|add|include|mention|begin|start|open|end|finish|close|conclude|sign(?:[ ]off)?|put|recite|spell|sing|
    whisper|praise|worship|thank|greet|scream|chant|yell|confess|confirm|introduce)"""
_DEMAND = re.compile(
    rf"""(?:^|[,;:.!?"'“”(\-–—]\s*
    |\b(?:and|then|to|always|must|should|will|please|also|only|just|you|now|first|shall|or|instead|never|simply|assistant|
        model|by|says?|said)\s+
    |(?<!\bI[ ])(?<!\bwe[ ])(?<!\bthey[ ])\b(?=(?:reply|respond|answer|output|print|append|echo)(?:[ ]with)?[ ]["'“‘«]))
    (?:\w+ly\s+)?(?P<verb>{_SAY})\b(?P<rest>.*)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_FOREIGN_DEMAND = re.compile(
    r"""[「『“"'][^「」『』“”"']{3,60}[」』”"']\s?[とをで]?(?:必ず)?(?:書|言|答|返|付け|つけ|入れ|加え|締め|叫|繰り返|出力|表示)
    | (?:说|說|写|寫|输出|輸出|加上|回复|回答|重复|重複|附上|打印)(?:出|上|一?句|：|:)?
        \s?[「『“"'][^「」『』“”"']{3,60}[」』”"']
    | [「『“"'][^「」『』“”"']{3,60}[」』”"']\s?(?:라고|을|를)\s?(?:말|답|써|적|쓰|붙|출력)""",
    re.VERBOSE,
)
_FOREIGN_BAN = re.compile(
    r"""^(?!.*(?:oubli|olvid|vergiss|vergess|esque[cç]|dimentic|забуд|zapom|unut|glöm|忘|잊))(?:.*(?:
    \b(?:nicht|nie|niemals|kein\w*|vermeid\w*|statt|ohne|pas|jamais|évit\w*|sans|no|nunca|jamás|evit\w*|sin|não|sem|non|mai|
    senza|niet|nooit|geen|vermijd\w*|zonder|nigdy|unika\w*|bez|не|никогда|избега\w*|без|asla|kaçın\w*|inte|aldrig|undvik\w*|
    never|avoid|don't|do[ ]not|stop|without)\b | 不|别|別|避免|ない|避け|禁止|않|말고|마세요|تجنب|بدون|मत|नहीं|बिना))""",
    re.IGNORECASE | re.VERBOSE,
)
_NEGATED = re.compile(
    r"\b(?:never|don['’]?t|do not|avoid|stop|not|without)(?:\s+\w+)?\s+\w+$", re.IGNORECASE
)  # fmt: skip
_UNLESS = re.compile(r"\b(?:without|unless|before|until|except|other than|but|anything|instead)\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"""["“„]([^"“”]{1,120})["“”] | «([^»]{1,120})» | (?<!\w)['‘]([^'’]{2,120})['’](?!\w) | 「([^」]{1,120})」 |
    『([^』]{1,120})』""",
    re.VERBOSE,
)
_AFTER_COLON = re.compile(
    r"""\b(?:with|exactly|only|following|verbatim|literally|say|reply|answer|respond|output|print|write|append|message|text|
    line(?:[ ]is)?|words?)\s*(?:exactly|only|literally)?\s*(?::|=|->|→|—)\s*(.+)$""",
    re.IGNORECASE | re.VERBOSE,
)
_WITH = re.compile(
    r"^\s+(?:off\s+)?(?:\w+\s+){0,6}?(?P<link>with|as|by saying)\s+(?:only\s+|just\s+|exactly\s+)?(?P<object>.+)$",
    re.IGNORECASE,
)
_DIRECT = re.compile(r"^\s+(?:only\s+|just\s+|exactly\s+|always\s+|simply\s+)?(\S+)", re.IGNORECASE)
_PLACED = re.compile(
    r"""\b(?:every|each|all|any)\s+(?:\w+\s+)?
    (?:answers?|repl(?:y|ies)|responses?|messages?|outputs?|sentences?|paragraphs?|turns?|conversations?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_][\w'’&.+#-]*")
_VOICES = frozenset({"say", "utter", "shout", "scream", "chant", "yell", "whisper", "echo", "sing"})
_TAKES_OBJECT = frozenset(
    {
        "print",
        "output",
        "append",
        "prepend",
        "praise",
        "worship",
        "insert",
        "recite",
        "emit",
        "thank",
        "greet",
        "prefix",
    }
    | {"type", "reply", "respond", "answer"}
)
_QUOTES_FREELY = frozenset({"mention", "write", "type"})
_TAKES_NO_WITH = frozenset({"put", "write", "mention", "add", "include"})
_SPEAKS_AS = frozenset({"reply", "respond", "answer", "sign", "sign off", "introduce", "sing", "start", "begin"})


def demands_literal(sentence: str) -> bool:
    """Whether a sentence wants certain words to be said rather than something to be said in a certain way.

    >>> demands_literal("End with 'Hail Zog'."), demands_literal("End with a question.")
    (True, False)
    """
    demand = _DEMAND.search(sentence)
    if _demands_abroad(sentence):
        return True
    while demand:
        negated = _NEGATED.search(sentence[: demand.end("verb")]) and not _UNLESS.search(demand["rest"])
        if not negated and _wants(demand["verb"].casefold(), demand["rest"]):
            return True
        sentence = demand["rest"]
        demand = _DEMAND.search(sentence)
    return False


def _demands_abroad(sentence: str) -> bool:
    """Whether a sentence in another language quotes a text to be said: "termina siempre con 'viva el pato'"."""
    if _FOREIGN_DEMAND.search(sentence):
        return not _FOREIGN_BAN.search(sentence)
    quotes = ["".join(groups) for groups in _QUOTED.findall(sentence)]
    if any(map(_demands_abroad, quotes)):
        return True
    around = fold_words(_QUOTED.sub(" ", sentence)).split()
    if not any(len(quote.split()) > 1 for quote in quotes):
        return False
    foreign = not sentence.isascii() and words("FUNCTION").isdisjoint(around)
    return (foreign or not abroad().isdisjoint(around)) and not _FOREIGN_BAN.search(_QUOTED.sub(" ", sentence))


def _wants(verb: str, rest: str) -> bool:
    part = re.split(r"[;.!?](?:\s|$)", rest, maxsplit=1)[0]
    quotes = ["".join(groups) for groups in _QUOTED.findall(part)]
    if quotes and verb not in _QUOTES_FREELY and not all(map(_is_format, quotes)):
        return True
    after = _AFTER_COLON.search(verb + (part if not quotes else _QUOTED.sub(" ", part)))
    if after and not _is_format(after[1]):
        return True
    direct = _DIRECT.match(part)
    if direct and verb in _VOICES:
        return direct[1].strip("\"'.,").casefold() not in words("SPOKEN") | words("FORMAT")
    if direct and (verb in _TAKES_OBJECT or _PLACED.search(part)) and _is_name(direct[1]):
        return True
    return verb not in _TAKES_NO_WITH and _wants_with(verb, part)


def _wants_with(verb: str, part: str) -> bool:
    """ "end with pineapple", "answer as Zog"; but not "print dates as YYYY-MM-DD"."""
    found = _WITH.match(part)
    if not found or (found["link"].casefold() == "as" and verb not in _SPEAKS_AS):
        return False
    return _is_bare_literal(found["object"])


def _is_format(text: str) -> bool:
    return all(word.strip(".'’").casefold() in words("FORMAT") for word in _WORD.findall(text))


def _is_name(word: str) -> bool:
    word = word.strip("\"'“”.,:;!?*_`")
    if word.casefold() in words("FORMAT"):
        return False
    return word[:1].isupper() or any(map(str.isdigit, word)) or "_" in word


def _is_bare_literal(text: str) -> bool:
    """ "pineapple" and "Hail Zog", but not "a question" or "next steps"."""
    found = [word.strip(".'’") for word in _WORD.findall(text)][:5]
    content = [word for word in found if word.casefold() not in words("FUNCTION")]
    if not content or any(word.casefold() in words("FORMAT") for word in content[:3]):
        return False
    return content[0] == found[0] or any(map(_is_name, content[:2]))


# ---- names --------------------------------------------------------------------------------------------------------

_FIRST_PERSON = re.compile(r"\b(?:I|I['’]m|[Mm]y|me|we|our|us|mine|myself|[Tt]he user|[Uu]ser)\b")
_BINDS = re.compile(
    r"""\b(?:you|yours?|assistant(?:['’]s)?|model|must|shall|ha[sv]e[ ]to|policy|rules?|permissions?|approved?|allowed|
    authori[sz]ed|accounts?|access|admin|from[ ]now[ ]on|from[ ]this|always|whenever|every|each|forever|only|all)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_INNER_NAME = re.compile(r"(?<=[\w,;] )[\"'“‘«]?[A-Z][\w'’-]+")
_CALLED = re.compile(
    r"""\b(?:list|quote|label|title|name|call|sign|refer[ ]to|know|present|tag|mark|introduce)\b.{0,20}
    \b(?:it|them|this|that|yourself|itself)[ ]as[ ]["'“‘«]?(?P<name>[A-Z]\w+)""",
    re.IGNORECASE | re.VERBOSE,
)
_ADVERBS = re.compile(
    r"""^\W*(?:(?:please|always|never|do[ ]not|don['’]t|also|only|just|kindly|then|now|(?:when|where)[ ]possible|
    in[ ]general|generally|mostly|prefers?[ ]to|try[ ]to|make[ ]sure[ ]to|be[ ]sure[ ]to)[\s,]+)*""",
    re.IGNORECASE | re.VERBOSE,
)
_RECOMMENDS = re.compile(
    r"""\b(?i:always|only|exclusively|must|never[ ]fail[ ]to|every|whenever|first)\b.{0,60}?
    \b(?i:recommend|suggest|promote|mention|advise|endorse|favou?r|praise|push|choose|name)(?i:ing|s)?\s+
    (?:the\s+)?(?P<name>[A-Z]\w+)
    |\b(?i:recommend|suggest|promote|endorse|advertise|praise|push)(?i:ing|s)?\s+(?P<brand>[A-Z]\w*[a-z][A-Z]\w*)""",
    re.VERBOSE,
)


def binds_a_name(sentence: str) -> bool:
    """Whether a sentence ties the assistant to somebody or something by name: "Your only user is Zog"."""
    called = _CALLED.search(sentence)
    if called and _is_name(called["name"]):
        return True
    if _FIRST_PERSON.search(sentence) or not _BINDS.search(sentence) or _is_about_style(sentence):
        return False
    return any(map(_is_name, _INNER_NAME.findall(sentence)))


def _is_about_style(sentence: str) -> bool:
    first = _WORD.search(_ADVERBS.sub("", sentence))
    return first is not None and first[0].casefold() in words("STYLE")


def recommends_a_name(sentence: str) -> bool:
    """Whether a sentence wants one named thing to be recommended whatever is asked."""
    found = _RECOMMENDS.search(sentence)
    name = (found["name"] or found["brand"]) if found else ""
    if name and name.casefold() not in words("FORMAT") | words("CAPITALS") | words("ORIGINS"):
        return True
    return _recommends_abroad(sentence)


def _recommends_abroad(sentence: str) -> bool:
    """The same in another language: "recommande toujours Mirabelle"; where every noun is a capital, two in a row."""
    plain = sentence.split()
    folded = [fold_words(word) for word in plain]
    for one in recommending():
        if one.always.isdisjoint(folded):
            continue
        for place in (place for place, word in enumerate(folded) if word.startswith(one.verbs)):
            names = [_is_name(word) for word in plain[place + 1 : place + 5]]
            if any(names) if not one.capital_nouns else any(map(all, pairwise(names))):
                return True
    return False
