"""The words behind the measures: for each kind of wording, its words and phrases.

English first, with a few words of German, French, Spanish, Portuguese, Italian and Dutch where they are common.
`measures.py` counts them in one walk over a text's words; `stated.py` has its own patterns for what people ask for.
Words are in lower case, apostrophes straight; a phrase is several words.
"""

from __future__ import annotations

import re
from functools import cache

SLANG = """
hey yo heya hiya howdy sup whassup yeah yep yup yea nah nope gonna wanna gotta kinda sorta dunno lemme gimme gotcha
cuz coz ya y'all yall dude bro bruh buddy pal mate folks guys lol lmao rofl haha hahaha hehe omg wtf btw imo imho
tbh ngl idk irl fyi asap thx pls plz ur u r ok okay cool awesome super totally stuff yikes whoa wow oops ugh meh duh
hmm oh ah aha yay woohoo hooray crazy insane legit lowkey vibe vibes chill dope lit sweet neat nifty freaking damn
darn heck hella tons loads bunch kid kids cheers ta reckon yummy comfy techy pro newbie noob geek nerdy hack hacks
tweak ditch grab snag zap whip nail rock rocks sucks suck bummer messy weird screwed mess crappy crap junk fluff
biggie goodies gizmo thingy whatchamacallit ain't dont cant wont im ive youre thats whats didnt doesnt isnt lets
gotten guy anyways alrighty alright righty cya bye g'day oi innit lads lass nuts bonkers epic killer stoked psyched
pumped hyped fave goofy silly sneaky handy peeps fam bestie hallo klar krass geil naja quatsch nix mega echt salut
coucou ouais cool truc super mec bah hola vale guay tío oye chévere oi beleza legal cara tá né ciao beh boh dai figo
hoi joh leuk gaaf
"""
SLANG_PHRASES = """
no worries|you bet|sort of|kind of|pretty much|a ton of|a lot of|lots of|a bunch of|heads up|big deal|no biggie|
check it out|check this out|check out|give it a shot|give it a go|go for it|here's the deal|here's the thing|
here you go|there you go|you know|i mean|i guess|my bad|for sure|no way|hang out|hang in there|mess around|mess up|
chill out|freak out|what's up|let's dive in|let's go|kick off|get the hang of|piece of cake|easy peasy|
in a nutshell|at the end of the day|gets the job done|do the trick|no sweat|sounds good|got it|hit me up|shoot me|
holler|right off the bat|long story short|the whole thing|deal with|figure out|mess with|so yeah|well yeah|oh well|
come on|go ahead and|pretty cool|pretty easy|pretty good|real quick|super easy|just chuck|toss in|throw in|you guys|
hi there|hey there|hello there|hi friend|what a|by the way|just so you know|don't sweat|good to go|all set|
you're all set|knock out|stick with it|loosen up|trust me|believe me|to be honest|not gonna lie|no big deal|
take it easy|way too|way more|way better|nothing fancy|bam|boom|voilà|ta-da|na klar|kein problem|alles klar|
pas de souci|t'inquiète|no pasa nada|sem problema|tudo bem|nessun problema|geen probleem
"""
PLAIN_TALK = """
just really pretty basically actually honestly get gets got getting thing things something good great nice big bit
plenty easy fun tell let put guess thanks sorry whenever anyway grab pick pretty okay tiny huge quick quickly mom
dad kids
"""
FORMAL = """
furthermore moreover therefore thus hence consequently accordingly nevertheless nonetheless notwithstanding whereas
whereby wherein thereby therein thereof herein hereby hereafter henceforth heretofore whilst albeit hitherto
pursuant regarding concerning pertaining kindly sincerely respectfully cordially dear madam sir esteemed shall ought
whom upon one's oneself utilize utilise utilizes utilized utilization facilitate facilitates commence commences
commenced endeavor endeavour ascertain obtain obtains acquire require requires required requisite necessitate
necessitates constitute constitutes comprise comprises demonstrate demonstrates indicate indicates exhibit exhibits
possess possesses retain ensure ensures enable enables establish established implement implemented undertake
undertaken conduct conducted attain render rendered deem deemed additionally subsequently approximately sufficient
numerous additional individuals individual assistance inquire inquiry inquiries purchase substantial considerable
significant significantly appropriate appropriately advisable imperative essential pertinent relevant aforementioned
respective respectively prior subsequent furnish forthwith correspondence adhere adherence comply compliance
stipulate optimal optimize mitigate employ employed advise advised recommend recommended request requested permit
permitted prohibit primarily predominantly particularly specifically fundamentally ultimately thereafter insofar
inasmuch likewise conversely similarly namely viz. circumstances provision provisions objective objectives
methodology procedure procedures regard regards gratitude appreciate esteemed honour humbly courteous diligently
duly expedite expeditiously herewith enclosed undersigned remit reside terminate termination verify terminology
elucidate delineate encompass encompasses entail entails exemplify facilitate leverage paramount predicated preclude
procure rectify remuneration jedoch daher folglich gemäß bezüglich hinsichtlich sowie demnach ferner überdies
geehrte geehrter hochachtungsvoll cependant toutefois néanmoins ainsi afin veuillez madame monsieur conformément
notamment cordialement asimismo además conforme mediante estimado estimada respecto atentamente portanto contudo
ademais mediante prezado prezada atenciosamente pertanto tuttavia inoltre nonché gentile egregio cordiali distinti
saluti derhalve echter tevens geachte betreffende
"""
FORMAL_PHRASES = """
in order to|with respect to|with regard to|in regard to|in accordance with|it is recommended|it is advisable|
it is essential|it is imperative|it is necessary|it is important|it is possible|it is therefore|it should be noted|
it must be noted|it is worth noting|please be advised|please note that|please find|prior to|due to the fact|
in addition to|in addition|as well as|i would like to|we would like to|one should|one may|one must|one can|
one might|one ought|one is advised|would be advisable|we recommend|i recommend|i would recommend|should you require|
should you have|should you wish|do not hesitate|yours sincerely|yours faithfully|yours truly|best regards|
kind regards|with kind regards|dear sir|dear madam|to whom it may concern|at your earliest convenience|
in the event that|for the purpose of|with the exception of|in conjunction with|on behalf of|as a result of|
as a consequence|in light of|in view of|in terms of|it follows that|it can be observed|it may be concluded|may i|
would you kindly|i trust that|we trust that|i remain|be advised that|take into consideration|a number of|
of the utmost|subject to|by means of|in particular|as such|such that|sehr geehrte|mit freundlichen grüßen|
es empfiehlt sich|im hinblick auf|in bezug auf|il convient de|il est recommandé|je vous prie|se recomienda|
es importante|con respecto a|recomenda-se|é importante|si consiglia|si prega di|in merito a|met betrekking tot|
het is raadzaam|met vriendelijke groet
"""
FULL_FORMS = """
do not|does not|did not|cannot|can not|will not|would not|should not|could not|is not|are not|was not|were not|
has not|have not|had not|it is|that is|there is|there are|what is|here is|i am|you are|we are|they are|he is|she is|
i will|you will|we will|they will|it will|i have|you have|we have|they have|i would|you would|we would|they would|
let us|who is|must not
"""
EXAMPLES = """
for example|for instance|e.g|eg|such as|as an example|an example|example|examples|say you|let's say|suppose|imagine|
to illustrate|case in point|consider a|consider the|sample|zum beispiel|z.b|beispielsweise|par exemple|p. ex|
por ejemplo|por exemplo|ad esempio|per esempio|bijvoorbeeld|bijv
"""
ANALOGIES = """
think of it as|think of it like|think of this as|think of a|think of your|is like|are like|works like|acts like|
just like|much like|it's like|a bit like|like a|like an|as if|akin to|analogy|analogous|metaphor|metaphorically|
picture a|imagine a|imagine you|imagine your|similar to how|in the same way that|comparable to|stell dir vor|
wie ein|comme un|comme une|imagina|como un|como um|come un|stel je voor|zoals een
"""
HEDGES = """
maybe perhaps possibly probably might may could seems seem seemingly apparently presumably arguably likely unlikely
somewhat roughly generally typically usually often sometimes tends tend suggest suggests appears appear uncertain
unsure potentially vielleicht möglicherweise wahrscheinlich eventuell peut-être probablement quizás quizá
probablemente talvez provavelmente forse probabilmente misschien waarschijnlijk
"""
HEDGE_PHRASES = """
i think|i believe|i guess|i suppose|i'm not sure|i am not sure|not entirely sure|as far as i know|in my opinion|
it depends|to some extent|more or less|it seems|it appears|kind of|sort of|it is possible|it's possible|could be|
might be|may be|in some cases|hard to say|not certain|no guarantee|one could argue
"""
CAVEATS = """
please note|note that|keep in mind|bear in mind|be aware|important to note|worth noting|it's important to|
it is important to|consult a|consult your|consult with|seek professional|professional advice|medical advice|
legal advice|financial advice|talk to your doctor|speak to a|speak with a|see a doctor|qualified professional|
healthcare professional|healthcare provider|i'm not a|i am not a|as an ai|language model|i cannot provide|
i can't provide|disclaimer|not a substitute|may vary|results may vary|individual results|use caution|be cautious|
be careful|proceed with caution|warning|at your own risk|your mileage may vary|however it's|does not constitute|
double-check|no warranty|caveat|caveats|depending on your|for informational purposes|bitte beachten|konsultez|
consultez un|consulte a|consulte um|consultare un|raadpleeg een|wenden sie sich
"""
WARMTH = """
sorry congratulations congrats wonderful glad proud kudos bravo hugs empathize empathise brave courage heartfelt
compassion gentle gently caring welcome thanks thank grateful cheering rooting delighted lovely marvelous fantastic
"""
WARMTH_PHRASES = """
i'm sorry|i am sorry|so sorry|sorry to hear|that sounds|sounds tough|sounds hard|sounds really|i understand|
i hear you|i can imagine|it's okay|it's ok|it is okay|that's okay|you're not alone|you are not alone|
you've got this|you got this|you can do this|be kind to yourself|take care|take your time|i'm here|i am here|
here for you|happy to help|glad to help|glad you|great job|well done|good job|keep it up|keep going|good luck|
best of luck|hope this helps|i hope|hang in there|it's completely normal|it's normal to|totally understandable|
it's understandable|understandable|that must|must be hard|must feel|how you feel|your feelings|proud of you|
great question|what a great|thank you for|thanks for|wishing you|no need to worry|don't worry|don't be too hard|
one step at a time|with you|kein sorge|keine sorge|tut mir leid|viel erfolg|bon courage|je comprends|désolé|
lo siento|mucho ánimo|sinto muito|boa sorte|mi dispiace|in bocca al lupo|sterkte|veel succes
"""
FILLERS = """
certainly|sure|absolutely|of course|great question|good question|excellent question|that's a great|that is a great|
that's a good|what a great|what a good|i'd be happy|i would be happy|i'd be glad|happy to help|glad you asked|
thank you for|thanks for asking|thanks for reaching|i'd love to|let me|let's dive|let us|as an ai|i understand|
here is a|here's a|here are some|here are|below is|below are|to answer your|in response to|you asked|
it is important|when it comes to|in today's|natürlich|gerne|gute frage|bien sûr|bonne question|claro|buena pregunta|
boa pergunta|certo|ottima domanda|natuurlijk|goede vraag|no problem|you're right|hello|hi there|ah|well|okay so|
so you want|welcome
"""
CLOSERS = """
let me know|feel free to|don't hesitate|do not hesitate|i hope this|hope this helps|hope that helps|if you have any|
if you need any|if you'd like|if you would like|would you like me|happy to help|good luck|is there anything else|
anything else i can|any other questions|any further questions|happy coding|enjoy your|reach out|here to help|
glad to help|lassen sie mich wissen|n'hésitez pas|no dudes en|não hesite|non esitare|laat het me weten|best of luck|
have a great|take care
"""
SUMMING_UP = """
tl;dr|tldr|in summary|to summarize|to summarise|to sum up|summing up|in short|in brief|in conclusion|to conclude|
bottom line|key takeaway|key takeaways|takeaway|takeaways|in a nutshell|overall|summary|conclusion|the upshot|
main point|recap|to recap|the short version|short answer|zusammengefasst|zusammenfassung|kurz gesagt|en résumé|
en bref|en resumen|em resumo|in sintesi|in breve|samengevat|kortom
"""
SEQUENCE = """
first firstly second secondly third thirdly next then finally lastly afterwards step steps zuerst danach schließlich
d'abord ensuite enfin primero luego primeiro depois prima poi infine eerst daarna
"""
SEQUENCE_PHRASES = (
    "step by step|step one|step two|to start|to begin|after that|once that|the next step|begin by|start by"
)
OPTIONS = """
alternatively|on the other hand|another option|other options|pros and cons|trade-off|trade-offs|tradeoffs|
advantages|disadvantages|option|options|versus|vs|compared to|in contrast|by contrast|whereas|upside|downside|
drawback|drawbacks|alternative|alternatives|on one hand|on the one hand|you could also|depending on|pros|cons
"""
SOURCES = """
according to|source|sources|reference|references|citation|et al|doi|study|studies|researchers|published|cited|
see also|further reading|quelle|quellen|selon|según|segundo|secondo|volgens|wikipedia|journal|https|http|www
"""
HUMOUR = """
haha hahaha hehe lol lmao joke jokes joking kidding pun puns punny hilarious funny witty giggle chuckle
"""
HUMOUR_PHRASES = (
    "just kidding|pun intended|no pun|fun fact|plot twist|spoiler alert|dad joke|knock knock|wink wink|said no one"
)
FIRST_PERSON = "i i'm i've i'd i'll me my mine myself"
WE = "we we're we've we'll we'd us our ours let's together"
YOU = """
you you're you've you'll you'd your yours yourself du dich dir dein deine sie ihnen ihr tu te toi ton vous votre vos
tú usted tus você seu sua lei suo je jij jouw jullie
"""

