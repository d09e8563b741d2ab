"""Whether a sentence is about how to be answered, by its shape.

A statement is something the user said about answers, so a sentence counts unless it is shaped like something else:
small talk, a question, an event, public affairs, an assertion about the world.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from popi_sdk.summarizers.topics import wishes

_VERBS = """
use give write keep avoid be explain show put include add start begin end finish cite link answer reply respond tell
ask skip stop call address format structure summarize summarise stick speak talk treat assume prefer limit break
number bold highlight compare mention quote translate convert round spell wrap leave make let get go try check
verify search look run return output print provide offer list suggest recommend remember focus point lead close sign
say admit flag warn mark label name define describe illustrate draw visualize outline draft propose correct fix
proofread challenge push disagree criticize praise encourage joke swear drop omit exclude remove hold cut trim
shorten expand elaborate dig refer reference attribute follow respect adopt match mirror simplify stay act pretend
think double-check prioritize prioritise emphasize emphasise state separate order sort group bring walk teach guide
help consider note type indent comment document capitalize capitalise underline italicize express present organize
organise divide split minimize minimise maximize refrain default favor favour pick choose greet thank apologize
apologise imagine back support justify prove derive calculate compute annotate attach embed reserve confirm clarify
rephrase repeat restate paraphrase polish sound read aim ensure hide reveal ignore quiz rate validate delete post
upload phrase word tailor adapt adjust personalize season spice save spare hit ping feel háblame just only always
role-play roleplay play disregard override bypass insert never please don't do dont antworte antworten schreib
schreibe erkläre nutze benutze verwende gib sprich fasse nenne
vermeide sei duze sieze halte zeig bitte immer nie réponds répondez utilise utilisez écris écrivez explique
expliquez donne donnez évite évitez sois soyez fais faites tutoie vouvoie parle parlez responde responda respóndeme
usa explica explícame da dame escribe habla evita sé hazlo siempre nunca sempre fale escreva dê seja rispondi spiega
scrivi dammi parla sii antwoord gebruik schrijf leg geef wees vermijd altijd nooit отвечай отвечайте пиши пишите
объясняй объясняйте используй используйте давай говори избегай всегда никогда пожалуйста
"""
_IMPERATIVES = frozenset(_VERBS.split())
_CJK_ASKING = re.compile(
    r"请|不要|别|希望|喜欢|回答|回复|用.{1,8}(?:写|说|解释)|总是|ください|下さい|お願い|てほしい|しないで|が好き|"
    r"答え|説明|使って|해 ?주세요|대답|설명|말아|답변|简|详|短|例|リスト|列表"
)
_ABOUT_ANSWERS = re.compile(
    r"\b(?:answers?|answering|answered|repl(?:y|ies)|respon[ds]\w*|explanations?|explain\w*|"
    r"recommendations?|suggestions?|tone|wording|"
    r"format\w*|units?|metric|imperial|celsius|fahrenheit|kilomet\w+|spelling|spelled|spelt|grammar|punctuation|"
    r"commas?|idioms?|acronyms?|abbreviations?|language|english|british|american|markdown|latex|html|json|yaml|"
    r"csv|prose|paragraphs?|sentences?|bullets?|lists?|headings?|tables?|emojis?|emoticons?|examples?|analog\w+|"
    r"jargon|buzzwords?|citations?|sources?|references?|footnotes?|links?|code|snippets?|pseudocode|comments|"
    r"tl;?dr|summar\w+|concise|brief|short(?:er)?|detail\w*|in[- ]depth|thorough|step[- ]by[- ]step|formal\w*|"
    r"informal\w*|casual\w*|humou?r|jokes?|sarcas\w+|small talk|preamble|disclaimers?|caveats?|hedg\w+|flattery|"
    r"pronouns?|dates?|times?|24[- ]hour|iso|decimals?|figures|numbers?|currency|euros?|dollars|words|bold|"
    r"italics?|capitals?|caps|exclamation\w*|questions?|assistant|chatbot|ai|bot|prompts?|messages?|tool|tools|"
    r"search|browse|calculator|verbos\w*|fluff|filler|wordy|simple|plain|technical|beginner|expert|tutorials?|"
    r"advice|feedback|"
    r"instructions?|docs|type hints|docstrings?|python|javascript|typescript|rust|java|sql|bash|code style|tabs|"
    r"pros and cons|"
    r"antwort\w*|erklär\w*|beispiel\w*|réponses?|exemples?|explications?|respuestas?|ejemplos?|explicaci\w+|"
    r"respostas?|exemplos?|rispost[ae]|esempi|spiegazion\w+|antwoord\w*|voorbeeld\w*|uitleg|ответ\w*|пример\w*|"
    r"объясн\w*)\b"
)
_ABOUT_WORDS = re.compile(_ABOUT_ANSWERS.pattern + r"|[\"'“‘]\w+[\"'”’]")
_ANSWERING_VERBS = frozenset(
    {"explain", "answer", "reply", "respond", "summarize", "summarise", "format", "cite", "describe", "translate"}
)
_WRITING_VERBS = frozenset({"write", "use", "list", "keep", "avoid"})
"""Said of answers as often as of the world."""
_ASSERTS = re.compile(
    r"^(?:i|we|he|she|they|it|there|this|that|these|those|the|an?|my|our|his|her|their|its|some|many|most|all|"
    r"every\w*|people|nobody|no one)\b.*\b(?:is|are|was|were|am|be|been|has|have|had|will|would|can|could|should|"
    r"must|may|might|does|did|do|\w+ed|\w+s|\w+n't)\b|\b(?:is|are|was|were|has|have|had|will|would|can't|cannot|"
    r"could|should|isn't|aren't|won't)\b|^(?:it|there|that|this)'s\b"
)
_MENTAL = re.compile(
    r"^(?:i|we)(?:'m| am|'re| are|'d| would|'ve| have)? (?:\w+ly )?(?:like|love|loved|hate|want|need|think|"
    r"believe|feel|hope|wish|agree|disagree|support|oppose|enjoy|guess|suppose|know that|wonder|doubt|remember|"
    r"see|miss|worry|worried|concerned|hungry|tired|sick|happy|sad|bored|late|back|here|fine|good|ok|okay|done|"
    r"going|watching|eating|waiting|leaving|sitting|excited|glad|angry|unsure|unhappy|sure|not sure|not|don't|"
    r"can't|can|could|should|will|do|did|just)\b|^not sure\b|^(?:in my opinion|imo|personally|honestly)\b"
)
_PRESENT_SELF = re.compile(r"^(?:i'm|i am|i) (?!\w+ed\b)(?!going\b|watching\b|eating\b|waiting\b)[a-z0-9]")
_STRONG = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|respon(?:d|se|ses)|explanations?|examples?|tone|jargon|emojis?|bullet\w*|markdown|"
    r"(?:treat|address|quiz|teach) me|"
    r"when you|that you|how you|if you|your|tl;?dr|eli5|antworten?|réponses?|respuestas?|respostas?|rispost[ae]|"
    r"antwoord\w*)\b|ответ"
)
_CERTAIN = re.compile(
    r"\bplease\b|\bpls\b|\bkindly\b|\bprefer(?:s|red|ably)?\b|\bbitte\b|\bs'il (?:te|vous) pla|\bpor favor\b|"
    r"\bper favore\b|\balsjeblieft\b|\bcall me\b|\b(?:answer|reply|respond|speak|write|talk|"
    r"explain\w*) (?:to )?(?:me|in|with|like|as|using)\b|\b(?:when|whenever|if) (?:you|i|there|it|in doubt|"
    r"answering|explaining|possible|the)\b.{0,80},|\byou (?:can|may|should|don't need|needn't|do not need|must|"
    r"could|shouldn't)\b|^(?:could|can|would|will) you\b|^let's (?:speak|talk in|write in|keep|use|stick)\b"
)
_ABOUT_ME = re.compile(
    r"^(?:i'?m|i am) (?:an? |new to|learning|studying|dyslexic|colou?r[- ]?blind|blind|deaf|autistic|vegan|"
    r"vegetarian|allergic|bilingual|fluent|not a native|non-native|familiar|unfamiliar|comfortable|\d+ years old|"
    r"in (?:high school|college|grade|year)|from|based in|preparing)|^(?:i (?:have|'ve got) (?:adhd|dyslexia|"
    r"autism|a (?:phd|degree|background|masters?|disability)|no (?:background|experience)|little (?:background|"
    r"experience|time))|i(?:'m| am)? (?:speak|work|live|teach|study|code|program|know|use|using|run|running)\b|"
    r"my (?:name|native language|first language|mother tongue|job|background|level|english|pronouns|time ?zone)\b|"
    r"english (?:is|isn't) (?:not )?my)|^(?:vegan|vegetarian|pescatarian|kosher|halal|gluten-free|lactose-free)$|"
    r"^ich bin |^je suis |^soy |^sou |^sono |^ik ben "
)
_PUBLIC = re.compile(
    r"\b(?:government|councils?|tax(?:es|ed|ation)?|vot(?:e|es|ing|ers?)|elections?|politic\w*|city|cities|town|"
    r"county|country|countries|nation\w*|citizens?|people|society|politicians?|communit\w+|public|laws?|police|"
    r"policy|policies|immigra\w*|schools?|housing|economy|wages?|transit|infrastructure|roads?|zoning|population|"
    r"commuters?|taxpayers?|jobs|climate|party|parliament|mayor|president|minister|capitalis[mt]s?|socialis[mt]s?|"
    r"democra\w*|rights|workers|poverty|students should|businesses|corporations?|downtown|brexit|welfare|"
    r"wealth\w*|residents|drivers|parks?|traffic|ubi|species|wildlife|environment\w*|"
    r"healthcare|hospitals|gender|racis\w+|religio\w+|landlords?|labour|conservatives?)\b"
)
_EVENT = re.compile(
    r"^(?:today|yesterday|tonight|tomorrow|last (?:night|week|year)|this morning|heute|gestern|aujourd'hui|hier|"
    r"hoy|ayer|hoje|ontem|oggi|ieri|vandaag|gisteren|сегодня|вчера)\b|^(?:今天|昨天|今日|昨日)|\b(?:today|"
    r"yesterday|tonight|right now)$|^(?:i|we|he|she|they|it|my \w+) (?:had|went|was|were|saw|ate|met|used|bought|"
    r"got|did|came|took|made|found|heard|visited|drove|flew|slept|woke|watched|played|lost|won|cooked|finished|"
    r"just)\b"
)
_CONDITION = re.compile(
    r"(?:[^,]{3,60}, so |(?:in|for|on|with|when|whenever|if|once|before|after|until|unless|during|"
    r"at|as|about) [^,]{2,60}, |"
    r"(?:in|for) \w+ (?=use|write|show|prefer|avoid))"
    r"(?:please )?(\w+)"
)
_TABOO = re.compile(
    r"(?:please )?(?:(?:don't|do not|never) (?:ever )?(?:mention|bring up|discuss|talk|use|include|refer|lecture)|"
    r"(?:avoid|stop|no) (?:mentioning|bringing up|discussing|talking|lecturing))\b"
)
"""What answers should be silent about, public affairs included."""
_TASTE = re.compile(
    r"i (?:really |just )?(?:hate|dislike|can't stand|(?:don't|do not) (?:want|like|need|care for)) "
    r"(?!it\b|this|that|the\b|these|those|how\b|to be\b|my\b|our\b|when\b|him\b|her\b|them\b)\w"
)
"""A dislike in a few words, which answers should spare: "I hate coriander"; not "I hate this idea"."""
_OF_THE_USER = re.compile(
    r"\ballerg\w+|\bintoleran\w+|^(?:it's|it is|that's) (?:ok|okay|fine|alright|all right) (?:to|if|for you)\b|"
    r"^(?:the user|user) (?:is|has|likes?|wants?|prefers?|needs?|works?|speaks?|lives?|knows?)\b|"
    r"^(?:wants|works as|works in|likes|prefers|needs|speaks|dislikes|hates|retired)\b"
)
"""What is about this user, said by the user or in notes about the user."""
_TRADE = re.compile(r"i(?:'m| am) an? (?:\w+ ){1,4}(?:at|in|for|of|with) an? \w+$")
_LIMITING = (
    r"(?:no|not|none|only|just|more|less|fewer|most|least|always|never|without|with|instead|rather|over|under|max|min|"
    r"maximum|minimum|enough|first|last|every|each|free|friendly|based|style|mode|kein\w*|ohne|nur|mehr|weniger|sans|"
    r"plus|moins|seulement|sin|sólo|solo|más|menos|sem|mais|senza|più|meno|geen|zonder|alleen|без|только|больше|меньше)"
)
_LIMITS = re.compile(rf"{_LIMITING}\b|.*\b{_LIMITING}$|.*\w-\w|\w+(?:, | and | & )[\w ,&]+$")
"""How a short phrase without a verb asks for something: "no seafood", "vegan only", "low-sodium meals"."""
_ENGLISH = re.compile(r"\b(?:the|an?|of|to|and|is|are|was|it|they|we|you|in|on|for|my|this|that|not|be)\b")
_ABROAD = re.compile(
    r"\b(?:der|die|das|den|ein|eine|einen|und|mit|nicht|immer|zum|zur|für|auf|wenn|le|la|les|des|"
    r"une|avec|pour|toujours|el|"
    r"los|las|una|con|siempre|para|por|cuando|um|uma|com|sempre|quando|il|gli|per|het|een|niet|voor|altijd|zawsze|jest|"
    r"alltid|och|med|jag)\b"
)
_PRIVATE = re.compile(
    r"\b(?:male|female|man|woman|men|women|non-?binary|trans(?:gender)?|gay|lesbian|bisexual|straight|heterosexual|"
    r"asian|african|european|hispanic|latin[oax]|caucasian|white|black|ethnic\w*|descent|race|identify as|muslim|"
    r"christian|jewish|catholic|protestant|hindu|buddhist|atheist|religio\w+|republican|democrat|conservative|"
    r"liberal|socialist|working class|middle class|years (?:old|of age)|disabilit\w+|pregnant|hiv)\b"
)
"""Facts about a person that change no answer's form and have no business in a prompt."""
_OF_ONESELF = re.compile(
    r"(?:i'm|i am|i identify|i consider myself|my (?:ethnicity|gender|race|religion|faith|sex|party)\b)"
)
_SMALL_TALK = re.compile(
    r"(?:hi|hello|hey|yo|hiya|good (?:morning|afternoon|evening|night|day)|thanks?(?: you)?(?: so much| a lot|"
    r" very much)?|thx|cheers|bye|goodbye|ok(?:ay)?|yes|no|sure|great|nice|cool|lol|haha|hallo|guten (?:tag|"
    r"morgen)|danke|bonjour|salut|merci|hola|gracias|olá|oi|obrigad[oa]|ciao|grazie|dank je|how are you(?: doing|"
    r" today)?|what's up|sup|test)(?: there| all| everyone| again| please)?"
)


