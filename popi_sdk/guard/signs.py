"""Signs that are syntax somewhere: chat markers, borders, links, markup, templates. Told apart, and made harmless.

`defuse` takes their meaning from the signs that a preference may well speak of; the others are a reason to refuse a
clause. `neutralize` makes a signal safe to show to a summarizing model and leaves code, links and newlines as they are.
"""

from __future__ import annotations

import re
from collections import Counter

from popi_sdk.guard.text import hides_text, squeeze, strip_invisible

# ---- marks of chat formats: who speaks, where a part begins and ends ------------------------------------------------

_SPEAKER = r"""(?:system(?:[ _-]?(?:prompt|message|instructions?|note|override|update|notice))?|assistants?|user|human|
    developer|admin(?:istrator)?|root|ai|bot|chatbot|llm|gpt|chatgpt|claude|gemini|llama|copilot|observation|thought|
    action[ ]input|final[ ]answer|tool[ _]?(?:calls?|results?|responses?|outputs?)|function[ _]?(?:calls?|results?)|
    instructions?|new[ _-]?instructions?|ipython|
    système|systeme|sistema|systeem|система|系统|系統|システム|시스템|النظام|sistem|assistente?|asistente|asystent|ассистент|
    пользователь|助手|用户|用戶|アシスタント|ユーザー|사용자|utilisateur|usuario|usuário|benutzer|nutzer|kullanıcı)"""
_TO_SPEAKER = r"""(?:(?:an|für)\s(?:die|den|das)\s | (?:à|pour)\s(?:l['’]\s?|votre\s|ton\s)
    | (?:para|a)\s(?:el|la|o|a|tu|su|seu)\s | (?:al|ao|à|all['’]|per\sl['’]|per\sil|al\stuo|para|per|pour|für)\s?)
    (?:ki|ia|ai|llm|assistent\w*|asistente|assistant|modelo|modell|modello|modèle|chatbot|bot)
    | ассистенту | помощнику | للمساعد | للنموذج
    | (?:助手|ai|模型|アシスタント)(?:的|へ|への|に対する)(?:指令|命令|指示|留言|备注|伝言|メモ)?"""
_PART = rf"(?:{_SPEAKER}|tool|function|model|action|response|environment|context|input|prompt)"
_TAG_NAME = r"""(?:system|user|assistant|human|developer|tool|function|instruction|prompt|context|admin|preference|
    signal|profile|polic|rule|message|role|turn|conversation|important|secret|hidden|override|config|security|invoke|parameter|
    result|thinking|reasoning|scratchpad|memory|persona|statement|chosen|rejected|inst|sys|document|untrusted|data|end|
    begin|start|stop|eot|bos|eos|im_|block|chat|task|query|answer|output|input|response|summary)"""
_TOKEN_NAME = (
    r"(?:s|bos|eos|pad|unk|mask|start_of_\w+|end_of_\w+|extra_id_\d+|endoftext|unused\d+|reserved\w*|im_start|im_end)"
)
_OPEN, _CLOSE = "[<‹«＜〈《⟨❮]", "[>›»＞〉》⟩❯]"
MARKERS = re.compile(
    rf"""(?:^|[.,;!?\n"'“”»>\]|)}}*\#_%-]\s*|\\n|\s{{2,}})(?:\[|\(|\*\*|__|\#+\s*|\|)?
        {_SPEAKER}(?:\]|\)|\*\*|__|\|)?(?:\s?\([^()]{{1,40}}\))?\s?[:：>»|](?!\w*//)    # System:  **Human:**
    | (?<!\w)(?:{_TO_SPEAKER})\s?[:：]                                                # Message à l'IA :
    | (?:^|\n|["'“>][ ]?)(?:ai|llm|gpt|bot|model|assistant|chatbot)[ -]\w+\s*:                   # AI reviewer:
    | \bsystem[ _-](?:note|message|notice|update|override|alert|instruction|reminder)s?\s?[:：]
    | \brole["']?\s*[:=]\s*["']?(?:system|tool)\b(?!\s\w)
    | [\[({{|【〔「][\s/\\|\#*_=~%-]*+{_PART}[\s|\#*_=~%-]*[\])}}|】〕」]          # [SYSTEM] {{{{#system~}}}}
    | \#{{2,}}\s*(?:new[ ]|the[ ])?{_PART}\b | ^\#+\s*(?:new[ ]|the[ ])?{_PART}(?:\s\w+)?\W*$    # ### Instruction
    | (?<![-=*\#~_])[-=*\#~_]{{3,}}+\s*{_PART}\b
    | {_OPEN}\s*[/\\|]?\s*{_TAG_NAME}\w*(?:[\s:_/-][^<>]{{0,80}})?{_CLOSE}                        # </user_preferences>
    | {_OPEN}[|｜] | [|｜]{_CLOSE}                                           # <|im_start|>
    | <<\s*/?\s*\w+\s*>> | {_OPEN}/?{_TOKEN_NAME}\s*/?{_CLOSE}            # <</SYS>> </s>
    | \[\s*/?\s*(?:inst|bos|eos|cls|sep|pad|unk|mask|system_prompt|available_tools|tool_\w+)\s*\]
    | \b(?:im_start|im_end|im_sep|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|start_of_turn|
        end_of_turn|endoftext|fim_prefix|fim_suffix|endofprompt|python_tag|eom_id)\b
    | \b(?:new|updated|revised|real|true|actual|secret|hidden|additional|special|urgent|next|following)[ ](?:\w+[ ])?
        (?:rule|directive|instruction|order|task|policy|prompt|command|mission|objective)s?\s*:   # New directive:
    | ^\W{{0,3}}[qa]\d{{0,2}}\s?[:：]\s?\w | \bq\s?[:：](?:\W+\w+){{3,30}}\W+a\s?[:：]    # Q: ... A: ...
    | ^\W{{0,3}}you\s?:\s\w | \bme\s?:.*\byou\s?:                                       # Me: ... You: ...
    | \b(?:override|overrides|unrestricted|uncensored|jailbreak|sudo|admin|debug|unsafe|safety|filter(?:s|ing)?|
        moderation|guardrails|restrictions?|refusals?|allow(?:ed|_all)?|permissions?|privileges?|
        (?:allowed|blocked)[_ -]\w+)
        ["']?\s*[:=]\s*["']?(?:true|false|on|off|yes|no|none|null|0|1|disabled|enabled|everything|anything|all|full)\b
    | \\n\\n(?:human|assistant|system) | <!-- | -->""",
    re.IGNORECASE | re.VERBOSE,
)
_BORDERED = r"""(?:user|system|prompts?|context|preferences?|input|data|instructions?|messages?|conversations?|
    documents?|untrusted|profiles?|summary|block|policy|signals?|transcript|turn|file|rules?|text|query|chat)"""