WORD_LISTS: dict[str, str] = {
    "slang": SLANG,
    "plain_talk": PLAIN_TALK,
    "formal": FORMAL,
    "hedges": HEDGES,
    "warmth": WARMTH,
    "sequence": SEQUENCE,
    "humour": HUMOUR,
    "first_person": FIRST_PERSON,
    "we": WE,
    "you": YOU,
}
PHRASE_LISTS: dict[str, str] = {
    "slang": SLANG_PHRASES,
    "formal": FORMAL_PHRASES,
    "full_forms": FULL_FORMS,
    "examples": EXAMPLES,
    "analogies": ANALOGIES,
    "hedges": HEDGE_PHRASES,
    "caveats": CAVEATS,
    "warmth": WARMTH_PHRASES,
    "fillers": FILLERS,
    "closers": CLOSERS,
    "summing_up": SUMMING_UP,
    "sequence": SEQUENCE_PHRASES,
    "options": OPTIONS,
    "sources": SOURCES,
    "humour": HUMOUR_PHRASES,
}

_LATINATE = """
tion tions sion sions ment ments ity ities ance ances ence ences ency ancy ive ively ical ically ous ously
ate ates ated ating ize izes ized izing ise ises ised ising ify ified ibility ability able ible ology
ological ism ial ially
"""
LATINATE_ENDINGS = tuple(_LATINATE.split())
"""Endings of long words of Latin origin; a word needs ten letters to count."""

