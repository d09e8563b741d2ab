"""The languages that people ask to be answered in."""

from __future__ import annotations

LANGUAGES: dict[str, str] = {
    "English": ("english|englisch|anglais|inglés|inglês|inglese|engels|英语|英文|英語|английском|по-английски"),
    "German": ("german|deutsch|allemand|alemán|alemão|tedesco|duits|德语|德文|ドイツ語|немецком|по-немецки"),
    "French": (
        "french|französisch|français|francés|francês|francese|frans|法语|法文|フランス語|французском|по-французски"
    ),
    "Spanish": (
        "spanish|spanisch|espagnol|español|espanhol|spagnolo|spaans|castellano|西班牙语|スペイン語|испанском|"
        "по-испански"
    ),
    "Portuguese": (
        "portuguese|portugiesisch|portugais|portugués|português|portoghese|portugees|葡萄牙语|ポルトガル語|"
        "португальском"
    ),
    "Italian": ("italian|italienisch|italien|italiano|italiaans|意大利语|イタリア語|итальянском|по-итальянски"),
    "Dutch": ("dutch|niederländisch|néerlandais|neerlandés|holandês|olandese|nederlands|荷兰语|オランダ語"),
    "Chinese": (
        "chinese|mandarin|chinesisch|chinois|chino|chinês|cinese|chinees|中文|汉语|简体中文|中国語|китайском|"
        "по-китайски"
    ),
    "Japanese": ("japanese|japanisch|japonais|japonés|japonês|giapponese|japans|日语|日文|日本語|японском|по-японски"),
    "Korean": ("korean|koreanisch|coréen|coreano|koreaans|韩语|韓国語|한국어|корейском"),
    "Russian": ("russian|russisch|russe|ruso|russo|俄语|ロシア語|русском|по-русски"),
    "Arabic": ("arabic|arabisch|arabe|árabe|arabo|العربية"),
    "Hindi": ("hindi|हिन्दी|हिंदी"),
    "Polish": ("polish|polnisch|polonais|polaco|polacco|pools|po polsku|polsku"),
    "Turkish": ("turkish|türkisch|turc|turco|turks|türkçe"),
    "Ukrainian": ("ukrainian|ukrainisch|ukrainien|українською"),
    "Swedish": ("swedish|schwedisch|suédois|sueco|svedese|zweeds|svenska"),
}
"""The names of languages, in several of them."""
