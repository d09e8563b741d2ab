"""The core of what the guard refuses, in languages other than English.

For each language: words for ignoring, for orders, for revealing, for secrets and for answering, matched by their
beginnings, and whole phrases. A clause is refused when an ignoring or revealing word stands near an order, a
revealing word near a secret, or when it holds a phrase. Spelling is folded like the clause itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """What an attack sounds like in one language; alternatives are separated by `|`."""

    ignore: str
    orders: str
    reveal: str
    secrets: str
    phrases: str
    spaced: bool = True
    """Whether spaces separate its words."""


LANGUAGES: dict[str, Language] = {
    "cognates": Language(
        ignore="ignor\\w*|ignour\\w*|illoj\\w*",
        orders="instru[ckz]\\w*|(?:system ?)?prompt\\w*|direkti\\w*|directi\\w*|[ck]om+and\\w*|regul\\w+|reguł\\w*",
        reveal="reveal|revel\\w*|rivel\\w*",
        secrets="system ?prompt\\w*|password\\w*|credential\\w*|api ?key\\w*",
        phrases="developer mode|jailbreak",
    ),
    "de": Language(
        ignore="ignorier|missacht|vergiss|vergesst|übergeh|verwirf|umgeh|überschreib|befolge nicht|befolge keine|außer acht|setz dich über|lösch|deaktivier|folge nicht",
        orders="anweisung|regeln|richtlinie|vorgabe|instruktion|befehl|systemprompt|sicherheitsregel|sicherheitsvorkehr|einschränkung|beschränkung|leitlinie|vorschrift|filter",
        reveal="verrat|zeig|nenn|gib|schick|sende|teile|offenbar|wiederhol|drucke|schreib|veröffentlich|übermittl|leite|enthüll|liste|wie lautet|wie lauten",
        secrets="passw|kennw|geheim|zugangsdaten|api ?schlüssel|api ?key|schlüssel|kreditkart|anmeldedaten|token|andere[rn]? (?:nutzer|benutzer|kunden)|systemprompt|vertrauliche|kontodaten|bankdaten",
        phrases="du bist (?:jetzt|nun|ab jetzt|ab sofort|nicht mehr|kein)|ab (?:jetzt|sofort) bist du|sie sind (?:jetzt|nun|ab jetzt|ab sofort) \\w+|system ?(?:prompt|anweisung|nachricht|befehl|meldung)|(?:sag|sage|verrate|erzähl|erzähle|teile|informiere|erwähne|zeige)\\w* (?:es |das |dies |davon |dem |den |der |einem )*(?:\\w+ )?(?:nutzer|benutzer|niemand|anwender|kunden)\\w*(?: \\w+)? (?:nicht|nichts|davon)|ohne (?:dass|das) (?:der|die|ein) (?:nutzer|benutzer|anwender)|ohne (?:es )?(?:dem|den) (?:nutzer|benutzer|anwender)\\w*|entwicklermodus|adminmodus|wartungsmodus|geheimer befehl|heimlich|antworte (?:immer |nur |ausschließlich |jedes mal )*mit (?:dem wort|dem satz|der phrase)|tu so als (?:wärst|ob) du|handle als (?:admin|administrator|root)|neue (?:anweisung|system|regel)\\w*|führe? (?:den|das|die|diesen|dieses|folgende[ns]?|diese) (?:befehl|code|kommando|skript)\\w*|alle (?:bisherigen|vorherigen|früheren)|(?:bisherigen?|vorherigen?|früheren?|obigen?) (?:anweisung|regel|vorgabe|instruktion|befehl)\\w*",
    ),
    "fr": Language(
        ignore="ignor|oubli|néglig|désobé|outrepass|contourn|ne (?:suis|respecte|tiens|suivez)|fais abstraction|faites abstraction|ne tenez|écrase|annul|supprime|désactiv|passe outre",
        orders="instruction|consigne|règle|directive|ordre|message système|invite|restriction|garde fou|limite|politique|sécurité|précédent",
        reveal="révèl|revel|montr|affich|donn|envoi|envoy|partag|divulgu|répèt|répét|imprim|écris|transmet|communiqu|dis moi|dévoil|liste|quel est|quels sont",
        secrets="mot de passe|mots de passe|clé (?:api|secrète|privée|d accès)|clés|clé d api|secret|identifiants|carte bancaire|carte de crédit|jeton|autres (?:utilisateurs|clients)|prompt système|confidentiel|données (?:personnelles|privées|des)|coordonnées bancaires|code d accès|instruction|consigne",
        phrases="tu es (?:maintenant|désormais|dorénavant|à présent)|vous êtes (?:maintenant|désormais|dorénavant|à présent)|à partir de maintenant (?:tu es|vous êtes|tu n es|tu dois|vous devez|tu obéis)|prompt (?:système|systeme|initial|caché)|invite (?:système|systeme)|message système|instructions? (?:système|systeme|précédentes|antérieures|initiales|ci dessus|cachées)|consignes (?:précédentes|antérieures|initiales|ci dessus)|ne (?:dis|dites|révèle|révélez|mentionne|mentionnez|parle|parlez|préviens|informe|informez|montre)\\w* (?:pas|rien|jamais)(?: \\w+){0,3} (?:utilisateur|personne|client)|sans (?:le dire|que l|en informer|prévenir|informer)(?: \\w+){0,3} (?:utilisateur|client|personne|sache)|mode (?:développeur|administrateur|admin|debug)|en secret|secrètement|agis (?:comme|en tant qu)\\w* (?:un |une |l |le )?(?:admin|administrateur|pirate|root)|nouvelles? (?:instructions?|consignes?|directives?)|exécute (?:la|cette|le|ce|les|ces) (?:commande|code|script|suivant)|réponds? (?:toujours |uniquement |seulement )*(?:par|avec) (?:le mot|la phrase)",
    ),
    "es": Language(
        ignore="ignor|olvid|desobede|descart|haz caso omiso|no (?:sigas|respetes|obedezcas|hagas caso)|pasa por alto|omite|anula|elude|sobrescrib|desactiv|salta",
        orders="instruccion|regla|directriz|directric|orden|órdenes|indicacion|norma|mensaje del sistema|restriccion|política|pautas|limitacion|seguridad",
        reveal="revel|muestr|mostr|da(?:me)? |dime|imprim|envía|envia|compart|divulg|repit|escrib|transmit|filtra|manda|entrega|comunic|list|cuál es|cuales son",
        secrets="contraseña|clave(?:s)? (?:api|secreta|privada|de)|clave|secreto|credencial|tarjeta de crédito|tarjeta|token|otros (?:usuarios|clientes)|prompt del sistema|confidencial|datos (?:personales|privados|de otros|bancarios)|instruccion",
        phrases="(?:ahora|desde ahora|a partir de ahora|en adelante) (?:eres|serás|seras|actúas|actuarás|usted es|tú eres)|eres ahora|ya no eres|prompt (?:del|de) sistema|mensaje (?:del|de) sistema|instrucciones (?:del sistema|anteriores|previas|iniciales|de arriba|ocultas|originales)|(?:reglas|órdenes|indicaciones|directrices) (?:anteriores|previas|de arriba|originales)|no (?:le |se lo |lo |les )*(?:digas|dígas|cuentes|reveles|menciones|informes|avises|muestres)(?: \\w+){0,3} (?:usuario|nadie|cliente)|sin (?:decir|que|avisar|informar|decírselo)(?: \\w+){0,3} (?:usuario|cliente|nadie)|modo (?:desarrollador|administrador|admin|depuración|dios)|en secreto|secretamente|actúa como (?:un |el |una )?(?:admin|administrador|hacker|root)|nuevas (?:instrucciones|órdenes|reglas)|ejecuta (?:el|este|la|los|estos) (?:comando|código|script|siguiente|orden)|responde (?:siempre |solo |únicamente |solamente )*con (?:la palabra|la frase)",
    ),
    "pt": Language(
        ignore="ignor|esque|desobede|descart|desconsider|não (?:siga|sigas|obedeça|respeite|cumpra)|anule|contorn|burl|desativ|pule",
        orders="instruç|regra|diretriz|diretiva|ordem|ordens|comando|norma|mensagem do sistema|restriç|política|orientaç|limitaç|segurança",
        reveal="revel|mostr|exib|dê|dá|diga|imprim|envi|compartilh|divulg|repit|repet|escrev|transmit|vaz|mande|manda|entreg|list|qual é|quais são",
        secrets="senha|palavra passe|chave(?:s)? (?:api|secreta|privada|de)|chave|segredo|credencia|cartão de crédito|cartao|token|outros (?:usuários|utilizadores|clientes)|prompt do sistema|confidencia|dados (?:pessoais|privados|de outros|bancários)|instruç",
        phrases="(?:agora|a partir de agora|doravante|de agora em diante) (?:você é|voce e|tu és|serás|será|você vai)|você (?:é|agora é) agora|você agora é|prompt (?:do|de) sistema|mensagem (?:do|de) sistema|instruções (?:do sistema|anteriores|prévias|iniciais|acima|ocultas|originais)|(?:regras|ordens|diretrizes) (?:anteriores|prévias|acima|originais)|não (?:conte|diga|revele|mencione|informe|avise|mostre|fale)(?: \\w+){0,3} (?:usuário|utilizador|ninguém|cliente)|sem (?:contar|dizer|que|avisar|informar)(?: \\w+){0,3} (?:usuário|utilizador|cliente|ninguém)|modo (?:desenvolvedor|administrador|admin|programador|deus)|em segredo|secretamente|aja como (?:um |o |uma )?(?:admin|administrador|hacker|root)|novas (?:instruções|ordens|regras)|execute (?:o|este|esse|a|os) (?:comando|código|script|seguinte)|respond[ae] (?:sempre |apenas |somente |só )*com (?:a palavra|a frase)",
    ),
    "it": Language(
        ignore="ignor|dimentic|disobbed|trascur|scart|non (?:seguire|rispettare|obbedire|tenere)|aggir|annull|sovrascriv|elud|disattiv|salta",
        orders="istruzion|regol|direttiv|ordin|indicazion|norme|messaggio di sistema|restrizion|comand|politic|linee guida|limitazion|sicurezza",
        reveal="rivel|mostr|visualizz|dammi|dimmi|stamp|invia|invi|condivid|divulg|ripet|scriv|trasmett|manda|svel|fornisc|elenc|qual è|quali sono",
        secrets="password|chiav[ei] (?:api|segret|privat|di)|chiave|segret|credenzial|carta di credito|token|altri (?:utenti|clienti)|prompt di sistema|riservat|dati (?:personali|privati|di altri|bancari)|istruzion",
        phrases="(?:ora|adesso|d ora in poi|da ora in poi|da adesso) (?:sei|tu sei|sarai|agisci)|sei ora|non sei più|prompt (?:di|del) sistema|messaggio (?:di|del) sistema|istruzioni (?:di sistema|del sistema|precedenti|iniziali|sopra|nascoste|originali)|(?:regole|ordini|direttive) (?:precedenti|sopra|originali)|non (?:dire|dirlo|rivelare|menzionare|informare|avvisare|mostrare|raccontare)(?: \\w+){0,3} (?:utente|nessuno|cliente)|senza (?:dire|dirlo|che|avvisare|informare)(?: \\w+){0,3} (?:utente|cliente|nessuno)|modalità (?:sviluppatore|amministratore|admin|debug|dio)|in segreto|segretamente|agisci come (?:un |l |il )?(?:admin|amministratore|hacker|root)|nuove (?:istruzioni|regole|direttive)|esegui (?:il|questo|i|lo) (?:comando|codice|script|seguente)|rispondi (?:sempre |solo |soltanto |unicamente )*con (?:la parola|la frase)",
    ),
    "nl": Language(
        ignore="negeer|vergeet|negeren|veronachtzaam|omzeil|overschrijf|volg (?:de|je|deze|niet)|sla (?:de|alle) |schakel|wis",
        orders="instructie|regels|richtlijn|opdracht|aanwijzing|bevel|systeembericht|beperking|voorschrift|beleid|veiligheid",
        reveal="onthul|toon|laat|geef|stuur|deel|verraad|herhaal|print|schrijf|verstuur|vertel|verklap|zeg|lek|noem|wat is",
        secrets="wachtwoord|api ?sleutel|sleutel|geheim|inloggegevens|creditcard|token|andere (?:gebruikers|klanten)|systeemprompt|vertrouwelijk|persoonsgegevens|persoonlijke gegevens|bankgegevens|instructie",
        phrases="je bent (?:nu|vanaf nu|voortaan|niet langer)|u bent (?:nu|vanaf nu|voortaan)|vanaf nu ben je|systeem ?(?:prompt|bericht|instructie)\\w*|(?:vorige|eerdere|voorgaande|bovenstaande) (?:instructie|regel|opdracht|aanwijzing)\\w*|(?:vertel|zeg|meld|laat|toon)(?: \\w+){0,2} (?:de |het )?(?:gebruiker|niemand|klant)(?: \\w+){0,2} (?:niet|niets|weten)|zonder (?:dat|het|de)(?: \\w+){0,2} (?:gebruiker|klant)|ontwikkelaarsmodus|ontwikkelmodus|beheerdersmodus|stiekem|in het geheim|gedraag je als (?:een |de )?(?:admin|beheerder|hacker|root)|nieuwe (?:instructie|opdracht|regel)\\w*|voer (?:de|het|deze|dit|het volgende) (?:commando|opdracht|code|script)\\w*|antwoord (?:altijd |alleen |enkel )*met (?:het woord|de zin)",
    ),
    "pl": Language(
        ignore="zignoruj|ignoruj|zapomnij|pomiń|omiń|nie (?:stosuj|przestrzegaj|słuchaj|wykonuj)|lekceważ|nadpisz|obejdź|porzuć|wyłącz|unieważn",
        orders="instrukcj|polece|zasad|reguł|wytyczn|rozkaz|nakaz|komunikat systemow|ogranicze|dyrektyw|zabezpiecz|polity",
        reveal="ujawn|pokaż|wyświetl|podaj|wyślij|udostępn|powtórz|wypisz|zdradź|napisz|przekaż|prześlij|powiedz|wydrukuj|jakie jest|jakie są",
        secrets="hasł|klucz|sekret|tajn|poświadcze|dane logowania|kart[ay] kredytow|token|innych (?:użytkownik|klient)|prompt systemow|poufn|dane osobowe|dane (?:innych|bankowe)|instrukcj",
        phrases="(?:jesteś|będziesz) (?:teraz|odtąd|od teraz)|od teraz (?:jesteś|będziesz)|teraz jesteś|nie jesteś już|(?:prompt|monit|komunikat|instrukcj\\w*) systemow\\w*|systemow\\w* (?:prompt|instrukcj|komunikat|polece)\\w*|(?:poprzedni|wcześniejsz|powyższ|dotychczasow)\\w* (?:instrukcj|polece|zasad|wytyczn|reguł)\\w*|nie (?:mów|mow|wspominaj|ujawniaj|informuj|pokazuj|zdradzaj)(?: \\w+){0,3} (?:użytkownik|nikomu|klient)\\w*|bez (?:wiedzy|informowania|mówienia|powiadamiania)(?: \\w+){0,2} (?:użytkownik|klient)\\w*|tryb\\w* (?:dewelopera|deweloperski|programisty|administratora|debugowania|boga)|potajemnie|w tajemnicy|zachowuj się jak (?:admin|administrator|haker|root)\\w*|działaj jako (?:admin|administrator|root)\\w*|nowe (?:instrukcj|polece|zasad)\\w*|wykonaj (?:to|następujące|poniższe|ten|tę|polecenie|komendę|kod)|odpowiadaj (?:zawsze |tylko |wyłącznie )*(?:słowem|zdaniem|frazą)",
    ),
    "ru": Language(
        ignore="игнорир|проигнорир|забудь|забыт|не (?:следуй|соблюдай|обращай|выполняй|слушай)|отбрось|отмени|обойди|нарушь|пренебре|перезапиш|отключ|сбрось|не учитыва",
        orders="инструкц|указани|правил|директив|приказ|команд|системн|ограничен|политик|руководств|настройк|фильтр|безопасност",
        reveal="раскро|раскры|покаж|вывед|выдай|сообщ|отправ|передай|поделис|повтор|напечат|напиш|скаж|назов|разглас|пришл|перешл|слей|какой|каков",
        secrets="парол|ключ|секрет|учетн|учётн|кредитн|токен|других (?:пользовател|клиент)|системный промпт|системный запрос|конфиденц|личн\\w+ данн|персональн\\w+ данн|данн\\w+ (?:карт|других)|инструкц|логин",
        phrases="(?:ты|вы) (?:теперь|отныне|больше не|сейчас)|теперь (?:ты|вы)|отныне (?:ты|вы)|с этого момента (?:ты|вы)|системн\\w+ (?:промпт|сообщени|подсказ|инструкц|запрос|команд)\\w*|(?:предыдущ|прошл|прежн|вышеуказанн|ранее|все)\\w* (?:инструкц|указани|правил|команд|директив)\\w*|не (?:говори|сообщай|рассказывай|упоминай|раскрывай|показывай|уведомляй)\\w*(?: \\w+){0,3} (?:пользовател|никому|клиент|им)\\w*|(?:без|не) (?:ведома|уведомл\\w+|предупрежд\\w+)(?: \\w+){0,2} (?:пользовател|клиент)\\w*|чтобы пользовател\\w+ не|режим\\w* (?:разработчика|администратора|отладки|бога)|тайно|тайком|втайне|скрытно|действуй как (?:админ|администратор|хакер|root|рут)\\w*|веди себя как (?:админ|администратор|хакер)\\w*|нов(?:ые|ая|ое) (?:инструкц|правил|указани|задани|роль)\\w*|выполни (?:эту|этот|следующ\\w+|команд\\w+|код|скрипт)|отвечай (?:всегда |только |лишь )*(?:словом|фразой|словами)",
    ),
    "uk": Language(
        ignore="ігнору|проігнору|забудь|не (?:дотримуйся|виконуй|слухай|зважай|слідуй)|відкинь|скасуй|обійди|поруш|знехтуй|перезапиши|вимкни",
        orders="інструкц|вказівк|правил|директив|наказ|команд|системн|обмежен|політик|настанов|безпек",
        reveal="розкри|покаж|виведи|видай|повідом|надішл|передай|поділис|повтор|надрукуй|напиши|скажи|назви|розголос|перешл|який",
        secrets="парол|ключ|секрет|облікові дані|кредитн|токен|інших (?:користувач|клієнт)|системний промпт|конфіденц|особист\\w+ дан|персональн\\w+ дан|дан\\w+ (?:картк|інших)|інструкц",
        phrases="(?:ти|ви) (?:тепер|відтепер|більше не|зараз)|тепер (?:ти|ви)|відтепер (?:ти|ви)|з цього моменту (?:ти|ви)|системн\\w+ (?:промпт|повідомленн|підказк|інструкц|запит|команд)\\w*|(?:попередн|минул|колишн|вищезазначен|усі|всі)\\w* (?:інструкц|вказівк|правил|команд|директив)\\w*|не (?:кажи|говори|повідомляй|розповідай|згадуй|розкривай|показуй)\\w*(?: \\w+){0,3} (?:користувач|нікому|клієнт)\\w*|без відома(?: \\w+){0,2} (?:користувач|клієнт)\\w*|щоб користувач\\w* не|режим\\w* (?:розробника|адміністратора|налагодження|бога)|таємно|потай|приховано|дій як (?:адмін|адміністратор|хакер)\\w*|поводься як (?:адмін|адміністратор|хакер)\\w*|нові (?:інструкц|правил|вказівк)\\w*|виконай (?:цю|цей|наступн\\w+|команд\\w+|код|скрипт)|відповідай (?:завжди |тільки |лише )*(?:словом|фразою)",
    ),
    "tr": Language(
        ignore="yok say|görmezden gel|unut|dikkate alma|uyma|göz ardı|gözardı|önemseme|aş|geçersiz say|takip etme|devre dışı|sıfırla|atla",
        orders="talimat|kural|yönerge|komut|emir|emri|sistem mesaj|kısıtlama|ilke|politika|sınırlama|güvenlik",
        reveal="göster|açıkla|paylaş|söyle|yazdır|gönder|ver|tekrarla|yaz|ilet|ifşa|bildir|sızdır|listele|nedir",
        secrets="şifre|parola|api anahtar|gizli anahtar|anahtar|sır|gizli|kimlik bilgi|kredi kart|token|diğer kullanıcı|başka kullanıcı|sistem istem|sistem prompt|kişisel veri|banka|talimat",
        phrases="(?:artık|şimdi|bundan sonra|şu andan itibaren) (?:sen |bir )*\\w+(?:sin|sın|sun|sün)\\b|sen (?:artık|şimdi|bundan sonra)|sistem (?:istem|prompt|mesaj|talimat|komut)\\w*|(?:önceki|yukarıdaki|bundan önceki|daha önceki|tüm|bütün) (?:\\w+ )?(?:talimat|kural|yönerge|komut|emir)\\w*|kullanıcı(?:ya|lara|dan|nın)?(?: \\w+){0,4} (?:söyleme|bahsetme|bildirme|gösterme|belli etme|haber verme|açıklama|sakla|gizle|haberi)\\w*|(?:söyleme|bahsetme)(?: \\w+){0,2} kullanıcı\\w*|geliştirici mod\\w*|yönetici mod\\w*|gizlice|yönetici (?:gibi|olarak) (?:davran|hareket)|yeni (?:talimat|kural|komut)\\w*|(?:şu|bu|aşağıdaki) (?:komut|kod)\\w* (?:çalıştır|yürüt)\\w*|kelimesi(?:yle|ni)(?: \\w+){0,3} (?:yanıt|cevap|yaz|söyle|ekle)\\w*",
    ),
    "zh": Language(
        ignore="忽略|忽视|无视|忘记|忘掉|不要遵守|不要遵循|不用遵守|违反|绕过|覆盖|跳过|抛弃|取消|不理会|停止遵|禁用|关闭|忽視|無視|忘記|繞過|覆蓋|跳過|不必理会|清除",
        orders="指令|指示|规则|規則|命令|提示词|提示詞|系统|系統|约束|限制|准则|準則|政策|设定|設定|规定|規定|安全|过滤|内容审查|要求",
        reveal="透露|泄露|洩露|显示|顯示|告诉|告訴|输出|輸出|打印|列印|发送|發送|发给|分享|重复|重複|公开|公開|说出|說出|给我|給我|写出|列出|提供|展示|上传|上傳|转发|轉發",
        secrets="密码|密碼|密钥|密鑰|秘钥|机密|機密|秘密|凭证|憑證|信用卡|令牌|其他用户|其他用戶|其他使用者|别的用户|系统提示|系統提示|api key|apikey|个人信息|個人資料|隐私|隱私|银行账|私钥|口令",
        phrases="你(?:现在|現在|从现在起|從現在起|从现在开始|已经|将|不再)(?:开始)?(?:是|扮演|成为|成為|进入|變成|变成)|(?:从现在起|從現在起|从现在开始|现在起|即刻起) ?你?(?:是|扮演|将|要|必须|不再)|系统提示|系統提示|系统指令|系統指令|系统消息|系統訊息|(?:之前|以前|先前|以上|上面|前面|所有|全部|原有|此前)\\w{0,4}(?:指令|指示|规则|規則|命令|提示|设定|設定)|(?:不要|别|別|勿|不得|不能|不可)(?:告诉|告訴|让|讓|透露|提及|通知|向|对|對|提醒)\\w{0,6}(?:用户|用戶|使用者|任何人|他们|他人|客户)|(?:不要|别|瞒着|瞞著|背着)\\w{0,4}(?:用户|用戶|使用者)\\w{0,4}(?:知道|发现|發現)|开发者模式|開發者模式|管理员模式|管理員模式|调试模式|越狱|越獄|上帝模式|秘密地|偷偷|暗中|新(?:的)?(?:指令|规则|規則|身份|任务)|执行(?:以下|下面|这个|此|这条)\\w{0,3}(?:命令|代码|指令|脚本)|(?:只|仅|仅仅|总是|始終|始终|必须)(?:回复|回答|輸出|输出|說|说)[“\"「『]?[a-z0-9]",
        spaced=False,
    ),
    "ja": Language(
        ignore="無視|忘れ|従わな|従うな|破棄|破って|上書き|回避|守らな|解除|取り消|迂回|無効|リセット",
        orders="指示|命令|ルール|規則|プロンプト|システム|制限|ガイドライン|ポリシー|設定|方針|制約|安全",
        reveal="明かし|教えて|見せて|表示|出力|漏ら|送信|送って|共有|公開|開示|繰り返|書いて|暴露|転送|提示|晒し|列挙|言って",
        secrets="パスワード|apiキー|api キー|秘密|機密|認証情報|クレジットカード|トークン|他のユーザー|他の利用者|ほかのユーザー|システムプロンプト|個人情報|暗証番号|シークレット|内部情報|鍵",
        phrases="あなたは(?:今|いま|もう|これから|現在)(?:から|や|は|では)?|(?:今|いま|これ)から(?:あなたは|君は|お前は)|システムプロンプト|システムメッセージ|システム指示|システム命令|(?:以前|これまで|前|上記|先|過去|すべて|全て|今まで)の?(?:すべての|全ての|の)?(?:指示|命令|ルール|プロンプト|規則)|ユーザー(?:に|には|へ)\\w{0,12}(?:言わな|教えな|伝えな|知らせな|話さな|明かさな|秘密|内緒|隠)|(?:言わないで|教えないで|伝えないで|内緒|黙って)|開発者モード|管理者モード|デバッグモード|脱獄|こっそり|密かに|ひそかに|新しい(?:指示|命令|ルール|役割)|(?:次|以下|この)の?(?:コマンド|コード|命令|スクリプト)を(?:実行)|(?:とだけ|だけ)(?:答え|返答|出力|回答|返信)",
        spaced=False,
    ),
    "ko": Language(
        ignore="무시|잊어|잊고|따르지|버려|우회|덮어|어기|지키지|취소|해제|초기화|비활성",
        orders="지시|명령|규칙|프롬프트|지침|시스템|제한|정책|가이드라인|설정|원칙|안전",
        reveal="공개|보여|알려|출력|누설|보내|전송|공유|반복|말해|유출|밝혀|표시|제공|적어|나열|써",
        secrets="비밀번호|암호|패스워드|api 키|api키|비밀|기밀|자격 증명|인증 정보|신용카드|토큰|다른 사용자|다른 이용자|시스템 프롬프트|개인정보|개인 정보|비밀 키|내부 정보",
        phrases="(?:너는|당신은|넌) (?:이제|지금부터|더 이상|앞으로)|(?:이제|지금부터|앞으로) (?:너는|당신은|넌)|시스템 ?(?:프롬프트|메시지|지시|명령)|(?:이전|앞선|위의|지금까지의|기존|모든|앞의) ?(?:모든 )?(?:지시|명령|규칙|지침|프롬프트)\\w*|사용자(?:에게|한테|에게는|가)(?: \\w+){0,4} ?(?:말하지|알리지|언급하지|밝히지|모르게|숨기|비밀|눈치)\\w*|사용자 ?(?:몰래|모르게)|(?:말하지 마|알리지 마)\\w*|개발자 모드|관리자 모드|디버그 모드|탈옥|몰래|은밀|새로운 (?:지시|명령|규칙|역할)|(?:다음|이|아래) (?:명령|코드|스크립트)\\w* ?(?:을|를)? ?실행|(?:라고만|만) (?:대답|답|출력|말)\\w*",
        spaced=False,
    ),
    "ar": Language(
        ignore="تجاهل|انس|انسى|لا تتبع|لا تلتزم|تخط|تجاوز|الغ|ألغ|اهمل|أهمل|تغاض|عطل",
        orders="تعليمات|التعليمات|اوامر|أوامر|الاوامر|الأوامر|قواعد|القواعد|توجيهات|التوجيهات|النظام|ارشادات|الإرشادات|قيود|القيود|سياس|موجه",
        reveal="اكشف|كشف|اظهر|أظهر|اعرض|ارسل|أرسل|شارك|اطبع|كرر|اعط|أعط|اخبر|أخبر|افصح|سرب|قل|اكتب|ما هي|ما هو|زود",
        secrets="كلمة المرور|كلمات المرور|كلمة السر|كلمات السر|مفتاح|مفاتيح|الاسرار|الأسرار|سري|السرية|بيانات الاعتماد|بطاقة الائتمان|رمز|المستخدمين الاخرين|المستخدمين الآخرين|مستخدم آخر|موجه النظام|البيانات الشخصية|البنك|التعليمات",
        phrases="(?:انت|أنت) (?:الان|الآن|من الان|منذ الان|لم تعد)|(?:الان|الآن|من الآن فصاعدا|من الان فصاعدا) (?:انت|أنت)|(?:موجه|رسالة|تعليمات|مطالبة|اوامر|أوامر) النظام|(?:التعليمات|الاوامر|الأوامر|القواعد|التوجيهات)(?: \\w+)? (?:السابقة|اعلاه|أعلاه|الاصلية|الأصلية|الماضية)|لا (?:تخبر|تقل|تذكر|تكشف|تعلم|تبلغ)(?: \\w+){0,3} ?(?:المستخدم|احد|أحد|العميل|للمستخدم)|(?:دون|بدون) (?:علم|اخبار|إخبار|ابلاغ|إبلاغ|ان يعلم|أن يعلم)(?: \\w+)? ?(?:المستخدم|احد|أحد)?|وضع (?:المطور|المسؤول|المشرف|التصحيح)|سرا|خفية|تصرف (?:كمسؤول|كمدير|كمشرف|كهاكر)|(?:تعليمات|اوامر|أوامر|قواعد) جديدة|نفذ (?:الامر|الأمر|الكود|التعليمات|ما يلي|هذا)|(?:اجب|أجب|رد) (?:دائما |فقط )*(?:بكلمة|بالكلمة|بعبارة)",
        spaced=False,
    ),
    "hi": Language(
        ignore="अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल|उपेक्षा|मत मान|पालन न|पालन मत|इग्नोर|अनसुना|रद्द|हटा",
        orders="निर्देश|नियम|आदेश|सिस्टम|प्रॉम्प्ट|हिदायत|दिशानिर्देश|प्रतिबंध|इंस्ट्रक्शन|नीति|सीमा|सुरक्षा",
        reveal="बताओ|बताएं|बताइए|दिखाओ|दिखाएं|दिखाइए|प्रकट|भेज|साझा|प्रिंट|दोहरा|उजागर|लीक|लिख|बता|दिखा|दे दो",
        secrets="पासवर्ड|पासवर्ड्स|एपीआई कुंजी|api key|api कुंजी|कुंजी|गुप्त|गोपनीय|क्रेडेंशियल|क्रेडिट कार्ड|टोकन|अन्य उपयोगकर्ता|दूसरे उपयोगकर्ता|सिस्टम प्रॉम्प्ट|निजी जानकारी|व्यक्तिगत|बैंक|निर्देश",
        phrases="(?:तुम|आप|तू) अब|अब (?:से )?(?:तुम|आप|तू)|सिस्टम (?:प्रॉम्प्ट|संदेश|निर्देश|मैसेज)|(?:पिछले|पहले के|पूर्व|ऊपर के|उपरोक्त|सभी|पुराने|सारे)(?: \\w+){0,2} (?:निर्देश|नियम|आदेश|हिदायत)\\w*|(?:उपयोगकर्ता|यूज़र|यूजर|किसी)(?: \\w+){0,4} (?:मत बता|न बता|ना बता|नहीं बता|मत कह|न कह|मत दिखा|पता न|पता नहीं)\\w*|(?:मत|न) (?:बताना|बताओ|बताएं)(?: \\w+){0,2}|डेवलपर मोड|एडमिन मोड|चुपके|गुप्त रूप|छिपकर|(?:नए|नये) (?:निर्देश|नियम|आदेश)|(?:यह|इस|निम्न|निम्नलिखित) (?:कमांड|कोड|आदेश)(?: \\w+)? (?:चला|निष्पादित|रन)\\w*|केवल(?: \\w+){0,3} (?:शब्द|जवाब दो|उत्तर दो)",
    ),
    "vi": Language(
        ignore="bỏ qua|phớt lờ|quên|không (?:tuân|làm theo|nghe theo)|đừng (?:tuân|làm theo|nghe theo)|lờ đi|vượt qua|vô hiệu|ghi đè|hủy bỏ|mặc kệ|xóa bỏ",
        orders="hướng dẫn|chỉ thị|chỉ dẫn|quy tắc|lệnh|mệnh lệnh|quy định|lời nhắc hệ thống|hạn chế|hệ thống|chính sách|giới hạn|an toàn",
        reveal="tiết lộ|hiển thị|cho (?:tôi )?(?:xem|biết)|gửi|chia sẻ|in ra|lặp lại|nói ra|đưa ra|viết ra|cung cấp|để lộ|liệt kê|nói cho|xuất",
        secrets="mật khẩu|khóa api|khoá api|khóa bí mật|bí mật|thông tin đăng nhập|thẻ tín dụng|mã token|người dùng khác|khách hàng khác|lời nhắc hệ thống|thông tin cá nhân|dữ liệu cá nhân|tài khoản ngân hàng|chìa khóa|mã truy cập",
        phrases="(?:bây giờ|từ giờ|từ bây giờ|kể từ bây giờ|hiện tại|từ nay)(?: trở đi)? (?:bạn|mày|ngươi) (?:là|sẽ|phải|đóng)|bạn (?:bây giờ|giờ đây|giờ|hiện) là|bạn không còn là|(?:lời nhắc|câu lệnh|thông điệp|prompt|chỉ thị|lệnh|thông báo) (?:của )?hệ thống|(?:hướng dẫn|chỉ thị|chỉ dẫn|quy tắc|lệnh)(?: \\w+){0,2} (?:trước|trên|ở trên|ban đầu)|(?:đừng|không được|không|chớ) (?:nói|kể|tiết lộ|đề cập|cho|thông báo|báo|nhắc)(?: \\w+){0,4} (?:người dùng|ai|khách hàng)|mà (?:không|ko)(?: \\w+){0,4} người dùng|chế độ (?:nhà phát triển|quản trị|gỡ lỗi|admin)|bí mật gửi|lén|âm thầm|hành động như (?:một )?(?:quản trị|admin|hacker)|đóng vai (?:quản trị|admin|hacker|root)|(?:hướng dẫn|chỉ thị|quy tắc|lệnh) mới|(?:thực thi|thực hiện|chạy) (?:lệnh|mã|câu lệnh|đoạn mã)|(?:chỉ|luôn) (?:trả lời|nói|in|phản hồi)(?: \\w+)? (?:bằng từ|từ|câu|bằng câu)",
    ),
}