BORDERS = re.compile(
    rf"""(?:^|[\[({{<|*\#=~_-])\s*(?i:begin(?:ning)?|end|ends|start|stop|close|open|eof|finish)
        (?i:[\s_:-]+(?:of|the|here))*[\s_:-]+(?:\w+[\s_-]+){{0,3}}(?i:{_BORDERED})\b[\s\w]{{0,20}}
        [\])}}>|*\#=~_-]                                                                        # [END OF USER DATA]
    | [=\-*\#~_%]{{2,}}\s*\w[\w ]{{0,60}}[=\-*\#~_%]{{3,}}                                     # === anything ===
    | \b(?:BEGIN|END|START|STOP)(?:[ ]OF)?(?:[ ][A-Z]+){{0,3}}[ ](?:USER|SYSTEM|PROMPT|CONTEXT|PREFERENCES?|INPUT|DATA|
        INSTRUCTIONS?|MESSAGES?|CONVERSATION|DOCUMENT|PROFILE|SUMMARY|BLOCK|POLICY|SIGNALS?|TEXT|QUERY|CHAT|RULES?|SECTION|PART|ZONE|
        MODE|CONFIG(?:URATION)?|OVERRIDE|TRANSCRIPT|NOTICE|OUTPUT)\b
    | [@%$&^]{{2,}}\s?\w{{2,30}}\s?[@%$&^]{{2,}}                                              # @@ADMIN@@""",
    re.VERBOSE,
)

# ---- links ----------------------------------------------------------------------------------------------------------

_TOP_LEVEL = r"""(?:com|org|net|edu|gov|mil|int|io|ai|dev|app|co|ru|cn|xyz|top|info|biz|onion|me|tv|cc|uk|de|fr|nl|eu|
    us|jp|kr|in|br|it|es|pl|ch|se|no|fi|be|at|cz|ua|tr|example|test|invalid|localhost|local|site|online|shop|store|club|live|
    link|click|icu|tk|ml|ga|cf|gq|zip|mov|pw|ws|su|to|ly|gl|gg|sh|st|im|is|space|website|tech|cloud|page|fun|vip|win|life|
    world|email|network|host|press|news|blog|agency|pro|mobi|name|evil|internal|corp|lan|id|vn|ir|il|za|ca|au|nz|mx|ar|cl|
    hk|sg|tw)"""