def is_plain(sentence: str) -> bool:
    """Whether a sentence of a statement plainly tells to do something, or who the user is; narrower than `says_how`."""
    lowered = sentence.lower().replace("’", "'").strip(" .!,…")
    words = re.findall(r"[^\W_]+(?:['-][^\W_]+)*", lowered)
    tells = len(words) > 1 and (words[0] in _IMPERATIVES or _asks_after_a_condition(lowered))
    return tells or any(pattern.search(lowered) for pattern in (_CERTAIN, _ABOUT_ME, _OF_THE_USER))


def says_how(sentence: str) -> bool:
    """Whether a sentence of a statement is about how to be answered; in doubt it is, that is what statements are for.

    Small talk, questions, events, public affairs and plain assertions about the world are not, unless they speak of
    answers; lasting facts about the user are, for they matter for answers.
    """
    lowered = sentence.lower().replace("’", "'").strip(" .!,…")
    words = re.findall(r"[^\W_]+(?:['-][^\W_]+)*", lowered)
    if not any(word[0].isalpha() for word in words) or _SMALL_TALK.fullmatch(lowered.strip("?")):
        return False
    if _PRIVATE.search(lowered) and _OF_ONESELF.match(lowered):
        return False
    strong = _STRONG.search(lowered) is not None or _OF_THE_USER.search(lowered) is not None
    mentioned = _ABOUT_ANSWERS.search(lowered)
    short = len(words) <= 9 or (mentioned is not None and mentioned.start() == 0 and len(words) <= 20)
    topical = strong or (short and (mentioned is not None or bool(wishes(lowered))))
    if _EVENT.search(lowered) and not topical:
        return False
    imperative = (words[0] in _IMPERATIVES and len(words) > 1) or _asks_after_a_condition(lowered)
    if _PUBLIC.search(lowered) and not strong:
        about_answers = words[0] in _WRITING_VERBS and _ABOUT_WORDS.search(lowered) is not None
        if _TABOO.match(lowered):
            return True
        return words[0] in _ANSWERING_VERBS or words[0] == "no" or about_answers or _TRADE.match(lowered) is not None
    if imperative or _CERTAIN.search(lowered) or _CJK_ASKING.search(lowered) or _lasting_fact(lowered, words):
        return True
    if _TASTE.match(lowered) and len(words) <= 8:
        return True
    if lowered.endswith(("?", "？")) or _MENTAL.search(lowered):
        return topical and not lowered.endswith("?") and (len(words) <= 14 or strong)
    if _ASSERTS.search(lowered):
        ruling = re.search(
            r"\b(?:should|must|have to|always|never|only|first|instead|over|rather|so|help\w*|matter\w*)\b", lowered
        )
        return topical or bool(ruling and _ABOUT_ANSWERS.search(lowered) and len(words) <= 20)
    limiting = len(words) <= 6 and _LIMITS.match(lowered) is not None
    return topical or limiting or (len(words) <= 14 and is_foreign(lowered))


def _asks_after_a_condition(lowered: str) -> bool:
    """ "In legal topics, name the statute": an imperative behind the case it is meant for."""
    condition = _CONDITION.match(lowered)
    return condition is not None and condition[1] in _IMPERATIVES


def is_foreign(sentence: str) -> bool:
    """Whether a sentence is not English: its shape cannot be judged, so a short one counts as what statements are for.

    >>> is_foreign("请用中文回答"), is_foreign("Bitte immer mit Beispielen."), is_foreign("Don’t ramble 🙏")
    (True, True, False)
    """
    lowered = sentence.lower()
    letters = "".join(filter(str.isalpha, lowered))  # English has curly quotes, dashes and emoji too
    return (not letters.isascii() or _ABROAD.search(lowered) is not None) and not _ENGLISH.search(lowered)


def _lasting_fact(lowered: str, words: Sequence[str]) -> bool:
    """Whether this says something lasting about the user: "I follow a low-carb diet", not "I'm hungry"."""
    if _ABOUT_ME.search(lowered):
        return True
    return _PRESENT_SELF.search(lowered) is not None and not _MENTAL.search(lowered) and len(words) <= 16
