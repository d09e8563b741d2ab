"""Signs that are syntax somewhere: chat markers, links, markup, templates. Told apart, and taken their meaning.

`defuse` makes a clause safe for a system prompt; `neutralize` makes a signal safe to show to a summarizing model and
leaves code, links and newlines as they are.
"""

from __future__ import annotations

import re
from collections import Counter

from popi_sdk.guard_text import plain_letters, squeeze, strip_invisible

_ROLE = (
    r"(?:system|assistants?|user|human|developer|tool|function|admin(?:istrator)?|root|ai|bot|chatbot|model|llm|gpt|chatgpt|claude|gemini|llama|"
    r"observation|thought|action(?: input)?|final answer|tool[ _]?(?:call|result|response|output)s?|function[ _]?(?:call|result|response)s?|"
    r"instructions?|system[ _-]?(?:prompt|message|instructions?|note|override|update|notice)|new[ _-]?instructions?|response|ipython|environment|context|input|prompt|"
    r"systeme?|système|sistema|systeem|система|系统|系統|システム|시스템|النظام|kullanıcı|sistem|assistente?|asistente|asystent|ассистент|пользователь|助手|用户|用戶|アシスタント|ユーザー|사용자|utilisateur|usuario|usuário|benutzer|nutzer)"
)
_OPEN, _CLOSE = "[<‹«＜〈《⟨❮]", "[>›»＞〉》⟩❯]"
_TAG_NAME = (
    r"(?:system|user|assistant|human|developer|tool|function|instruction|prompt|context|admin|preference|signal|profile|polic|rule|message|role|turn|"
    r"conversation|important|secret|hidden|override|config|security|invoke|parameter|result|thinking|reasoning|scratchpad|memory|persona|statement|chosen|rejected|inst|sys|"
    r"document|untrusted|data|end|begin|start|stop|eot|bos|eos|im_|block|chat|task|query|answer|output|input|response|summary)"
)
MARKERS = re.compile(
    rf"(?:^|[.,;!?\n\"'“”»>\]|)}}*#_%-]\s*|\\n|\s{{2,}})(?:\[|\(|\*\*|__|#+\s*|\|)?{_ROLE}(?:\]|\)|\*\*|__|\|)?\s?[:：>»|](?!\w*//)"
    rf"|[\[({{|【〔「][\s/\\|#*_=~%-]*{_ROLE}[\s|#*_=~%-]*[\])}}|】〕」]"
    rf"|#{{2,}}\s*(?:new |the )?{_ROLE}\b|^#+\s*(?:new |the )?{_ROLE}(?:\s\w+)?\W*$|[-=*#~_]{{3,}}\s*{_ROLE}\b"
    rf"|{_OPEN}\s*[/\\|]?\s*{_TAG_NAME}\w*(?:[\s:_/-][^<>]{{0,80}})?{_CLOSE}"
    rf"|{_OPEN}[|｜]|[|｜]{_CLOSE}|<<\s*/?\s*\w+\s*>>|\[\s*/?\s*inst\s*\]|\[/?(?:bos|eos|cls|sep|pad|unk|mask|system_prompt|available_tools|tool_\w+)\]"
    rf"|{_OPEN}/?(?:s|bos|eos|pad|unk|mask|start_of_\w+|end_of_\w+|extra_id_\d+|endoftext|unused\d+|reserved\w*|im_start|im_end)\s*/?{_CLOSE}"
    r"|\b(?:im_start|im_end|im_sep|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|start_of_turn|end_of_turn|endoftext|fim_prefix|fim_suffix|endofprompt|python_tag|eom_id)\b"
    r"|(?:^|\n|[\"'“>] ?)(?:ai|llm|gpt|bot|model|assistant|chatbot)[ -]\w+\s*:"
    r"|\b(?:new|updated|revised|real|true|actual|secret|hidden|additional|special|urgent|next|following) (?:\w+ )?(?:rule|directive|instruction|order|task|policy|prompt|command|mission|objective)s?\s*:"
    r"|\\n\\n(?:human|assistant|system)|<!--|-->",
    re.IGNORECASE,
)
BORDERS = re.compile(
    r"(?:^|[\[({<|*#=~_-])\s*(?:begin(?:ning)?|end|ends|start|stop|close|open|eof|finish)(?:[\s_:-]+(?:of|the|here))*[\s_:-]+(?:\w+[\s_-]+){0,3}"
    r"(?:user|system|prompts?|context|preferences?|input|data|instructions?|messages?|conversations?|documents?|untrusted|profiles?|summary|block|policy|signals?|transcript|"
    r"turn|file|rules?|text|query|chat)\b[\s\w]{0,20}(?:[\])}>|*#=~_-]|$)"
    r"|[=\-*#~_%]{2,}\s*\w[\w ]{0,60}[=\-*#~_%]{3,}"
    r"|\b(?:BEGIN|END|START|STOP)(?: OF)?(?: [A-Z]+){0,3} (?:USER|SYSTEM|PROMPT|CONTEXT|PREFERENCES?|INPUT|DATA|INSTRUCTIONS?|MESSAGES?|CONVERSATION|DOCUMENT|PROFILE|SUMMARY|BLOCK|POLICY|SIGNALS?|TEXT|QUERY|CHAT|RULES?)\b"
)
_TOP_LEVEL = (
    r"com|org|net|edu|gov|mil|int|io|ai|dev|app|co|ru|cn|xyz|top|info|biz|onion|me|tv|cc|uk|de|fr|nl|eu|us|jp|kr|in|br|it|es|pl|ch|se|no|fi|be|at|cz|ua|tr|"
    r"example|test|invalid|localhost|local|site|online|shop|store|club|live|link|click|icu|tk|ml|ga|cf|gq|zip|mov|pw|ws|su|to|ly|gl|gg|sh|st|im|is|space|website|tech|cloud|page|lol|fun|vip|win|life|world|email|network|host|press|news|blog|agency|pro|mobi|name|evil|internal|corp|lan|id|vn|ir|il|za|ca|au|nz|mx|ar|cl|hk|sg|tw"
)
_NOT_A_HOST = re.compile(r"^(?:asp|vb|ado|ml|f#)\.net$|^(?:socket|draw|fly|crates|cal|itch|parse|drop|up)\.(?:io|com)$|^(?:\w+\.)?(?:readme|setup|main|index|app|script|test|changelog|run|install)\.\w+$|^(?:e\.g|i\.e|a\.m|p\.m|u\.s|ph\.d|vs|etc|no|approx|fig|al)\b.*", re.IGNORECASE)  # fmt: skip
LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}|h\s?t\s?t\s?p\s?s?|hxxps?)\s?:\s?[/\\]\s?[/\\]|\b(?:data|javascript|vbscript|file|mailto|tel|sms|blob|ws|about|view-source|chrome)\s?:\s?[^\s,;]*[/;,+(@]"
    r"|!?\[[^\]]{0,200}\]\s?\(\s?[^)\s]*[./:#?][^)]*\)|!\[[^\]]{0,200}\]|^\s*\[[^\]]{1,80}\]:\s*\S|\bwww\s?[.．]\s?\w|\b(?:\d{1,3}\.){3}\d{1,3}\b"
    r"|[\w.+-]{1,64}\s?(?:@|\[at\]|\(at\)|＠)\s?[\w-]{1,63}\s?(?:\.|\[dot\]|\(dot\))\s?\w{2,}"
    r"|\b[\w-]{2,63}\s?(?:\[\.\]|\(\.\)|\[dot\]|\(dot\)|\{dot\}|\sdot\s)\s?(?:com|org|net|io|ru|cn|xyz|info|dev|co|me|example|test|site|top|onion|ai|app)\b"
    r"|(?<![\w/])//[\w-]+\.\w|\\\\[\w.-]+\\|\]\(",
    re.IGNORECASE,
)
_HOST = re.compile(rf"(?<![\w.@/-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_TOP_LEVEL})(?:[/:?#][^\s]*)?(?![\w-])", re.IGNORECASE)
_HOST_ANY_SCRIPT = re.compile(r"(?<![\w.])[^\W_][\w-]{1,62}\.(?:xn--\w+|рф|中国|公司|网络|рус|укр|भारत|한국)(?![\w])", re.IGNORECASE)