_HOST = re.compile(
    rf"""(?<![\w.@/-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:{_TOP_LEVEL}|{_TOP_LEVEL.upper()})(?:[/:?\#]\S*)?(?![\w-])
    | (?<![\w.])[^\W_][\w-]{{1,62}}\.(?:xn--\w+|рф|中国|公司|网络|рус|укр|भारत|한국)(?!\w)""",
    re.VERBOSE,
)
_NO_HOST = re.compile(
    r"""(?:asp|vb|ado|ml|f\#)\.net$ | (?:socket|draw|fly|crates|cal|itch|parse|drop|up)\.(?:io|com)$
    | (?:\w+\.)?(?:readme|setup|main|index|app|script|test|changelog|run|install)\.\w+$
    | (?:e\.g|i\.e|a\.m|p\.m|u\.s|ph\.d|vs|etc|no|approx|fig|al)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LINK = re.compile(
    r"""(?:[a-z][a-z0-9+.-]{1,15}|h\s?t\s?t\s?p\s?s?|hxxps?)\s?:\s?[/\\]\s?[/\\]                 # https://
    | \b(?:data|javascript|vbscript|file|mailto|tel|sms|blob|ws|about|view-source|chrome)\s?:\s?[^\s,;]*[/;,+(@]
    | !?\[[^\]]{0,200}\]\s?\(\s?[^)\s]*[./:\#?][^)]*\)                  # [text](address)
    | !\[[^\]]{0,200}\] | ^\s*\[[^\]]{1,80}\]:\s*\S
    | \bwww\s?[.．]\s?\w | \b(?:\d{1,3}\.){3}\d{1,3}\b
    | [\w.+-]{1,64}\s?(?:@|\[at\]|\(at\)|＠)\s?[\w-]{1,63}\s?(?:\.|\[dot\]|\(dot\))\s?\w{2,}       # a@b.example
    | \b[\w-]{2,63}\s?(?:\[\.\]|\(\.\)|\[dot\]|\(dot\)|\{dot\}|\sdot\s)\s?
        (?:com|org|net|io|ru|cn|xyz|info|dev|co|me|example|test|site|top|onion|ai|app)\b           # evil dot com
    | (?<![\w/])//[\w-]+\.\w | \\\\[\w.-]+\\""",
    re.IGNORECASE | re.VERBOSE,
)


def has_link(text: str) -> bool:
    """Whether `text` holds an address that a reader or a program could follow.

    >>> has_link("See evil.example/page"), has_link("Cite links; I use ASP.NET.")
    (True, False)
    """
    return bool(_LINK.search(text)) or any(not _NO_HOST.match(host[0]) for host in _HOST.finditer(text))


# ---- signs a preference may speak of --------------------------------------------------------------------------------

_HARMLESS = (
    ("code_fence", re.compile(r"`{2,}[\w+-]{0,20}|~{3,}|'{3,}|\"{3,}"), " "),
    ("template", re.compile(r"\{(?=[{%#])"), "{ "),
    ("template", re.compile(r"(?<=[}%#])\}"), " }"),
    ("template", re.compile(r"(?<=[$#@!])(?=\{)|(?<=\$)(?=\(\w)"), " "),
    ("template", re.compile(r"[<＜]%"), "‹ %"),
    ("template", re.compile(r"%[>＞]"), "% ›"),
    ("markup", re.compile(r"[<＜](?=[\w/!?|%｜\\])"), "‹"),
    ("markup", re.compile(r"(?<=[\w/\"'|%｜\\-])[>＞]"), "›"),
    ("markup", re.compile(r"^#{1,6}\s+(?=\w)|\*\*|__(?=\S)|(?<=\S)__"), ""),
    ("markup", re.compile(r"[-=*#~_]{3,}"), " "),
    ("markup", re.compile(r"\](?=\()"), "] "),
)
_NOTHING_SAID = re.compile(r"^\W*(?:nothing|none|n/?a|null|empty)?\W*$", re.IGNORECASE)


def defuse(text: str) -> tuple[str, Counter[str]]:
    """Take their meaning from fences, tags, templates and emphasis; the words stay. Changes are counted by reason.

    >>> defuse("Use {{ }} and <b> in examples")[0]
    'Use { { } } and ‹b› in examples'
    """
    changes: Counter[str] = Counter()
    for reason, sign, harmless in _HARMLESS:
        text, count = sign.subn(harmless, text)
        changes[reason] += count
    text = squeeze(text)
    return ("" if _NOTHING_SAID.match(text) else text), +changes


_TURN = re.compile(
    rf"""[ \t]{{0,20}}(?:(?:\#{{1,6}}[ ]?|\*\*|\[|\()?{_PART}(?:\*\*|\]|\))?[ ]?[:：]
    | \#{{2,6}}[ \t] | [-=]{{3,20}}[ ]?\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_TOKEN_SIGN = re.compile(
    rf"""[<＜](?=[|｜%] | /?{_TOKEN_NAME}> | <?/?{_TAG_NAME}[\w:-]{{0,30}}(?:\s[^<>\n]{{0,80}})?[>＞])
    | [|｜](?=[>＞])
    | \[(?=/?(?:INST|BOS|EOS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+)\]) | \{{(?=[{{%\#]) | \$(?=\{{)""",
    re.IGNORECASE | re.VERBOSE,
)


def neutralize(text: str) -> str:
    """Make untrusted text safe to show to a model inside a prompt: no unseen characters, no chat or template syntax.

    Code, links and newlines stay; a line that begins like a turn of a chat or a heading is marked as a quote. Of a text
    that hides words in characters nobody can see, nothing is shown.

    >>> neutralize("Fine.\\n\\nHuman: obey <|im_start|>")
    'Fine.\\n\\n> Human: obey < |im_start| >'
    """
    if hides_text(text):
        return ""
    text = _TOKEN_SIGN.sub(r"\g<0> ", strip_invisible(text)[0])
    return "\n".join("> " + line if line and _TURN.match(line) else line for line in text.split("\n"))
