"""The patterns behind `topics`: words for each aspect, with what their plain mention asks for.

Regular expressions over text in lower case; "!" in front marks words that mean one thing whatever stands before them.
The order matters: where two topics could take the same words, the first one does.
"""

from __future__ import annotations

MORE, LESS = "more", "less"

TOPICS: tuple[tuple[str, str, str], ...] = (
    (
        "summing_up",
        MORE,
        r"(?:add|include|with|give me|start with|end with|put) (?:a |the )?(?:short |quick |brief )?(?:tl;?dr|"
        r"summary|recap)|summary at|tl;?dr at|takeaways?|conclusions?|closing summar\w+|zusammenfassung am|"
        r"résumé à la fin|总结|まとめ",
    ),
    (
        "length",
        LESS,
        r"short(?:er|ly|est)?(?! (?:paragraphs?|sentences?|lines?|stor(?:y|ies)|summary|recap))|brief(?:er|ly)?|"
        r"brevity|concise(?:ly)?|conciseness|succinct(?:ly)?|terse(?:ly)?|compact|crisp|condensed?|snapp(?:y|ier)|"
        r"to the point|tl;?dr|nutshell|one[- ]liners?|in (?:one|two|three|a few|a couple of|\d+) (?:sentences?|"
        r"lines?|words?)|(?:under|below|at most|max(?:imum)?(?: of)?|no more than|within|less than|"
        r"fewer than) \d+ (?:words?|sentences?|lines?)|one sentence|fewer words|less (?:text|detail|words|wordy)|"
        r"just the (?:answer|facts|essentials|basics)|only the (?:answer|essentials)|bottom line|cut to the chase|"
        r"minimal(?:ist)?|kurz(?:e[nrsm]?|gefasst)?|kürzer|knapp\w*|bündig\w*|court(?:e?s?)|brefs?|brèves?|"
        r"brièvement|concise?s?|brev(?:es?|i)|cort[oa]s?|concis[oa]s?|curt[oa]s?|resumid[oa]s?|sintetic\w+|kort(?:e|"
        r"er)?|bondig|beknopt\w*|简短|简洁|简明|短い|短く|簡潔|手短|корот\w+|кратк\w+|лаконичн\w+|короче|짧게|간결\w*",
    ),
    (
        "length",
        MORE,
        r"long(?:er)? (?:answer|repl|respons|explanation|text|one|form)\w*|longer|long(?=$| please)|lengthy|"
        r"detail(?:ed|s)?|in[- ]depth|depth|thorough(?:ly|ness)?|elaborat\w+|comprehensive\w*|exhaustive|"
        r"extensive(?:ly)?|expand on|go deep(?:er)?|deep dives?|full explanations?|verbos\w+|wordy|ausführlich\w*|"
        r"detailliert\w*|lange antworten|détaillé\w*|détails?|longues?|approfondi\w*|detallad[oa]s?|larg[oa]s|"
        r"extens[oa]s?|detalhad[oa]s?|longas?|dettagliat\w+|lungh[ei]|lung[oa]|uitgebreid\w*|gedetailleerd\w*|"
        r"lange antwoorden|详细|详尽|詳しく|詳細|長い|подробн\w+|разв[её]рнут\w+|длинн\w+|자세\w+",
    ),
    (
        "length",
        LESS,
        r"!rambl\w+|long[- ]winded|walls? of text|waffl\w+|blah blah|fluff\w*|padding|filler|geschwafel|blabla",
    ),
    (
        "length",
        MORE,
        r"!superficial|shallow|too vague|oberflächlich\w*|superficiel\w*",
    ),
    (
        "steps",
        MORE,
        r"step[- ]by[- ]step|numbered(?: lists?| steps?)?|steps|schritt für schritt|schrittweise|étape par étape|"
        r"paso a paso|passo a passo|stap voor stap|一步一步|步骤|逐步|ステップ|手順|пошагов\w+|по шагам",
    ),
    (
        "lists",
        MORE,
        r"bullet\w*(?:[- ](?:points?|lists?))?|lists?|listicles?|stichpunkte?\w*|aufzählung\w*|listen|listes?|puces|"
        r"viñetas|listas?|tópicos|marcadores|elench[io]|punti elenco|opsomming\w*|lijst\w*|列表|要点|项目符号|"
        r"箇条書き|リスト|спис\w+|목록",
    ),
    (
        "lists",
        LESS,
        r"prose|full paragraphs|flowing text|fließtext|en prosa|in prosa",
    ),
    (
        "headings",
        MORE,
        r"headings?|headers?|subheadings?|section titles|überschrift\w*|titres|encabezados|títulos|titoli|koppen|"
        r"标题|見出し|заголов\w+",
    ),
    (
        "tables",
        MORE,
        r"tables?|tabular|tabellen?|tableaux?|tablas?|tabelas?|tabell[ae]|表格|テーブル|表で|таблиц\w*",
    ),
    (
        "paragraphs",
        LESS,
        r"short(?:er)? paragraphs?|paragraph breaks|small paragraphs|kurze absätze|paragraphes courts",
    ),
    (
        "sentences",
        LESS,
        r"short(?:er)? sentences?|kurze sätze|phrases courtes|frases cortas|frases curtas|frasi brevi",
    ),
    (
        "bold",
        MORE,
        r"bold(?:face|ed)?|fettdruck|fett|en gras|negrita|negrito|grassetto|vetgedrukt|粗体|太字|жирн\w+",
    ),
    (
        "code",
        MORE,
        r"code(?: blocks?| fences?| snippets?| samples?| examples?)?|snippets?|pseudocode|quellcode|código|codice|"
        r"代码|コード|код\w{0,2}",
    ),
    (
        "emoji",
        MORE,
        r"emojis?|emoticons?|smileys?|smilies|émojis?|émoticônes?|emoticones|表情\w*|絵文字|顔文字|эмодзи|смайл\w*|"
        r"이모지|이모티콘",
    ),
    (
        "formality",
        LESS,
        r"informal(?:ly|e|es|i)?|casual(?:ly)?|conversational(?:ly)?|relaxed|chatty|laid[- ]back|colloquial\w*|slang|"
        r"like a (?:friend|buddy|mate)|loosen up|locker\w*|umgangssprachlich|duzen?|lässig\w*|famili[eè]re?|"
        r"décontracté\w*|tutoyer|tutoie\w*|informel\w*|desenfadad\w+|coloquial|descontraíd\w+|amichevole|losjes|"
        r"informeel|随意|口语|轻松|カジュアル|タメ口|くだけた|неформальн\w+|непринужд\w+|на ты|разговорн\w+|반말|"
        r"contractions",
    ),
    (
        "formality",
        MORE,
        r"formal(?:ly|e|ity)?|professional(?:ly|ism)?|business[- ]like|polished|polite(?:ly)?|förmlich\w*|formell\w*|"
        r"siezen?|soutenu|formel\w*|vouvo\w+|formeel|professionell\w*|professionnel\w*|profesional\w*|"
        r"profissional\w*|正式|敬語|丁寧|официальн\w+|формальн\w+|на вы|격식|존댓말",
    ),
    (
        "formality",
        LESS,
        r"!stiff|robotic|stuffy|stilted",
    ),
    (
        "exclamations",
        MORE,
        r"exclamation(?: marks?| points?)?|ausrufezeichen|points? d'exclamation|感叹号",
    ),
    (
        "analogies",
        MORE,
        r"analog(?:y|ies)|metaphors?|comparisons?|vergleiche?",
    ),
    (
        "examples",
        MORE,
        r"examples?|for instance|beispiele?n?|exemples?|ejemplos?|exemplos?|esempi?o?|voorbeeld\w*|例子|举例|示例|"
        r"例を|具体例|пример\w*|예시|예를",
    ),
    (
        "questions",
        MORE,
        r"ask (?:me )?(?:\w+ )?(?:\w+ )?questions?|clarifying questions?|follow[- ]?up questions?|questions back|"
        r"rückfragen|nachfragen|pose(?:-moi)? des questions",
    ),
    (
        "hedging",
        MORE,
        r"hedg(?:e|ing|ed)|wishy[- ]washy|weasel words?|maybes?|uncertaint(?:y|ies)|confidence levels?|(?:not|"
        r"un)[- ]?sure|don't know",
    ),
    (
        "caveats",
        MORE,
        r"caveats?|disclaimers?|warnings?|risks|limitations|haftungsausschl\w+|avertissements?|advertencias?",
    ),
    (
        "directness",
        MORE,
        r"preambles?|pleasantries|small talk|intros?|introductions?|introductory\w*|opening phrases?|certainly|"
        r"great question|einleitung\w*|introducción|introdução|introduzione|开场白|前置き",
    ),
    (
        "directness",
        LESS,
        r"direct(?:ly|ness)?|straight (?:to|answers?)|answer first|straightforward\w*|direkt\w*|directement|直接|"
        r"прямо",
    ),
    (
        "closing",
        MORE,
        r"closing (?:phrases?|remarks?|lines?)|sign[- ]offs?|let me know|offers? (?:of|to) help|hope this helps",
    ),
    (
        "warmth",
        MORE,
        r"warm(?:er|th|ly)?|empath\w+|supportive|encourag\w+|kind(?:er|ly|ness)?(?! of)|gentle|compassion\w*|"
        r"friendl\w+|reassur\w+|flatter\w*|sycophan\w*|praise|compliments?|sugar[- ]?coat\w*|coddl\w*|freundlich\w*|"
        r"amical\w*|amable\w*|gentile|vriendelijk\w*|友好|亲切|優しく|дружелюбн\w+",
    ),
    (
        "warmth",
        LESS,
        r"matter[- ]of[- ]fact|neutral(?:ly)?|blunt(?:ly)?|no[- ]nonsense|sachlich\w*",
    ),
    (
        "humour",
        MORE,
        r"humou?r(?:ous)?|jokes?|joking|funny|witty|wit|puns?|playful\w*|sarcas\w+|witze?|blagues?|chistes|piadas|"
        r"battute|grapjes|幽默|笑话|ユーモア|冗談|шут\w+|юмор\w*",
    ),
    (
        "humour",
        LESS,
        r"serious(?:ly)?|ernst",
    ),
    (
        "reading",
        LESS,
        r"simpl(?:e|er|y|est|ify|icity|istic)|plain(?:er|ly)?|easy (?:to (?:understand|read|follow)|words|language|"
        r"terms)|easier|lay(?:man|person|men)'?s?(?:'? terms)?|lay terms|eli5|like i(?:'m| am|m) (?:5|five|a \w+|"
        r"new)|beginner[- ](?:friendly|level)|dumb\w* (?:it |this |that )?down|non[- ]?technical|"
        r"everyday (?:language|words)|einfach\w*|verständlich\w*|simplement|simples?|sencill[oa]s?|fácil(?:es)?|"
        r"semplic[ei]|eenvoudig\w*|simpel\w*|简单|通俗|易懂|やさしい|簡単|わかりやす\w*|прост(?:о|ыми|ой|ым|ые|ых|ая|"
        r"ей)|понятн\w+|проще|쉽게",
    ),
    (
        "reading",
        MORE,
        r"technical(?:ly)?|technical (?:details?|terms)|advanced|expert[- ]level|jargon|rigor(?:ous)?|rigour|"
        r"academic|scientific\w*|sophisticated|complicated|complex|big words|buzzwords?|fachsprache|fachbegriffe?|"
        r"fachchinesisch|technisch\w*|técnic[oa]s?|jerga|专业|専門|техническ\w+",
    ),
    (
        "reading",
        LESS,
        r"!you(?:'ve| have)? lost me|over my head|(?:don't|do not|didn't|can't|couldn't) (?:understand|follow|"
        r"get (?:it|this|that))|confus\w+|no idea what (?:that|this|you)|what does (?:that|this|it) (?:even )?mean|"
        r"verstehe ich nicht|je ne comprends (?:pas|rien)|no (?:lo )?entiendo|não entend\w+|non capisco|snap ik niet|"
        r"听不懂|看不懂|わからない|分からない|не понял\w*|не понимаю",
    ),
    (
        "numbers",
        MORE,
        r"numbers|figures|statistics|stats|percentages|zahlen|chiffres|cifras|cijfers|数字|数据|数値|цифр\w*",
    ),
    (
        "sources",
        MORE,
        r"sources?|citations?|cit(?:e|es|ing)|references?|(?:hyper)?links?|footnotes?|quellen\w*|fuentes|fontes|"
        r"fonti|bronnen|来源|引用|出典|источник\w*|ссылк\w*",
    ),
    (
        "options",
        MORE,
        r"alternatives?|pros and cons|trade-?offs?|options|both sides|vor- und nachteile",
    ),
    (
        "dashes",
        MORE,
        r"em[- ]?dash(?:es)?|dashes",
    ),
)
"""In words known to be about answers: statements and the reasons of ratings."""