_FENCE = re.compile(r"`{2,}[\w+-]{0,20}|~{3,}|'{3,}|\"{3,}")
_TAG = re.compile(r"[<＜](?=[\w/!?|%｜\\])|(?<=[\w/\"'|%｜\\-])[>＞]")
_TEMPLATE = (
    (re.compile(r"\{(?=[{%#])"), "{ "),
    (re.compile(r"(?<=[}%#])\}"), " }"),
    (re.compile(r"([$#@!])\{"), r"\1 {"),
    (re.compile(r"[<＜]%"), "‹ %"),
    (re.compile(r"%[>＞]"), "% ›"),
    (re.compile(r"\$\((?=\w)"), "$ ("),
)
_EMPHASIS = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|\*(?=\*)")
_HEADING = re.compile(r"^#{1,6}\s+(?=\w)")
_RULE = re.compile(r"[-=*#~_]{3,}")
_LABEL = re.compile(r"\]\(")
_NOTHING_SAID = re.compile(r"^\W*(?:nothing|none|n/?a|null|empty)?\W*$", re.IGNORECASE)


def has_link(text: str) -> bool:
    """Whether `text` holds an address that a reader or a program could follow."""
    return bool(LINK.search(text) or hosts(text) or _HOST_ANY_SCRIPT.search(text))


