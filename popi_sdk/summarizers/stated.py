"""What the user said about how to be answered, as wishes in the user's own words or in ours.

A statement is repeated in the user's words, sentence by sentence, when a sentence is shaped like a preference or an
instruction about answers; "I had soup for lunch" is not. Remarks in chats and the reasons of ratings are recognised by
`topics` and worded by us: their words never appear. A persona becomes one clause about the user.

About one aspect the newest word wins; saying the same again is one wish with both signals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from popi_sdk.signals import Persona
from popi_sdk.summarizers.evidence import Said
from popi_sdk.summarizers.topics import Wish, remarks, wishes

LONGEST = 200
"""Characters of one sentence or persona that are repeated; a longer one ends at a word, with a mark."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One thing the user asked for: the wishes in it, and its words when they may be repeated.

    `place` is the place of its signal and that of the sentence in it.
    """

    wishes: tuple[Wish, ...]
    words: str
    signal_ids: tuple[str, ...]
    place: tuple[int, int]
    asked_first: bool = False


_VERBS = """
use give write keep avoid be explain show put include add start begin end finish cite link answer reply respond tell ask skip
stop call address format structure summarize summarise stick speak talk treat assume prefer limit break number bold highlight
compare mention quote translate convert round spell wrap leave make let get go try check verify search look run return
output print provide offer list suggest recommend remember focus point lead close sign say admit flag warn mark label name
define describe illustrate draw visualize outline draft propose correct fix proofread challenge push disagree criticize praise
encourage joke swear drop omit exclude remove hold cut trim shorten expand elaborate dig refer reference attribute follow respect
adopt match mirror simplify stay act pretend think double-check prioritize prioritise emphasize emphasise state separate order
sort group bring walk teach guide help consider note type indent comment document capitalize capitalise underline italicize
express present organize organise divide split minimize minimise maximize refrain default favor favour pick choose choose greet
thank apologize apologise imagine back support justify prove derive calculate compute annotate attach embed reserve confirm
clarify rephrase repeat restate paraphrase polish sound read aim ensure phrase word tailor adapt adjust personalize season spice
save spare hit ping feel hablame just only always never please don't do dont
antworte antworten schreib schreibe erkläre nutze benutze verwende gib sprich fasse nenne vermeide sei duze sieze halte zeig bitte
immer nie réponds répondez utilise utilisez écris écrivez explique expliquez donne donnez évite évitez sois soyez fais faites
tutoie vouvoie parle parlez responde responda respóndeme usa use explica explícame da dame escribe habla háblame evita sé hazlo
siempre nunca sempre fale escreva explique dê seja rispondi usa spiega scrivi dammi parla sii antwoord gebruik schrijf leg geef
wees vermijd altijd nooit отвечай отвечайте пиши пишите объясняй объясняйте используй используйте давай говори избегай всегда
никогда пожалуйста
"""
_IMPERATIVES = frozenset(_VERBS.split())
_CJK_ASKING = re.compile(
    r"请|不要|别|希望|喜欢|回答|回复|用.{1,8}(?:写|说|解释)|总是|ください|下さい|お願い|てほしい|しないで|が好き|答え|説明|使って|해 ?주세요|대답|"
    r"설명|말아|답변|简|详|短|例|リスト|列表"
)
_ABOUT_ANSWERS = re.compile(
    r"\b(?:answers?|answering|answered|repl(?:y|ies)|respon[ds]\w*|explanations?|explain\w*|tone|wording|format\w*|units?|metric|imperial|"
    r"celsius|fahrenheit|kilomet\w+|spelling|spelled|spelt|grammar|punctuation|commas?|idioms?|acronyms?|abbreviations?|language|english|british|american|markdown|latex|html|json|yaml|"
    r"csv|prose|paragraphs?|sentences?|bullets?|lists?|headings?|tables?|emojis?|emoticons?|examples?|analog\w+|jargon|buzzwords?|citations?|"
    r"sources?|references?|footnotes?|links?|code|snippets?|pseudocode|comments|tl;?dr|summar\w+|concise|brief|short(?:er)?|detail\w*|"
    r"in[- ]depth|thorough|step[- ]by[- ]step|formal\w*|informal\w*|casual\w*|humou?r|jokes?|sarcas\w+|small talk|preamble|disclaimers?|"
    r"caveats?|hedg\w+|flattery|pronouns?|dates?|times?|24[- ]hour|iso|decimals?|figures|numbers?|currency|euros?|dollars|words|"
    r"bold|italics?|capitals?|caps|exclamation\w*|questions?|assistant|chatbot|ai|bot|prompts?|messages?|"
    r"tool|tools|search|browse|calculator|verbos\w*|fluff|filler|wordy|simple|plain|technical|beginner|expert|tutorials?|instructions?|docs|"
    r"type hints|docstrings?|python|javascript|typescript|rust|java|sql|bash|code style|tabs|"
    r"antwort\w*|erklär\w*|beispiel\w*|réponses?|exemples?|explications?|respuestas?|ejemplos?|explicaci\w+|respostas?|exemplos?|rispost[ae]|"
    r"esempi|spiegazion\w+|antwoord\w*|voorbeeld\w*|uitleg|ответ\w*|пример\w*|объясн\w*)\b"
)
_STRONG = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|respon(?:d|se|ses)|explanations?|tone|jargon|emojis?|bullet\w*|markdown|when you|that you|how you|if you|"
    r"your|tl;?dr|eli5|antworten?|réponses?|respuestas?|respostas?|rispost[ae]|antwoord\w*)\b|ответ"
)
_PREFERRING = re.compile(
    r"\b(?:i|i'd|i'm|we|my|me|it)\b.{0,40}\b(?:prefer\w*|preferences?|rather|want|wants|need|needs|would like|'d like|like it when|like when|love it "
    r"when|hate it when|don't like|dislike|can't stand|appreciate|expect|favou?r\w*|a fan of|works best|helps? me|to me\b|tend to|"
    r"annoys me|bothers me|hate|love|like|enjoy|find)\b|\bprefer(?:red|ably|s)?\b|\bich (?:mag|bevorzuge|möchte|hätte|will|hasse|brauche)\b|\bje "
    r"(?:préfère|veux|voudrais|déteste|n'aime pas|aime)\b|\bj'aime\b|\b(?:prefiero|me gusta|me gustan|quiero|odio|prefiro|gosto|quero|"
    r"preferisco|mi piac\w+|vorrei|voglio|ik (?:wil|heb liever|hou)|liever)\b|\b(?:предпочитаю|люблю|хочу|нравится|нравятся)\b"
)
_CERTAIN = re.compile(
    r"\bplease\b|\bpls\b|\bkindly\b|\bprefer(?:s|red|ably)?\b|\bbitte\b|\bs'il (?:te|vous) pla|\bpor favor\b|\bper favore\b|\balsjeblieft\b|"
    r"\bcall me\b|\b(?:answer|reply|respond|speak|write|talk|explain\w*) (?:to )?(?:me|in|with|like|as|using)\b|"
    r"\b(?:when|whenever|if) (?:you|i|there|it|in doubt|answering|explaining|possible|the)\b.{0,80},|\byou (?:can|may|should|don't need|needn't|"
    r"do not need|must|could|shouldn't)\b"
)
_ABOUT_ME = re.compile(
    r"^(?:i'?m|i am) (?:an? |new to|learning|studying|dyslexic|colou?r[- ]?blind|blind|deaf|autistic|vegan|vegetarian|allergic|bilingual|fluent|not a "
    r"native|non-native|familiar|unfamiliar|comfortable|\d+ years old|in (?:high school|college|grade|year)|from|based in|preparing)|^(?:i "
    r"(?:have|'ve got) (?:adhd|dyslexia|autism|a (?:phd|degree|background|masters?|disability)|no (?:background|experience)|little "
    r"(?:background|experience|time))|i(?:'m| am)? (?:speak|work|live|teach|study|code|program|know|use|using|run|running)\b|my (?:name|native language|first language|"
    r"mother tongue|job|background|level|english|pronouns|time ?zone)\b|english (?:is|isn't) (?:not )?my)|^ich bin |^je suis |^soy |^sou |^sono |"
    r"^ik ben "
)
_PUBLIC = re.compile(
    r"\b(?:government|councils?|tax(?:es|ed|ation)?|vot(?:e|es|ing|ers?)|elections?|politic\w*|city|cities|town|county|country|countries|"
    r"nation\w*|citizens?|people|society|communit\w+|public|laws?|police|policy|policies|immigra\w*|schools?|housing|economy|minimum wage|"
    r"climate|party|parliament|mayor|president|minister|capitalis\w+|socialis\w+|democra\w*|rights|workers|poverty|students should|"
    r"businesses|corporations?|downtown|brexit|welfare|wealth\w*|bowling green|residents|kentucky|drivers|parks?|traffic|ubi|species|wildlife|"
    r"environment\w*|healthcare|hospitals|gender|racis\w+|religio\w+|landlords?|labour|conservatives?)\b"
)
_EVENT = re.compile(
    r"^(?:today|yesterday|tonight|tomorrow|last (?:night|week|year)|this morning)\b|^(?:i|we|he|she|they|it|my \w+) (?:had|went|was|were|saw|ate|met|"
    r"used|bought|got|did|came|took|made|found|heard|visited|drove|flew|slept|woke|watched|played|lost|won|cooked|finished|just)\b"
)
_SMALL_TALK = re.compile(
    r"(?:hi|hello|hey|yo|hiya|good (?:morning|afternoon|evening|night|day)|thanks?(?: you)?(?: so much| a lot| very much)?|thx|cheers|bye|"
    r"goodbye|ok(?:ay)?|yes|no|sure|great|nice|cool|lol|haha|hallo|guten (?:tag|morgen)|danke|bonjour|salut|merci|hola|gracias|olá|oi|"
    r"obrigad[oa]|ciao|grazie|dank je|how are you(?: doing| today)?|what's up|sup|test)(?: there| all| everyone| again| please)?"
)
_FRAGMENT = re.compile(
    r"^(?:no|less|more|fewer|only|just|always|never|minimal|without|plenty of|lots of|zero|not (?:too|so)|keine?|ohne|mehr|weniger|sans|pas de|plus "
    r"de|moins de|sin|más|menos|sem|mais|senza|niente|più|meno|geen|zonder|meer|minder|без|больше|меньше)\b"
)
_SENTENCES = re.compile(r"(?<=[.!?…])(?<!e\.g\.)(?<!i\.e\.)(?<!\b[A-Z]\.)(?<!etc\.)(?<!vs\.)[\"'”’)]*\s+(?=\S)|(?<=[。！？])|\s*\n\s*(?:[-*•]\s+|\d+[.)]\s+)?")


_ENDS = (".", "!", "?", "…", "。", "！", "？")
_CJK_END = re.compile("[\u3040-\u30ff\u3400-\u9fff]$")
_LOOSE = frozenset({"code", "sources", "numbers", "questions", "hedging", "caveats", "options", "headings", "steps"})
"""Aspects of which one may say several things that do not contradict each other ("comment code", "run code first")."""


def spoken(said: Sequence[Said]) -> list[Spoken]:
    """All wishes among what the user said, newest first, contradictions settled and repeats joined."""
    found = [wish for one in said for wish in (_of_statement(one) if one.quotable else _of_remark(one))]
    return _settle(_only_repeated_first_turns(found))


def about_user(personas: Sequence[Persona]) -> tuple[str, tuple[str, ...]]:
    """One line about the user from all personas (newest attribute wins), and the signals behind it."""
    attributes: dict[str, str] = {}
    texts: list[str] = []
    ids: list[str] = []
    for persona in personas:
        ids.append(persona.id)
        for name, value in (persona.attributes or {}).items():
            if line := _attribute(name, value):
                attributes[name.strip().lower().replace("_", " ")] = line
        if persona.text:
            texts = [_shorten(" ".join(persona.text.split()))]
    parts = "; ".join([*attributes.values(), *texts]).rstrip(" .;")
    return (f"About the user: {_shorten(parts).rstrip(' .;')}.", tuple(ids)) if parts else ("", ())


def _attribute(name: str, value: object) -> str:
    """An attribute as people say it: a bare occupation, "speaks French", else "name: value"."""
    words = " ".join(name.lower().replace("_", " ").split())
    if isinstance(value, bool):
        return words if value else f"not {words}"
    if isinstance(value, (list, tuple)):
        content = ", ".join(" ".join(str(item).split()) for item in value)
    else:
        content = " ".join(str(value).split())
    if words in ("occupation", "job", "profession", "role", "job title"):
        return content
    if words in ("language", "languages", "native language", "speaks", "locale language"):
        return f"speaks {content}"
    return f"{words}: {content}" if content else ""


def _shorten(text: str) -> str:
    """At most `LONGEST` characters, ending with a sentence where one ends, else with a word and a mark."""
    if len(text) <= LONGEST:
        return text
    head = text[: LONGEST + 1]
    ends = [match.end() for match in re.finditer(r"[.!?;。！？](?=\s|$)|[。！？]", head)]
    if ends and ends[-1] >= LONGEST // 4:
        return head[: ends[-1]].strip()
    cut = head[: LONGEST - 1].rsplit(" ", 1)[0] if " " in head[: LONGEST - 1] else head[: LONGEST - 1]
    return cut.rstrip(" ,;:") + "…"


def _of_statement(one: Said) -> Iterator[Spoken]:
    """The sentences of a statement that say how to answer, in their own words."""
    for line, sentence in enumerate(_SENTENCES.split(one.text[:4000])):
        words = _shorten(" ".join(sentence.split()).strip("-*• "))
        if not words or not _says_how(words):
            continue
        words = words[0].upper() + words[1:]
        closed = words if words.endswith(_ENDS) else words + ("。" if _CJK_END.search(words) else ".")
        meant = wishes(words) + _settings(words.lower())
        yield Spoken(meant, closed, (one.signal_id,), (one.place, line))


def _says_how(sentence: str) -> bool:
    """Whether a sentence of a statement is about how to be answered; in doubt it is, for that is what statements are for."""
    lowered = sentence.lower().replace("’", "'").strip(" .!?,")
    words = re.findall(r"[^\W_]+(?:['-][^\W_]+)*", lowered)
    if not re.search(r"[^\W\d_]", lowered) or _SMALL_TALK.fullmatch(lowered):
        return False
    if _CJK_ASKING.search(lowered):
        return True
    strong = _STRONG.search(lowered) is not None
    topical = strong or (len(words) <= 9 and (_ABOUT_ANSWERS.search(lowered) is not None or bool(wishes(lowered))))
    if (_EVENT.search(lowered) and not topical) or (_PUBLIC.search(lowered) and not strong):
        return False
    shapes = (_CERTAIN.search(lowered), words[0] in _IMPERATIVES and len(words) > 1, _ABOUT_ME.search(lowered))
    if any(shapes):
        return True
    if not topical:
        return len(words) <= 6 and words[-1] in ("only", "first", "always", "instead")
    early = _ABOUT_ANSWERS.search(" ".join(words[:4]))
    ruling = re.search(r"\b(?:should|must|have to|always|never|only|first|instead|over|rather)\b", lowered)
    return bool(_PREFERRING.search(lowered) or len(words) <= 7 or _FRAGMENT.search(lowered) or (early and ruling))


def _settings(lowered: str) -> tuple[Wish, ...]:
    """Aspects with a value of their own: units, spelling, what to call the user."""
    found = []
    for aspect, values in {
        "units": {"metric": r"\bmetric|celsius|kilomet", "imperial": r"\bimperial|fahrenheit|\bmiles\b"},
        "spelling": {"british": r"\b(?:british|uk) (?:english )?spell|british english", "american": r"\b(?:american|us) (?:english )?spell|american english"},
    }.items():
        found += [Wish(aspect, value) for value, pattern in values.items() if re.search(pattern, lowered)][:1]
    if name := re.search(r"\b(?<!don't )(?<!not )(?<!never )call me (\w+)", lowered):
        found.append(Wish("address", name[1]))
    return tuple(found)


def _of_remark(one: Said) -> Iterator[Spoken]:
    """Wishes in a reason or a turn of a chat; long turns are matter to work on, not remarks."""
    if one.mood is not None:
        meant = dict.fromkeys([*remarks(one.text), *wishes(one.text, disliked=one.mood < 0)]) if len(one.text) < 600 else {}
        aspects = {wish.aspect: wish for wish in reversed(meant)}
        meant = dict.fromkeys(wish for wish in meant if aspects[wish.aspect] is wish or aspects[wish.aspect] == wish)
    else:
        meant = dict.fromkeys(remarks(one.text)) if len(one.text.split()) <= 40 else {}
    for wish in meant:
        yield Spoken((wish,), "", (one.signal_id,), (one.place, 0), asked_first=not one.follows_answer)


def _only_repeated_first_turns(found: Sequence[Spoken]) -> list[Spoken]:
    """A first question "in simple terms" may be about that question; only in several chats it is about the user."""
    signals: dict[tuple[Wish, ...], set[str]] = {}
    for one in found:
        if one.asked_first:
            signals.setdefault(one.wishes, set()).update(one.signal_ids)
    return [one for one in found if not one.asked_first or len(signals[one.wishes]) > 1]


def _settle(found: Sequence[Spoken]) -> list[Spoken]:
    """Newest first; an older word goes where a newer one speaks of its aspects, its signals staying with a repeat.

    A sentence about several things loses only what a newer one contradicts, and then is worded by us.
    """
    settled: list[Spoken] = []
    for one in sorted(found, key=lambda one: one.place, reverse=True):
        same = next((i for i, newer in enumerate(settled) if _repeats(one, newer)), None)
        if same is not None:
            ids = tuple(dict.fromkeys((*one.signal_ids, *settled[same].signal_ids)))
            settled[same] = replace(settled[same], signal_ids=ids)
            continue
        decided = {wish.aspect: wish.direction for newer in settled for wish in newer.wishes}
        left = tuple(w for w in one.wishes if w.aspect in _LOOSE or decided.get(w.aspect, w.direction) == w.direction)
        if left == one.wishes:
            settled.append(one)
        elif left:
            settled.append(replace(one, wishes=left, words=""))
    return sorted(settled, key=lambda one: (-one.place[0], one.place[1]))


def _repeats(older: Spoken, newer: Spoken) -> bool:
    """Whether an older word adds nothing to a newer one: the same words, or the same plain wishes."""
    if older.words and older.words.casefold() == newer.words.casefold():
        return True
    plain = not any(wish.aspect in _LOOSE for wish in older.wishes) and len(older.words.split()) <= 10
    return bool(older.wishes) and set(older.wishes) <= set(newer.wishes) and (plain or not older.words)