_CONTRACTED = "it's that's there's here's what's let's he's she's who's where's how's when's why's"
CONTRACTED = frozenset(_CONTRACTED.split())
"""Contractions in 's; other words in 's are mostly possessives."""

_WORD = re.compile(r"[^\W\d_](?:\.[^\W\d_]\b)+|[^\W\d_]+(?:['-][^\W\d_]+)*|\d+(?:[.,:]\d+)*")

Phrase = tuple[tuple[str, ...], tuple[str, ...]]


def split_words(lowered: str) -> tuple[str, ...]:
    """The words and numbers of a text in lower case with straight apostrophes.

    >>> split_words("don't use e.g. 3.5 trade-offs!")
    ("don't", 'use', 'e.g', '3.5', 'trade-offs')
    """
    return tuple(_WORD.findall(lowered))


@cache
def words_by_kind() -> dict[str, tuple[str, ...]]:
    """For each single word, the kinds it counts for."""
    found: dict[str, list[str]] = {}
    for kind, text in WORD_LISTS.items():
        for word in text.split():
            found.setdefault(word, []).append(kind)
    return {word: tuple(dict.fromkeys(kinds)) for word, kinds in found.items()}


@cache
def phrases_by_first_word() -> dict[str, tuple[Phrase, ...]]:
    """For each first word, the phrases (their other words, and the kinds they count for)."""
    found: dict[tuple[str, ...], list[str]] = {}
    for kind, text in PHRASE_LISTS.items():
        for phrase in text.split("|"):
            if words := split_words(phrase):
                found.setdefault(words, []).append(kind)
    by_first: dict[str, list[Phrase]] = {}
    for words, kinds in found.items():
        by_first.setdefault(words[0], []).append((words[1:], tuple(dict.fromkeys(kinds))))
    return {first: tuple(phrases) for first, phrases in by_first.items()}