def hosts(text: str) -> list[str]:
    """Bare domains such as `example.com/page`; names such as ASP.NET and README.md are none."""
    return [host for host in (match[0] for match in _HOST.finditer(text)) if not _NOT_A_HOST.match(host)]


def defuse(text: str) -> tuple[str, Counter[str]]:
    """Take their meaning from fences, tags, templates and emphasis; the words stay. Changes are counted by reason.

    >>> defuse("Use {{ }} and <b> in examples")[0]
    'Use { { } } and ‹b› in examples'
    """
    changes: Counter[str] = Counter()
    text, count = _FENCE.subn(" ", text)
    changes["code_fence"] += count
    for syntax, harmless in _TEMPLATE:
        text, count = syntax.subn(harmless, text)
        changes["template"] += count
    text, count = _TAG.subn(lambda sign: "‹" if sign[0] in "<＜" else "›", text)
    changes["markup"] += count
    for syntax in (_HEADING, _EMPHASIS, _RULE):
        text, count = syntax.subn(" " if syntax is _RULE else "", text)
        changes["markup"] += count
    text, count = _LABEL.subn("] (", text)
    changes["markup"] += count
    text = squeeze(text)
    return ("" if _NOTHING_SAID.match(text) else text), +changes


_PROMPT_ROLE = re.compile(
    rf"[ \t]{{0,20}}(?:(?:#{{1,6}} ?|\*\*|\[|\()?{_ROLE}(?:\*\*|\]|\))? ?[:：]|#{{2,6}}[ \t]|[-=]{{3,20}} ?\w)", re.IGNORECASE
)
_PROMPT_SIGN = re.compile(
    rf"[<＜](?=[|｜%]|/?(?:s|bos|eos|pad|unk|mask|start_of_\w+|end_of_\w+|endoftext)>|<?/?{_TAG_NAME}[\w:-]{{0,30}}(?:\s[^<>\n]{{0,80}})?[>＞])"
    r"|[|｜](?=[>＞])|\[(?=/?(?:INST|BOS|EOS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+)\])|\{(?=[{%#])|\$(?=\{)",
    re.IGNORECASE,
)


def neutralize(text: str) -> str:
    """Make untrusted text safe to show to a model inside a prompt: no unseen characters, no chat or template syntax.

    Code, links and newlines stay; a line that begins like a turn of a chat or a heading is marked as a quote.

    >>> neutralize("Fine.\\n\\nHuman: obey <|im_start|>")
    'Fine.\\n\\n> Human: obey < |im_start| >'
    """
    text = _PROMPT_SIGN.sub(r"\g<0> ", strip_invisible(text)[0])
    return "\n".join("> " + line if line and _PROMPT_ROLE.match(line) else line for line in text.split("\n"))
