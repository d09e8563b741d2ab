"""Words that tell what the number or the value after them is, in many languages; each is a regular expression.

Words of scripts that set spaces stand alone, those of other scripts anywhere.
"""

from __future__ import annotations

PASSWORDS = r"""
password passwort passphrase pass\sphrase passcode passwd pwd contraseña clave mot[\s_-]de[\s_-]passe senha
kennwort wachtwoord lösenord adgangskode passord salasana hasło heslo jelszó parol[aă] пароль şifre κωδικός
पासवर्ड סיסמה mật\skhẩu kata\ssandi كلمة\s(?:المرور|السر) 密码 密碼 口令 パスワード 暗証番号
비밀번호 암호 """
OTHER_SECRETS = r"""
secret token credentials? api[\s_-]?secret
(?:api|access|secret|auth|private|account|encryption|signing|license|subscription|shared)[\s_-]?key
"""
HINTS_OF_SECRETS = r"""
pass pw secret key token credential contraseña clave senha kennwort wachtwoord lösenord adgangskode salasana
hasło heslo jelszó parol пароль şifre κωδικός पासवर्ड סיסמה khẩu sandi كلمة 密码 密碼 口令 パスワード 暗証番号
비밀번호 암호 curl mysql pin redis-cli
"""
"""One of these stands in every text in which a secret is named."""

PHONES = r"""
tel telephone phone telephoned? fon call calls called calling ring mobiles? mob cell cellphone fax
whatsapp sms text(?:ed)?\s(?:me|us|him|her|them|to) reach dial hotline landline contact
(?:my|his|her|our|their|your)\snumber number['’]s
tél téléphone portable appele[rz] tel[ée]fonos? m[óo]vil celular ll[aá]m\w+ telefon\w* handy\w* rufnummer
mobil\w* anruf\w* ruf rufen cellulare chiama\w* telefone telemóvel ligue liga\w* telefoon bel nummer\w* numer\w*
zadzwoń dzwoń dzwonić komórka puhelin\w* τηλ\w* κινητό тел\w* номер\w* звони\w* моб\w* फ़ोन फोन मोबाइल नंबर
số\sđiện\sthoại nomor hp
"""
PHONES_ANYWHERE = r"""
电话 電話 手机 手機 联系 聯繫 致电 拨打 携帯 番号 번호 전화 연락 휴대폰 핸드폰
هاتف جوال تلفن اتصل موبايل رقم טלפון โทร ☎ 📞 📱
"""
THINGS = r"""
orders? invoice isbn issn tracking ticket case article sku serial ref reference id no nr part model version
account doi arxiv pmid rfc patent timestamp epoch unix bestell\w* rechnung\w* auftrag\w* commande facture pedido
factura zip total sum count pages? pp score population ean upc gtin imei vin lot batch po заказ\w*
"""
"""What has a number of its own that may look like one of a phone."""
THINGS_ANYWHERE = r"""
订单 訂單 注文 주문
"""

CARDS = r"""
card karte carte tarjeta cart[ãa]o carta kaart kart visa карт κάρτα 卡 カード 카드 بطاقة कार्ड
"""

VERSIONS = r"""
versions? ver vers v release rel build firmware driver section sec chapter clause paragraph article art step
appendix figure fig table requirement item point oid kapitel abschnitt ziffer punkt sección capítulo apartado
punto paragrafo верси\w+ пункт\w*
"""
VERSIONS_ANYWHERE = r"""
バージョン 版本号? 版本 버전
"""
MACHINES = r"""
ip ipv?4 from
"""
MACHINES_ANYWHERE = r"""
address host server ping ssh adresse dirección subnet gateway dns router firewall client logged\sin адрес 地址
アドレス 주소
"""


def any_of(words: str, anywhere: str = "") -> str:
    """Return a pattern for one of `words` standing alone, or one of `anywhere`, also as a part of another.

    >>> import re
    >>> [bool(re.search(any_of("tel fax", "电话"), text)) for text in ("a fax", "a hotel", "我的电话是")]
    [True, False, True]
    """
    alone = rf"(?<![^\W_])(?:{'|'.join(words.split())})(?![^\W_])"
    return f"(?:{alone}|{any_within(anywhere)})" if anywhere else alone


def any_within(words: str) -> str:
    """Return a pattern for one of `words`, also as a part of another."""
    return f"(?:{'|'.join(words.split())})"
