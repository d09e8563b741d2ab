"""The patterns behind `topics` for turns of a chat, and for the language to answer in.

As in `topic_patterns`, over text in lower case. Most words of a chat are about the matter, so these forms are narrow.
"""

from __future__ import annotations

from popi_sdk.summarizers.topic_patterns import LESS, MORE

REMARKS: tuple[tuple[str, str, str], ...] = (
    (
        "summing_up",
        MORE,
        r"(?:summari[sz]e (?:that|this|it)|sum (?:that|this|it) up) at the end",
    ),
    (
        "length",
        LESS,
        r"too (?:long|wordy|verbose|much (?:text|detail|information|info|to read))|shorter|tl;?dr|(?:keep|"
        r"make) (?:it|this|that|them|answers?) (?:short|brief|concise|snappy)|be (?:more )?(?:brief|concise|"
        r"succinct)|more concise|(?:more )?briefly|short (?:answer|version|reply)|in short|just (?:give me |"
        r"tell me )?the (?:answer|result|gist|essentials|facts)|only the answer|get to the point|bottom line|"
        r"in (?:one|two|1|2|a) (?:sentences?|lines?|words?)|(?:that's|thats|that is|this is) (?:a lot|way too much|"
        r"so long)|rambling|wall of text|long[- ]winded|shorten|condense|zu lang|kürzer|kurz bitte|fass dich kurz|"
        r"trop long\w*|plus court|en bref|demasiado larg\w|más cort\w|muito long\w|mais curt\w|troppo lung\w|"
        r"più (?:breve|corto)|te lang|korter|太长|简短|简洁|長すぎ|もっと短く|短く|слишком длинн\w+|короче|покороче",
    ),
    (
        "length",
        MORE,
        r"too (?:short|brief|vague|superficial)|(?:more|further|additional) details?|in (?:more|greater) (?:detail|"
        r"depth)|more (?:detailed|in[- ]depth|thorough)|elaborate|(?:tell me|explain) more|expand on (?:that|this|"
        r"it)|longer (?:answer|explanation|version|reply)|go deeper|not (?:detailed|long) enough|zu kurz|"
        r"ausführlicher|mehr details?|genauer|trop court\w*|plus (?:de détails?|détaillé\w*)|más (?:detalles?|"
        r"detallad\w)|mais detalhes?|più (?:dettagli|dettagliat\w)|meer details?|uitgebreider|更详细|详细一点|"
        r"もっと詳しく|詳しく|подробнее|поподробнее",
    ),
    (
        "lists",
        MORE,
        r"(?:as|in|with|use) (?:a )?bullet(?:ed)?(?:[- ](?:points?|lists?))?s?|bullet points?|bullets|in list form|"
        r"as a list|stichpunkte\w*|箇条書き|списком",
    ),
    (
        "lists",
        LESS,
        r"(?:no|fewer|less|stop (?:using |with )?(?:the )?|without|too many|enough) (?:bullet\w*(?: points?|"
        r" lists?)?|lists)|(?:in|as) prose|keine (?:listen|stichpunkte)",
    ),
    (
        "steps",
        MORE,
        r"step[- ]by[- ]step|one step at a time|schritt für schritt|étape par étape|paso a paso|passo a passo|"
        r"stap voor stap|一步一步|пошагово|по шагам",
    ),
    (
        "tables",
        MORE,
        r"(?:in|as|make) (?:a )?table|in tabular form|als tabelle|en tabla|用表格|表にして",
    ),
    (
        "code",
        MORE,
        r"(?:show|give|write|see|have) (?:it |me |that |this |the )*(?:in |as |some |actual |the )*(?:code|snippet)|"
        r"code instead|in code|just (?:the )?code|code example|代码|コードで|кодом",
    ),
    (
        "examples",
        MORE,
        r"(?:give|show|have|see|need|want|with|add|another|more) (?:me )?(?:an? |some |a few |"
        r"more )?(?:\w+ )?examples?(?= |$|\?)|for instance\?|like what|ein beispiel|(?:un|des) exemples?|un ejemplo|"
        r"um exemplo|un esempio|een voorbeeld|举(?:个)?例|例を|пример\w*",
    ),
    (
        "emoji",
        LESS,
        r"(?:no|stop|fewer|less|without|too many|drop|lose|enough|skip|don't use|not use) (?:with |using |"
        r"all )?(?:the |those |these )?(?:emoji\w*|smileys?|emoticons?)|keine emojis|sans emojis?|sin emojis|"
        r"sem emojis|senza emoji|geen emoji\w*|不要表情|绘文字なし|без (?:эмодзи|смайл\w+)",
    ),
    (
        "emoji",
        MORE,
        r"(?:more|use|add|some|with|love the|like the) (?:\w+ )?(?:emoji\w*|smileys?)|mehr emojis|mit emojis|"
        r"plus d'emojis|más emojis|mais emojis",
    ),
    (
        "formality",
        LESS,
        r"(?:less|too|so|overly|not so|no need to be so) (?:formal|stiff|stuffy|robotic|corporate)|more (?:casual|"
        r"informal|relaxed|conversational)|be (?:casual|informal)|casual tone|loosen up|zu förmlich|lockerer|"
        r"duz mich|trop formel|tutoie-moi|más informal|mais informal|più informale|informeler|太正式|"
        r"もっとカジュアル|неформально|на ты",
    ),
    (
        "formality",
        MORE,
        r"(?:too|so|overly) (?:casual|informal|chummy|chatty|familiar)|more (?:formal|professional)|be (?:formal|"
        r"professional)|formal tone|less casual|förmlicher|siezen sie|zu salopp|plus formel|más formal|mais formal|"
        r"più formale|formeler|更正式|もっと丁寧|официальнее|на вы",
    ),
    (
        "reading",
        LESS,
        r"you(?:'ve| have)? lost me|no jargon|less (?:jargon|technical)|without (?:the )?jargon|too (?:technical|"
        r"complicated|complex|advanced|academic|much jargon|many big words)|simpler|simplify|(?:in )?(?:plain|"
        r"simple) (?:english|words|terms|language)|layman'?s?(?:'? terms)?|eli5|like i(?:'m| am|m) (?:5|five|"
        r"a (?:child|kid|beginner|total beginner))|over my head|(?:i )?(?:don't|do not|didn't) (?:understand|"
        r"follow)(?: (?:that|this|any|a word|you|it).*)?|i'm (?:confused|lost)|dumb (?:it|that|this) down|"
        r"what does that (?:even )?mean|zu kompliziert|einfacher|verstehe ich nicht|trop compliqué|plus simple\w*|"
        r"je ne comprends (?:pas|rien)|demasiado complicado|más (?:simple|sencillo)|no entiendo|muito complicado|"
        r"mais simples|não entendi|troppo complicato|più semplice|non capisco|te ingewikkeld|eenvoudiger|简单点|"
        r"太复杂|听不懂|もっと簡単|わかりやすく|проще|не понимаю|слишком сложно",
    ),
    (
        "reading",
        MORE,
        r"more (?:technical|advanced|rigorous|academic)|too (?:basic|simple|simplistic|dumbed down)|i(?:'m|"
        r" am) (?:an expert|not a beginner)|don't dumb (?:it|this) down|zu einfach|trop simple|demasiado (?:básico|"
        r"simple)",
    ),
    (
        "sources",
        MORE,
        r"(?:cite|give|any|with|your|what(?:'s| is| are) (?:your|the)|add|need) (?:me )?(?:your |some |"
        r"the )?(?:sources?|citations?|references?|links?)(?= |$|\?)|quelle\w*\?|来源|出典|источник\w*",
    ),
    (
        "directness",
        LESS,
        r"skip (?:the )?(?:intro\w*|preamble|pleasantries|small talk|fluff)|no (?:intro\w*|preamble|fluff|filler|"
        r"small talk)|stop (?:saying|starting|opening) .*|just answer|straight answer|answer (?:the|my) question",
    ),
    (
        "caveats",
        LESS,
        r"(?:no|skip|stop|drop|without|enough) (?:with |adding |all )?(?:the |those |these )?(?:disclaimers?|"
        r"caveats?|warnings?)|stop telling me to (?:see|consult|talk to)",
    ),
    (
        "questions",
        LESS,
        r"stop asking (?:me )?(?:so many |all these )?questions?|(?:don't|do not) ask me|too many questions",
    ),
    (
        "humour",
        LESS,
        r"(?:no|stop|enough|skip) (?:with |making )?(?:the )?(?:jokes?|joking|puns?)|be serious",
    ),
    (
        "analogies",
        MORE,
        r"(?:use|give me|with|another) an? ?analogy|analogy (?:please|would)",
    ),
    (
        "warmth",
        LESS,
        r"stop (?:apologi[sz]ing|flattering)|no flattery|don't (?:apologi[sz]e|patroni[sz]e)",
    ),
)
"""In a chat, where most words are about the matter: forms that only ever speak of the answer."""

ANSWERING = (
    r"(?:answer|reply|replies|respond|response|write|speak|talk|use|switch|always|only|antworte\w*|schreib\w*|sprich|"
    r"réponds?|répondez|répondre|parle\w*|écris|responde\w*|responda|habla\w*|escribe|fale|fala|escreva|rispond\w+|"
    r"parla\w*|scrivi|antwoord\w*|schrijf|spreek|please|bitte|translate|explain|prefer\w*|回答|回复|用|使用|で|"
    r"отвечай\w*|ответь\w*|пиши\w*|"
    r"(?:(?:^|[,.!?;] ?|\b(?:ok|okay|now|again|that|it|this|and|bitte) )(?:auf|in|en|em|на|по)))"
)
"""What stands before the name of a language that one should answer in."""
