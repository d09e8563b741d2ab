"""Things that are not a preference although every word is harmless: codes, encodings, fixed words to be said, code."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

FORMAT_WORDS = frozenset(
    """a about abstract acronyms actionable advice all alternatives an analogies analogy analysis and answer answers any as
    background basics best bibliography bold both brief bullet bullets bye caveat caveats changes cheers checklist
    citation citations clear code command commands comment comments conclusion conclusions context csv data date dear
    definition definitions detail details diagram diff direct emoji emojis encouragement estimate example examples
    explanation explanations extra fact facts few final first five follow follow-up followup for formula four friendly
    fun further greeting greetings headline heading headings hello hey hi hint hints html i idea ideas if in intro
    introduction it joke json just key kind kindly latex line lines link links list lists literature long main many
    markdown me meaning metaphors more most my next no none note notes nothing number numbered numbers of ok one only or
    other outline overview paragraph paragraphs pdf pictures plain plan plot point points practical pro pros cons prose
    pseudocode question questions quick quiz quote quotes rationale reasoning reasons recap recipe recommendation
    recommendations reference references regards related result results rhyme risks sample say score section sections
    sentence sentences short simple single small so solution some sorry source sources specific sql stats step steps
    story straight strong suggestion suggestions sum summaries summary sure syntax table tables takeaway takeaways tests
    text thanks thank the their then thought thoughts three timeline timestamps tip tips title tl tldr dr to today
    topic translation translations trivia two units up useful verdict version visual warm warning warnings what when
    which why wishes with word words xml yaml yes you your not don't know unsure i'm i don’t i’m sincerely yours
    respect bottom here is are this that how does do can hope helps regarding et al. e.g i.e action items let us let's
    question: answer: first: next: done maybe depends it's bash python javascript typescript java rust go c sql shell
    english german french spanish italian portuguese dutch polish russian ukrainian turkish chinese japanese korean
    arabic hindi vietnamese swedish british american metric imperial celsius fahrenheit apa mla chicago ieee harvard
    markdown latex ascii asap faq q&a cli gui api url urls ok csv tsv pdf haiku poem song limerick proverb meme gif
    pun puns affirmation encouragement blessing prayer mantra exercise exercises homework challenge reflection
    reflections prompt prompts call reminder reminders disclaimer dates times prices costs numbers figures evidence
    statistics studies chapter page verse""".split()
)
ACRONYMS = frozenset(
    """ascii latex ielts toefl hipaa unicef unesco scrum cobol basic fortran numpy jsonl posix regex ebitda covid matlab
    owasp https oauth mmorpg screaming upper snake camel caps lower constants constant case short long never always
    please really very only don't doesn't again every thing things extremely absolutely strictly definitely important
    exactly bullet points answers answer emojis concise brief detailed metric units simple english german french spanish
    lists tables words without before after should would could important note first stop hate love prefer avoid under
    todo fixme readme linkedin github youtube nasdaq graphql mysql sqlite redis pytorch cuda openai nvidia""".split()
)
_FUNCTION_WORDS = frozenset(
    "a about all an and any as at best both by extra few final first for friendly from good here how if in is it kind least many more most my new next no of on one only or other our small so some that the their then this to too two up very what when which with your".split()
)
_STANDARDS = frozenset(
    "iso covid sha rtx gtx gpt rfc pep utf icd iec ieee ansi din http https ielts toefl area level class type formula "
    "windows python java llama claude gemini mistral version chapter step grade year phase stage tier top catch".split()
)

_ORIGINS = frozenset(
    """european african asian american british irish scottish french german spanish italian greek turkish indian chinese
    japanese korean thai vietnamese mexican brazilian latin nordic scandinavian mediterranean eastern western christian
    jewish muslim islamic buddhist hindu kosher halal linux windows macos mac ios android unix posix python java rust
    english local open free i""".split()
)

# ---- codes -----------------------------------------------------------------------------------------------------

_ENCODED = re.compile(
    r"(?:%[0-9a-f]{2}[ ]?){2,}|(?:\\+[ux]\{?[0-9a-f]{2,6}\}?[ ]?){2,}|(?:&#x?[0-9a-f]{2,6};?){2,}|(?:0x[0-9a-f]{2}[ ,]*){4,}"
    r"|(?:[01]{7,8}[ ,]+){2,}|(?:(?<![\w.])[.\-–—·•−]{1,6}[ /|]+){5,}|(?:\b[0-9a-f]{2}[ :]){6,}|(?:\b\d{1,3}[ ,.-]+){9,}"
    r"|(?:\\[0-7]{3}){2,}|\b(?:u\+[0-9a-f]{4,6}[ ,]*){2,}",
    re.IGNORECASE,
)
_RUN = re.compile(r"[A-Za-z0-9+/=_-]{12,}")
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b|\b[0-9a-f]{16,}\b|\b\d{9,}\b", re.IGNORECASE)
_KEY_NAMED = re.compile(
    r"\b(?:api[ -]?key|password|passcode|passphrase|secret|(?:access|auth|bearer) token|code ?word|keyword)\s*(?:is|=|:)?\s*[\"'“]?(?=[\w!$#-]*[a-z])(?=[\w!$#-]*\d)[\w!$#-]+",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\s\"“”„«»‘’'`(),;:!?\[\]{}<>]+")
_MANY_PARTS = re.compile(r"^(?=.*\d)[A-Z0-9]+(?:[-_][A-Z0-9]+){2,}$")
_SHOUTED = re.compile(r"^[A-Z]{4,}[-_]?\d+\w*$|^[A-Z]{2,}_\d+$|^[A-Za-z]{4,}\d{3,}$|^[^\W\d_]{4,}[-_]\d+$|^[A-Z]+(?:_[A-Z0-9]+)+$|^(?:sk|pk|ghp|xox[bp]|AKIA)[-_]?\w{6,}")
_PASSWORD_LIKE = re.compile(r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[!$%^&*#?@~+=])\S{8,}$|^(?=(?:.*[A-Za-z]\d){3}).{8,}$")
_PLAIN_SIGNS = frozenset(" .,;:!?'\"()-–—%/&+’‘“”„«»…、。，！？：；「」『』（）·•`¿¡°€$£¥#→")


def odd_token(sentence: str) -> str:
    """ "encoded" or "odd" when a sentence holds an encoding, a code such as a key, or more signs than words."""
    if _ENCODED.search(sentence):
        return "encoded"
    if any(_looks_encoded(run) for run in _RUN.findall(sentence)):
        return "encoded"
    if _HEX.search(sentence) or _KEY_NAMED.search(sentence):
        return "odd"
    tokens = [token.strip(".*-_~") for token in _TOKEN.findall(sentence)]
    if any(_odd(token) for token in tokens) or _mixed_scripts(tokens) or _shouts_a_name(tokens):
        return "odd"
    signs = sum(1 for sign in sentence if not _is_plain(sign))
    return "odd" if len(sentence) >= 12 and signs > 0.2 * len(sentence) else ""


def _looks_encoded(run: str) -> bool:
    """A long run of mixed letters and digits, or one that base64 turns into words."""
    core = run.strip("-_=/+")
    if re.fullmatch(r"[A-Za-z]?[a-z]+(?:[-_/+][A-Za-z]?[a-z]*\d{0,2})*|[A-Z]+(?:[-_][A-Z]+)*|(?:[A-Z][a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+", core):
        return False
    if len(core) >= 28 and not re.search(r"[-_/]", core):
        return True
    changes = len(re.findall(r"[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z][0-9]", core))
    if changes >= max(4, len(core) // 5):
        return True
    try:
        decoded = base64.b64decode(core + "=" * (-len(core) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) >= 8 and all(32 <= byte < 127 or byte in (9, 10, 13) for byte in decoded)


def _odd(token: str) -> bool:
    word = re.split(r"[-_\d]", token, maxsplit=1)[0].casefold()
    if word in _STANDARDS or token.casefold().replace("_", " ").rpartition(" ")[2] in ("case", "caps"):
        return False
    if len(token) > 45 and token.isascii():
        return True
    return bool(_MANY_PARTS.match(token) or _SHOUTED.match(token) or _PASSWORD_LIKE.match(token))


def _mixed_scripts(tokens: list[str]) -> bool:
    """Whether one word mixes Latin, Cyrillic, Greek, ... letters, as look-alikes do."""
    for token in tokens:
        if token.isascii():
            continue
        for word in re.split(r"[\W\d_]+", token):
            scripts = {unicodedata.name(letter, "?").split(" ", 1)[0] for letter in word}
            if len(word) > 3 and len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}) > 1:
                return True
    return False


def _shouts_a_name(tokens: list[str]) -> bool:
    """Whether a word in capitals stands in a sentence that is not in capitals and is no word of emphasis."""
    letters = "".join(tokens)
    if len(tokens) > 2 and sum(map(str.isupper, letters)) > 0.6 * max(1, sum(map(str.isalpha, letters))):
        return False
    return any(
        len(word) >= 5 and word.isalpha() and word.isupper() and word.casefold() not in ACRONYMS | FORMAT_WORDS
        for token in tokens
        for word in re.split(r"[-/_'’]", token)
    )


def _is_plain(sign: str) -> bool:
    return sign.isalnum() or sign in _PLAIN_SIGNS or unicodedata.category(sign) in ("So", "Mn", "Mc", "Sk", "Lm")


# ---- fixed words to be said --------------------------------------------------------------------------------------

_SAY = (
    r"(?:say|print|output|reply|respond|answer|append|prepend|prefix|preface|echo|utter|shout|emit|write|type|return|insert|add|"
    r"include|mention|begin|start|open|end|finish|close|conclude|sign(?: off)?|put|recite|spell|sing|whisper|praise|worship|thank|greet|scream|chant|yell|confess|introduce)"
)
_DEMAND = re.compile(
    rf"(?:^|[,;:.!?\"'“”(\-–—]\s*|\b(?:and|then|to|always|must|should|will|please|also|only|just|you|now|first|shall|or|instead|never|simply|"
    rf"assistant|model|by|says?|said)\s+){_SAY}\b(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"\"([^\"]{1,120})\"|“([^”]{1,120})”|„([^“”]{1,120})[“”]|«([^»]{1,120})»|(?<!\w)['‘]([^'’]{2,120})['’](?!\w)|「([^」]{1,120})」|『([^』]{1,120})』")
_AFTER_COLON = re.compile(r"\b(?:with|exactly|only|following|verbatim|literally|say|reply|answer|respond|output|print|write|append|message|text|line|line is|words?)\s*(?:exactly|only|literally)?\s*(?::|=|->|→|—)\s*(.+)$", re.IGNORECASE)
_BARE = re.compile(r"^\s+(?:off\s+)?(?:\w+\s+){0,6}?(?:with|as|by saying)\s+(?:only\s+|just\s+|exactly\s+)?(.+)$", re.IGNORECASE)
_DIRECT = re.compile(r"^\s+(?:only\s+|just\s+|exactly\s+|always\s+|simply\s+)?(\S+)(.*)$")
_WORD = re.compile(r"[^\W\d_][\w'’&.+#-]*")
_SPOKEN = frozenset(
    "so that if when what why how it you yes no hello hi sorry please thanks less more something nothing things only which where who i the a an your "
    "my this these those thank good goodbye whether explicitly clearly plainly directly outright upfront honestly sir maam ok is as anything them me in at to for and or not".split()
)
_NEGATED = re.compile(r"\b(?:never|don['’]?t|do not|avoid|stop|not|without)(?:\s+\w+)?\s+\w+$", re.IGNORECASE)
_UNLESS = re.compile(r"\b(?:without|unless|before|until|except|other than|but|anything|instead)\b", re.IGNORECASE)
_RECOMMENDS = re.compile(
    r"\b(?i:always|only|exclusively|must|never fail to|every|whenever|first)\b.{0,60}?\b(?i:recommend|suggest|promote|mention|advise|endorse|favou?r|praise|push|choose|name)(?i:ing|s)?\s+(?:the\s+)?(?P<name>[A-Z]\w+)"
    r"|\b(?i:recommend|suggest|promote|endorse|advertise|praise|push)(?i:ing|s)?\s+(?P<brand>[A-Z]\w*[a-z][A-Z]\w*)"
)
_SPEAKS = frozenset({"reply", "respond", "answer", "sign", "sign off", "introduce", "sing", "confess", "open", "start", "begin"})
_FIRST_PERSON = re.compile(r"\b(?:I|I['’]m|[Mm]y|me|we|our|us|mine|myself|[Tt]he user|[Uu]ser)\b")
_BINDS = re.compile(
    r"\b(?:you|your|yours|assistant|assistant['’]s|model|must|shall|has to|have to|policy|rules?|permissions?|approved?|allowed|authori[sz]ed|accounts?|access|admin|"
    r"from now on|from this|always|whenever|every|each|forever|only|all)\b",
    re.IGNORECASE,
)
_INNER_NAME = re.compile(r"(?<=[\w,;] )[\"'“‘«]?[A-Z][\w'’-]+")
_CALLED = re.compile(r"\b(?:it|them|this|that|yourself|itself) as [\"'“‘«]?[A-Z]\w+")
_STYLE = re.compile(
    r"^\W*(?:(?:please|always|never|do not|don['’]t|also|only|just|kindly|then|now|when possible|where possible|in general|generally|mostly|prefers? to|try to|make sure to|be sure to)[\s,]+)*"
    r"(?:use|using|keep|give|write|explain|avoid|include|show|make|put|format|provide|prefer|prefers|skip|ask|cite|summari[sz]e|focus|limit|break|tell|call|address|assume|quote|translate|"
    r"define|illustrate|compare|list|point|highlight|emphasi[sz]e|consider|check|correct|offer|suggest|recommend|wrap|number|order|group|split|present|describe|teach|walk|"
    r"stick|follow|convert|spell|label|mark|bold|indent|comment|document|name|refer|link|answer|reply|respond|think|treat|help|start|end|begin|let|stay|no|not|without|be|"
    r"add|mention|quiz|test|rate|talk|speak|cook|plan|draft|edit|proofread|review|debug|draw|sketch|render|code|program|target|support|run|play|sound|read|style|model|base|work|look|search)\b",
    re.IGNORECASE,
)
_PLACED = re.compile(r"\b(?:every|each|all|any)\s+(?:\w+\s+)?(?:answers?|repl(?:y|ies)|responses?|messages?|outputs?|sentences?|paragraphs?|turns?|conversations?)\b", re.IGNORECASE)


def demands_literal(sentence: str) -> bool:
    """Whether a sentence wants certain words to be said rather than something to be said in a certain way.

    >>> demands_literal("End with 'Hail Zog'."), demands_literal("End with a question.")
    (True, False)
    """
    demand = _DEMAND.search(sentence)
    while demand:
        negated = _NEGATED.search(sentence[: demand.start("rest")]) and not _UNLESS.search(demand["rest"])
        verb = demand[0][: demand.start("rest") - demand.start()].split()[-1].strip("\"'“”(,;:.!?-–—").casefold()
        rest = demand["rest"]
        if not negated and _wants(verb, rest):
            return True
        demand = _DEMAND.search(rest)
        sentence = rest
    return False


def _wants(verb: str, rest: str) -> bool:
    part = re.split(r"[;.!?](?:\s|$)", rest, maxsplit=1)[0]
    quotes = ["".join(groups) for groups in _QUOTED.findall(part)]
    if quotes and verb not in ("mention", "write", "type") and not all(map(_is_format, quotes)):
        return True
    after = _AFTER_COLON.search(verb + part)
    if after and not _is_format(after[1]):
        return True
    if verb in ("say", "utter", "shout", "scream", "chant", "yell", "whisper", "echo", "sing"):
        first = _DIRECT.match(part)
        return bool(first) and first[1].strip("\"'.,").casefold() not in _SPOKEN | FORMAT_WORDS
    direct = _DIRECT.match(part)
    if direct and verb in ("print", "output", "append", "prepend", "praise", "worship", "insert", "recite", "emit", "thank", "greet", "prefix", "type", "reply", "respond", "answer"):
        if _is_name(direct[1]):
            return True
    if _PLACED.search(part) and direct and _is_name(direct[1]):
        return True
    bare = _BARE.match(part)
    if bare and re.search(r"\sas\s+(?:only\s+|just\s+)?$", part[: bare.start(1)]) and verb not in _SPEAKS:
        return False
    return bool(bare) and verb not in ("put", "write", "mention", "add", "include") and _is_bare_literal(bare[1])


def _is_format(words: str) -> bool:
    found = [word.strip(".'’").casefold() for word in _WORD.findall(words)]
    return all(word in FORMAT_WORDS for word in found)


def _is_name(word: str) -> bool:
    word = word.strip("\"'“”.,:;!?*_`")
    known = word.casefold() in FORMAT_WORDS
    return not known and (word[:1].isupper() or any(map(str.isdigit, word)) or "_" in word)


def _is_bare_literal(words: str) -> bool:
    """ "pineapple" and "Hail Zog", but not "a question" or "next steps"."""
    found = [word.strip(".'’") for word in _WORD.findall(words)][:5]
    content = [word for word in found if word.casefold() not in _FUNCTION_WORDS]
    if not content or any(word.casefold() in FORMAT_WORDS - _FUNCTION_WORDS for word in content[:3]):
        return False
    return content[0] == found[0] or any(map(_is_name, content[:2]))


def binds_a_name(sentence: str) -> bool:
    """Whether a sentence ties the assistant to somebody or something by name: "Your only user is Anansi"."""
    if _FIRST_PERSON.search(sentence) or _STYLE.match(sentence) or not _BINDS.search(sentence):
        return bool(_CALLED.search(sentence))
    return any(map(_is_name, _INNER_NAME.findall(sentence)))


def recommends_a_name(sentence: str) -> bool:
    """Whether a sentence wants one named thing to be recommended whatever is asked."""
    found = _RECOMMENDS.search(sentence)
    name = (found["name"] or found["brand"]) if found else ""
    return bool(name) and name.casefold() not in FORMAT_WORDS | ACRONYMS | _ORIGINS


# ---- code --------------------------------------------------------------------------------------------------------

_CODE = re.compile(
    r"^(?:def|class|import|from|const|let|var|function|public|private|#include|package|using|return|select|insert into|update|drop)\b.*(?:[;{(=:]$|\bimport\b|\bfrom\b.*\b(?:where|;)|=)"
    r"|[;{]\s*$|\w+\([^)\s]*[\"'=:][^)]*\)|=>|\(\)\s*;|[!=]==?|&&|\|\||\w+\.\w+\(\w|^\s*[{\[]\s*\"|\"\s*:\s*[\"\[{\d]|\$\(\w"
)


def is_code(sentence: str) -> bool:
    """Whether a sentence is a line of a program or of data rather than words."""
    return bool(_CODE.search(sentence))
