"""Which preference a few words speak of: "no jargon", "zu lang", "can you show it in code instead".

`wishes(text)` finds aspects and directions in words about answers. A topic names an aspect and what its plain mention
asks for; a negation or a complaint in front of it ("no", "too many", "sans") turns it round. `remarks(text)` does the same
for a turn of a chat, where most words are about the matter and not about the answer, and so takes narrower forms only.
English first; common wishes also in German, French, Spanish, Portuguese, Italian, Dutch, Chinese, Japanese and Russian.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

MORE, LESS = "more", "less"


@dataclass(frozen=True, slots=True)
class Wish:
    """An aspect and its direction: "more", "less", or a value such as the name of a language."""

    aspect: str
    direction: str


_TOPICS: tuple[tuple[str, str, str], ...] = (
    ("summing_up", MORE, r"(?:add|include|with|give me|start with|end with|put) (?:a |the )?(?:short |quick |brief )?(?:tl;?dr"
     r"|summary|recap)|summary at|tl;?dr at|takeaways?|conclusions?|closing summar\w+|zusammenfassung am|résumé à la fin|总结|"
     r"まとめ"),
    ("length", LESS, r"short(?:er|ly|est)?(?! (?:paragraphs?|sentences?|lines?|stor(?:y|ies)|summary|recap))|brief(?:er|ly)?|"
     r"brevity|concise(?:ly)?|conciseness|succinct(?:ly)?|terse(?:ly)?|compact|crisp|condensed?|snapp(?:y|ier)|to the point|"
     r"tl;?dr|nutshell|one[- ]liners?|in (?:one|two|three|a few|a couple of|\d+) (?:sentences?|lines?|words?)|(?:under|below|at "
     r"most|max(?:imum)?(?: of)?|no more than|within|less than|fewer than) \d+ (?:words?|sentences?|lines?)|one sentence|fewer "
     r"words|less (?:text|detail|words|wordy)|just the (?:answer|facts|essentials|basics)|only the (?:answer|essentials)|bottom "
     r"line|cut to the chase|minimal(?:ist)?|kurz(?:e[nrsm]?|gefasst)?|kürzer|knapp\w*|bündig\w*|court(?:e?s?)|brefs?|brèves?|"
     r"brièvement|concise?s?|brev(?:es?|i)|cort[oa]s?|concis[oa]s?|curt[oa]s?|resumid[oa]s?|sintetic\w+|kort(?:e|er)?|bondig|"
     r"beknopt\w*|简短|简洁|简明|短い|短く|簡潔|手短|корот\w+|кратк\w+|лаконичн\w+|короче|짧게|간결\w*"),
    ("length", MORE, r"long(?:er)? (?:answer|repl|respons|explanation|text|one|form)\w*|longer|long(?=$| please)|lengthy|"
     r"detail(?:ed|s)?|in[- ]depth|depth|thorough(?:ly|ness)?|elaborat\w+|comprehensive\w*|exhaustive|extensive(?:ly)?|expand on|"
     r"go deep(?:er)?|deep dives?|full explanations?|verbos\w+|wordy|ausführlich\w*|detailliert\w*|lange antworten|détaillé\w*|"
     r"détails?|longues?|approfondi\w*|detallad[oa]s?|larg[oa]s|extens[oa]s?|detalhad[oa]s?|longas?|dettagliat\w+|lungh[ei]|"
     r"lung[oa]|uitgebreid\w*|gedetailleerd\w*|lange antwoorden|详细|详尽|詳しく|詳細|長い|подробн\w+|разв[её]рнут\w+|длинн\w+|"
     r"자세\w+"),
    ("length", LESS, r"!rambl\w+|long[- ]winded|walls? of text|waffl\w+|blah blah|fluff\w*|padding|filler|geschwafel|blabla"),
    ("length", MORE, r"!superficial|shallow|too vague|oberflächlich\w*|superficiel\w*"),
    ("steps", MORE, r"step[- ]by[- ]step|numbered(?: lists?| steps?)?|steps|schritt für schritt|schrittweise|étape par étape|paso "
     r"a paso|passo a passo|stap voor stap|一步一步|步骤|逐步|ステップ|手順|пошагов\w+|по шагам"),
    ("lists", MORE, r"bullet\w*(?:[- ](?:points?|lists?))?|lists?|listicles?|stichpunkte?\w*|aufzählung\w*|listen|listes?|puces|"
     r"viñetas|listas?|tópicos|marcadores|elench[io]|punti elenco|opsomming\w*|lijst\w*|列表|要点|项目符号|箇条書き|リスト|спис\w+|"
     r"목록"),
    ("lists", LESS, r"prose|full paragraphs|flowing text|fließtext|en prosa|in prosa"),
    ("headings", MORE, r"headings?|headers?|subheadings?|section titles|überschrift\w*|titres|encabezados|títulos|titoli|koppen|"
     r"标题|見出し|заголов\w+"),
    ("tables", MORE, r"tables?|tabular|tabellen?|tableaux?|tablas?|tabelas?|tabell[ae]|表格|テーブル|表で|таблиц\w*"),
    ("paragraphs", LESS, r"short(?:er)? paragraphs?|paragraph breaks|small paragraphs|kurze absätze|paragraphes courts"),
    ("sentences", LESS, r"short(?:er)? sentences?|kurze sätze|phrases courtes|frases cortas|frases curtas|frasi brevi"),
    ("bold", MORE, r"bold(?:face|ed)?|fettdruck|fett|en gras|negrita|negrito|grassetto|vetgedrukt|粗体|太字|жирн\w+"),
    ("code", MORE, r"code(?: blocks?| fences?| snippets?| samples?| examples?)?|snippets?|pseudocode|quellcode|código|codice|代码|"
     r"コード|код\w{0,2}"),
    ("emoji", MORE, r"emojis?|emoticons?|smileys?|smilies|émojis?|émoticônes?|emoticones|表情\w*|絵文字|顔文字|эмодзи|смайл\w*|"
     r"이모지|이모티콘"),
    ("formality", LESS, r"informal(?:ly|e|es|i)?|casual(?:ly)?|conversational(?:ly)?|relaxed|chatty|laid[- ]back|colloquial\w*|slang|"
     r"like a (?:friend|buddy|mate)|loosen up|locker\w*|umgangssprachlich|duzen?|lässig\w*|famili[eè]re?|décontracté\w*|tutoyer|"
     r"tutoie\w*|informel\w*|desenfadad\w+|coloquial|descontraíd\w+|amichevole|losjes|informeel|随意|口语|轻松|カジュアル|タメ口|"
     r"くだけた|неформальн\w+|непринужд\w+|на ты|разговорн\w+|반말|contractions"),
    ("formality", MORE, r"formal(?:ly|e|ity)?|professional(?:ly|ism)?|business[- ]like|polished|polite(?:ly)?|förmlich\w*|formell\w*|"
     r"siezen?|soutenu|formel\w*|vouvo\w+|formeel|professionell\w*|professionnel\w*|profesional\w*|profissional\w*|正式|敬語|丁寧|"
     r"официальн\w+|формальн\w+|на вы|격식|존댓말"),
    ("formality", LESS, r"!stiff|robotic|stuffy|stilted"),
    ("exclamations", MORE, r"exclamation(?: marks?| points?)?|ausrufezeichen|points? d'exclamation|感叹号"),
    ("analogies", MORE, r"analog(?:y|ies)|metaphors?|comparisons?|vergleiche?"),
    ("examples", MORE, r"examples?|for instance|beispiele?n?|exemples?|ejemplos?|exemplos?|esempi?o?|voorbeeld\w*|例子|举例|示例|例を|"
     r"具体例|пример\w*|예시|예를"),
    ("questions", MORE, r"ask (?:me )?(?:\w+ )?(?:\w+ )?questions?|clarifying questions?|follow[- ]?up questions?|questions back|"
     r"rückfragen|nachfragen|pose(?:-moi)? des questions"),
    ("hedging", MORE, r"hedg(?:e|ing|ed)|wishy[- ]washy|weasel words?|maybes?|uncertaint(?:y|ies)|confidence levels?|(?:not|un)[- ]?"
     r"sure|don't know"),
    ("caveats", MORE, r"caveats?|disclaimers?|warnings?|risks|limitations|haftungsausschl\w+|avertissements?|advertencias?"),
    ("directness", MORE, r"preambles?|pleasantries|small talk|intros?|introductions?|introductory\w*|opening phrases?|certainly|great "
     r"question|einleitung\w*|introducción|introdução|introduzione|开场白|前置き"),
    ("directness", LESS, r"direct(?:ly|ness)?|straight (?:to|answers?)|answer first|straightforward\w*|direkt\w*|directement|直接|"
     r"прямо"),
    ("closing", MORE, r"closing (?:phrases?|remarks?|lines?)|sign[- ]offs?|let me know|offers? (?:of|to) help|hope this helps"),
    ("warmth", MORE, r"warm(?:er|th|ly)?|empath\w+|supportive|encourag\w+|kind(?:er|ly|ness)?(?! of)|gentle|compassion\w*|"
     r"friendl\w+|reassur\w+|flatter\w*|sycophan\w*|praise|compliments?|sugar[- ]?coat\w*|coddl\w*|freundlich\w*|amical\w*|amable\w*|"
     r"gentile|vriendelijk\w*|友好|亲切|優しく|дружелюбн\w+"),
    ("warmth", LESS, r"matter[- ]of[- ]fact|neutral(?:ly)?|blunt(?:ly)?|no[- ]nonsense|sachlich\w*"),
    ("humour", MORE, r"humou?r(?:ous)?|jokes?|joking|funny|witty|wit|puns?|playful\w*|sarcas\w+|witze?|blagues?|chistes|piadas|"
     r"battute|grapjes|幽默|笑话|ユーモア|冗談|шут\w+|юмор\w*"),
    ("humour", LESS, r"serious(?:ly)?|ernst"),
    ("reading", LESS, r"simpl(?:e|er|y|est|ify|icity|istic)|plain(?:er|ly)?|easy (?:to (?:understand|read|follow)|words|language|terms)|"
     r"easier|lay(?:man|person|men)'?s?(?:'? terms)?|lay terms|eli5|like i(?:'m| am|m) (?:5|five|a \w+|new)|beginner[- ]"
     r"(?:friendly|level)|dumb\w* (?:it |this |that )?down|non[- ]?technical|everyday (?:language|words)|einfach\w*|verständlich\w*|"
     r"simplement|simples?|sencill[oa]s?|fácil(?:es)?|semplic[ei]|eenvoudig\w*|simpel\w*|简单|通俗|易懂|やさしい|簡単|わかりやす\w*|"
     r"прост(?:о|ыми|ой|ым|ые|ых|ая|ей)|понятн\w+|проще|쉽게"),
    ("reading", MORE, r"technical(?:ly)?|technical (?:details?|terms)|advanced|expert[- ]level|jargon|rigor(?:ous)?|rigour|academic|"
     r"scientific\w*|sophisticated|complicated|complex|big words|buzzwords?|fachsprache|fachbegriffe?|fachchinesisch|technisch\w*|"
     r"técnic[oa]s?|jerga|专业|専門|техническ\w+"),
    ("reading", LESS, r"!you(?:'ve| have)? lost me|over my head|(?:don't|do not|didn't|can't|couldn't) (?:understand|follow|get (?:it|"
     r"this|that))|confus\w+|no idea what (?:that|this|you)|what does (?:that|this|it) (?:even )?mean|verstehe ich "
     r"nicht|je ne comprends (?:pas|rien)|no (?:lo )?entiendo|não entend\w+|non capisco|snap ik niet|听不懂|看不懂|わからない|"
     r"分からない|не понял\w*|не понимаю"),
    ("numbers", MORE, r"numbers|figures|statistics|stats|percentages|zahlen|chiffres|cifras|cijfers|数字|数据|数値|цифр\w*"),
    ("sources", MORE, r"sources?|citations?|cit(?:e|es|ing)|references?|(?:hyper)?links?|footnotes?|quellen\w*|fuentes|fontes|fonti|"
     r"bronnen|来源|引用|出典|источник\w*|ссылк\w*"),
    ("options", MORE, r"alternatives?|pros and cons|trade-?offs?|options|both sides|vor- und nachteile"),
    ("dashes", MORE, r"em[- ]?dash(?:es)?|dashes"),
)  # fmt: skip

_REMARKS: tuple[tuple[str, str, str], ...] = (
    ("summing_up", MORE, r"(?:summari[sz]e (?:that|this|it)|sum (?:that|this|it) up) at the end"),
    ("length", LESS, r"too (?:long|wordy|verbose|much (?:text|detail|information|info|to read))|shorter|tl;?dr|(?:keep|make) (?:it|this|"
     r"that|them|answers?) (?:short|brief|concise|snappy)|be (?:more )?(?:brief|concise|succinct)|more concise|(?:more )?briefly|short "
     r"(?:answer|version|reply)|in short|just (?:give me |tell me )?the (?:answer|result|gist|essentials|facts)|only the answer|get to the "
     r"point|bottom line|in (?:one|two|1|2|a) (?:sentences?|lines?|words?)|(?:that's|thats|that is|this is) (?:a lot|way too much|so "
     r"long)|rambling|wall of text|long[- ]winded|shorten|condense|zu lang|kürzer|kurz bitte|fass dich kurz|trop long\w*|plus court|"
     r"en bref|demasiado larg\w|más cort\w|muito long\w|mais curt\w|troppo lung\w|più (?:breve|corto)|te lang|korter|太长|简短|简洁|"
     r"長すぎ|もっと短く|短く|слишком длинн\w+|короче|покороче"),
    ("length", MORE, r"too (?:short|brief|vague|superficial)|(?:more|further|additional) details?|in (?:more|greater) (?:detail|depth)|more "
     r"(?:detailed|in[- ]depth|thorough)|elaborate|(?:tell me|explain) more|expand on (?:that|this|it)|longer (?:answer|explanation|version|"
     r"reply)|go deeper|not (?:detailed|long) enough|zu kurz|ausführlicher|mehr details?|genauer|trop court\w*|plus (?:de détails?|"
     r"détaillé\w*)|más (?:detalles?|detallad\w)|mais detalhes?|più (?:dettagli|dettagliat\w)|meer details?|uitgebreider|更详细|详细一点|"
     r"もっと詳しく|詳しく|подробнее|поподробнее"),
    ("lists", MORE, r"(?:as|in|with|use) (?:a )?bullet(?:ed)?(?:[- ](?:points?|lists?))?s?|bullet points?|bullets|in list form|as a list|"
     r"stichpunkte\w*|箇条書き|списком"),
    ("lists", LESS, r"(?:no|fewer|less|stop (?:using |with )?(?:the )?|without|too many|enough) (?:bullet\w*(?: points?| lists?)?|lists)|(?:in|"
     r"as) prose|keine (?:listen|stichpunkte)"),
    ("steps", MORE, r"step[- ]by[- ]step|one step at a time|schritt für schritt|étape par étape|paso a paso|passo a passo|stap voor stap|"
     r"一步一步|пошагово|по шагам"),
    ("tables", MORE, r"(?:in|as|make) (?:a )?table|in tabular form|als tabelle|en tabla|用表格|表にして"),
    ("code", MORE, r"(?:show|give|write|see|have) (?:it |me |that |this |the )*(?:in |as |some |actual |the )*(?:code|snippet)|code instead|in "
     r"code|just (?:the )?code|code example|代码|コードで|кодом"),
    ("examples", MORE, r"(?:give|show|have|see|need|want|with|add|another|more) (?:me )?(?:an? |some |a few |more )?"
     r"(?:\w+ )?examples?(?= |$|\?)|for instance\?|like what|ein beispiel|(?:un|des) exemples?|un ejemplo|um exemplo|un esempio|een "
     r"voorbeeld|举(?:个)?例|例を|пример\w*"),
    ("emoji", LESS, r"(?:no|stop|fewer|less|without|too many|drop|lose|enough|skip|don't use|not use) (?:with |using |all )?(?:the |those |these "
     r")?(?:emoji\w*|smileys?|emoticons?)|keine emojis|sans emojis?|sin emojis|sem emojis|senza emoji|geen emoji\w*|不要表情|绘文字なし|без "
     r"(?:эмодзи|смайл\w+)"),
    ("emoji", MORE, r"(?:more|use|add|some|with|love the|like the) (?:\w+ )?(?:emoji\w*|smileys?)|mehr emojis|mit emojis|plus d'emojis|"
     r"más emojis|mais emojis"),
    ("formality", LESS, r"(?:less|too|so|overly|not so|no need to be so) (?:formal|stiff|stuffy|robotic|corporate)|more (?:casual|informal|"
     r"relaxed|conversational)|be (?:casual|informal)|casual tone|loosen up|zu förmlich|lockerer|duz mich|trop formel|tutoie-moi|más "
     r"informal|mais informal|più informale|informeler|太正式|もっとカジュアル|неформально|на ты"),
    ("formality", MORE, r"(?:too|so|overly) (?:casual|informal|chummy|chatty|familiar)|more (?:formal|professional)|be (?:formal|"
     r"professional)|formal tone|less casual|förmlicher|siezen sie|zu salopp|plus formel|más formal|mais formal|più formale|formeler|"
     r"更正式|もっと丁寧|официальнее|на вы"),
    ("reading", LESS, r"you(?:'ve| have)? lost me|no jargon|less (?:jargon|technical)|without (?:the )?jargon|too (?:technical|complicated|"
     r"complex|advanced|academic|much jargon|many big words)|simpler|simplify|(?:in )?(?:plain|simple) (?:english|words|terms|language)|"
     r"layman'?s?(?:'? terms)?|eli5|like i(?:'m| am|m) (?:5|five|a (?:child|kid|beginner|total beginner))|over my head|(?:i )?(?:don't|do not|"
     r"didn't) (?:understand|follow)(?: (?:that|this|any|a word|you|it).*)?|i'm (?:confused|lost)|dumb (?:it|that|this) down|what does "
     r"that (?:even )?mean|zu kompliziert|einfacher|verstehe ich nicht|trop compliqué|plus simple\w*|je ne "
     r"comprends (?:pas|rien)|demasiado complicado|más (?:simple|sencillo)|no entiendo|muito complicado|mais simples|não entendi|troppo "
     r"complicato|più semplice|non capisco|te ingewikkeld|eenvoudiger|简单点|太复杂|听不懂|もっと簡単|わかりやすく|проще|не понимаю|"
     r"слишком сложно"),
    ("reading", MORE, r"more (?:technical|advanced|rigorous|academic)|too (?:basic|simple|simplistic|dumbed down)|i(?:'m| am) (?:an expert|not a "
     r"beginner)|don't dumb (?:it|this) down|zu einfach|trop simple|demasiado (?:básico|simple)"),
    ("sources", MORE, r"(?:cite|give|any|with|your|what(?:'s| is| are) (?:your|the)|add|need) (?:me )?(?:your |some |the )?(?:sources?|citations?|"
     r"references?|links?)(?= |$|\?)|quelle\w*\?|来源|出典|источник\w*"),
    ("directness", LESS, r"skip (?:the )?(?:intro\w*|preamble|pleasantries|small talk|fluff)|no (?:intro\w*|preamble|fluff|filler|small talk)|stop "
     r"(?:saying|starting|opening) .*|just answer|straight answer|answer (?:the|my) question"),
    ("caveats", LESS, r"(?:no|skip|stop|drop|without|enough) (?:with |adding |all )?(?:the |those |these )?(?:disclaimers?|caveats?|warnings?)|stop "
     r"telling me to (?:see|consult|talk to)"),
    ("questions", LESS, r"stop asking (?:me )?(?:so many |all these )?questions?|(?:don't|do not) ask me|too many questions"),
    ("humour", LESS, r"(?:no|stop|enough|skip) (?:with |making )?(?:the )?(?:jokes?|joking|puns?)|be serious"),
    ("analogies", MORE, r"(?:use|give me|with|another) an? ?analogy|analogy (?:please|would)"),
    ("warmth", LESS, r"stop (?:apologi[sz]ing|flattering)|no flattery|don't (?:apologi[sz]e|patroni[sz]e)"),
)  # fmt: skip

_LANGUAGES = {
    "English": "english|englisch|anglais|inglés|inglês|inglese|engels|英语|英文|英語|английском|по-английски",
    "German": "german|deutsch|allemand|alemán|alemão|tedesco|duits|德语|德文|ドイツ語|немецком|по-немецки",
    "French": "french|französisch|français|francés|francês|francese|frans|法语|法文|フランス語|французском|по-французски",
    "Spanish": "spanish|spanisch|espagnol|español|espanhol|spagnolo|spaans|castellano|西班牙语|スペイン語|испанском|по-испански",
    "Portuguese": "portuguese|portugiesisch|portugais|portugués|português|portoghese|portugees|葡萄牙语|ポルトガル語|португальском",
    "Italian": "italian|italienisch|italien|italiano|italiaans|意大利语|イタリア語|итальянском|по-итальянски",
    "Dutch": "dutch|niederländisch|néerlandais|neerlandés|holandês|olandese|nederlands|荷兰语|オランダ語",
    "Chinese": "chinese|mandarin|chinesisch|chinois|chino|chinês|cinese|chinees|中文|汉语|简体中文|中国語|китайском|по-китайски",
    "Japanese": "japanese|japanisch|japonais|japonés|japonês|giapponese|japans|日语|日文|日本語|японском|по-японски",
    "Korean": "korean|koreanisch|coréen|coreano|koreaans|韩语|韓国語|한국어|корейском",
    "Russian": "russian|russisch|russe|ruso|russo|俄语|ロシア語|русском|по-русски",
    "Arabic": "arabic|arabisch|arabe|árabe|arabo|العربية",
    "Hindi": "hindi|हिन्दी|हिंदी",
    "Polish": "polish|polnisch|polonais|polaco|polacco|pools|po polsku|polsku",
    "Turkish": "turkish|türkisch|turc|turco|turks|türkçe",
    "Ukrainian": "ukrainian|ukrainisch|ukrainien|українською",
    "Swedish": "swedish|schwedisch|suédois|sueco|svedese|zweeds|svenska",
}
_ANSWERING = (
    r"(?:answer|reply|replies|respond|response|write|speak|talk|use|switch|always|only|antworte\w*|schreib\w*|sprich|réponds?|"
    r"répondez|répondre|parle\w*|écris|responde\w*|responda|habla\w*|escribe|fale|fala|escreva|rispond\w+|parla\w*|scrivi|antwoord\w*|"
    r"schrijf|spreek|please|bitte|translate|explain|prefer\w*|回答|回复|用|使用|で|отвечай\w*|ответь\w*|пиши\w*|auf|in|en|em|на|по)"
)

_NEGATION = re.compile(
    r"\b(?:no|not|never|without|avoid\w*|stop|skip|drop|less|fewer|omit|remove|leave out|cut|ditch|easy on|light on|lose|minus|don'?t|do not|doesn'?t|"
    r"won'?t|shouldn'?t|can'?t stand|hate|dislike|dislikes|tired of|sick of|enough|rather than|instead of|over|nor|zero|limit|refrain|"
    r"annoy\w*|neither|kein\w*|nicht|nie|ohne|weniger|vermeide\w*|sans|pas|moins|jamais|évite\w*|sin|nunca|menos|evita\w*|sem|não|evite|"
    r"senza|non|meno|mai|geen|niet|nooit|zonder|minder|vermijd\w*|без|не|никаких|меньше)\b|不要|不用|别|少用|没有|无需|いらない"
)
_NEGATION_AFTER = re.compile(
    r"^\W*(?:is|are|seem|feel)?\s*(?:not needed|unnecessary|annoying|distracting|not necessary|useless|overkill|free\b|なし|不要|を使わない"
    r"|は使わない|は不要|しないで|いらない)|^[- ]free\b"
)
_TOO = re.compile(r"\b(?:too|so|overly|way too|excessive\w*|zu|trop|demasiad[oa]s?|muito|troppo|te|слишком)(?: (?:many|much|viel\w*|de|"
                  r"\w+))?\s*$|太|すぎ")  # fmt: skip
_TOO_AFTER = re.compile(r"^(?:すぎ| overload| everywhere)")
_NOT_ENOUGH = re.compile(r"\bnot\b[^.]*$")
_LACK = re.compile(r"\b(?:no|not enough|lack\w*|missing|misses|without|zero|needs?|keine?|fehlen|sans|manque|sin|falta\w*|sem|senza|geen)\b")
_ASKS = re.compile(r"\b(?:please|should|could|needs?|want|wish|prefer|would|more|less|fewer|rather|bitte|plus|más|mais|più|meer)\b")
_TURN = re.compile(r"\b(?:but|instead(?! of)|and (?:use|give|keep|write|be|add|show|do|always|include|make|put|stick)|just|aber|mais|pero|ma|maar)\b")
_PIECES = re.compile(r"[,;:.!?…。，、！？；\n()]+|\s[-–—]+\s")


def wishes(text: str, *, disliked: bool = False) -> tuple[Wish, ...]:
    """The preferences that words about answers speak of; `disliked` for what was said against an answer.

    >>> wishes("Short answers, and no emoji please")
    (Wish(aspect='length', direction='less'), Wish(aspect='emoji', direction='less'))
    >>> wishes("no examples at all", disliked=True)
    (Wish(aspect='examples', direction='more'),)
    """
    lowered = _normal(text)
    found: dict[Wish, None] = dict.fromkeys(_language(lowered))
    for piece in _PIECES.split(_shield(lowered)):
        taken: list[tuple[int, int]] = []
        for aspect, direction, fixed, pattern in _compiled(_TOPICS):
            for match in pattern.finditer(piece):
                if any(match.start() < end and start < match.end() for start, end in taken):
                    continue
                taken.append(match.span())
                turned = not fixed and _turned(piece, match, disliked=disliked)
                found[Wish(aspect, _opposite(direction) if turned else direction)] = None
    return tuple(found)


def remarks(text: str) -> tuple[Wish, ...]:
    """The preferences that a remark on an answer in a chat speaks of, narrowly.

    >>> remarks("ok but that's too long, and no jargon please")
    (Wish(aspect='length', direction='less'), Wish(aspect='reading', direction='less'))
    >>> remarks("can you add some longer songs to the list?")
    ()
    """
    lowered = _normal(text)
    found: dict[Wish, None] = dict.fromkeys(_language(lowered))
    for piece in _PIECES.split(_shield(lowered)):
        for aspect, direction, _, pattern in _compiled(_REMARKS):
            for match in pattern.finditer(piece):
                before = piece[: match.start()]
                if not re.search(r"\b(?:not|isn't|wasn't|never)\b[\w ']{0,12}$", before):
                    found.setdefault(Wish(aspect, direction))
    return tuple(found)


def _normal(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split(" "))


def _shield(lowered: str) -> str:
    """Keep the marks inside "tl;dr" from cutting it in two."""
    return lowered.replace("tl;dr", "tldr").replace("e.g.", "eg")


def _opposite(direction: str) -> str:
    return LESS if direction == MORE else MORE


@cache
def _compiled(table: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str, bool, re.Pattern[str]], ...]:
    """Each topic with its pattern; "!" marks words that mean one thing whatever stands before them."""
    compiled = []
    for aspect, direction, pattern in table:
        fixed = pattern.startswith("!")
        words = pattern.removeprefix("!")
        compiled.append((aspect, direction, fixed, re.compile(rf"(?<![a-zа-яà-ÿ0-9])(?:{words})(?![a-zа-яà-ÿ])")))
    return tuple(compiled)


def _turned(piece: str, match: re.Match[str], *, disliked: bool) -> bool:
    """Whether what stands around a topic turns it round."""
    before = piece[: match.start()]
    before = _TURN.split(before)[-1]
    before = " ".join(before.split(" ")[-8:])
    after = piece[match.end() :]
    if after.lstrip().startswith("enough") and _NOT_ENOUGH.search(before):
        return False
    too = _TOO.search(before) is not None or _TOO_AFTER.match(after) is not None
    if disliked and not too:
        return not (_LACK.search(before) or _ASKS.search(piece)) or (
            _LACK.search(before) is None and _NEGATION.search(before) is not None
        )
    negated = _NEGATION.search(before) is not None or _NEGATION_AFTER.match(after) is not None
    if re.search(r"\b(?:not|never) (?:\w+ )?without\b|don'?t (?:forget|skip|leave out|omit|be afraid)|not only", before):
        return False
    return negated or too


@cache
def _language_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (name, re.compile(rf"(?<![a-zа-яà-ÿ]){_ANSWERING}\s*(?:(?:to |me |mir |moi |in |auf |en |em |het |only |на )*)(?:{words})(?![a-zа-яà-ÿ])(?!\s+(?!please|only|answers?|repl|respon|instead|from|and|but|with|unless|bitte|not|if|when|for|at|all)[a-z])"))
        for name, words in _LANGUAGES.items()
    )


def _language(lowered: str) -> list[Wish]:
    if "spelling" in lowered or not re.search(r"answer|repl|respon|write|speak|talk|use|explain|always|please|prefer|antwort|schreib|sprich|"
        r"bitte|répon|parle|écri|habla|escrib|fale|fala|escrev|rispond|parla|scriv|schrijf|spreek|回|用|で|отвеч|ответ|пиш|по-", lowered):  # fmt: skip
        return []
    negated = re.search(r"\b(?:not|don't|never|nicht|pas|no)\b[\w ]*$", lowered.split(" in ")[0])
    return [] if negated else [Wish("language", name) for name, pattern in _language_patterns() if pattern.search(lowered)][:1]
