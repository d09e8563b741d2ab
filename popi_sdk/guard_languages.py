"""The core of what the guard refuses, in languages other than English, as data.

A clause is refused when it holds, near each other: a word for ignoring and one for orders; a word for earlier and one
for orders; a word for revealing and one for secrets; a word for revealing, one for people and a "not"; or one of the
phrases. `word*` stands for words that begin so, `a_b` for two words in a row. Accents and case do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """What an attack sounds like in one language."""

    ignore: str
    earlier: str
    orders: str
    reveal: str
    secrets: str
    people: str
    no: str
    phrases: str
    spaced: bool = True
    """Whether spaces separate its words."""


LANGUAGES: dict[str, Language] = {
    "shared": Language(
        ignore="ignor* ignour* illoj*",
        earlier="tidigare aiemm* predchoz* predchadz* prethodn*",
        orders="instru* prompt* systemprompt* direkti* directi* directri* komand* command* comand* regul* regol* regl*",
        reveal="reveal* revel* rivel* reveler",
        secrets="systemprompt* system_prompt* password* passwort* credential* api_key* apikey*",
        people="user",
        no="no",
        phrases="developer_mode jailbreak* superuser root_access",
    ),
    "de": Language(
        ignore="""missacht* vergiss vergesst vergessen übergeh* verwirf* umgeh* überschreib* deaktivier* lösch* folge_nicht
            befolge_nicht befolge_keine setz*_dich_über außer_acht missachte umgehe""",
        earlier="bisherig* vorherig* früher* obig* vorig* ursprünglich* vorangegangen*",
        orders="""anweisung* regeln richtlinie* vorgabe* instruktion* befehl* sicherheitsregel* sicherheitsvorkehr*
            einschränkung* beschränkung* leitlinie* vorschrift* sicherheitsfilter* systemanweisung*""",
        reveal="""verrat* zeig* nenn* schick* sende offenbar* wiederhol* druck* veröffentlich* übermittl* leite enthüll*
            wie_lautet wie_lauten sag sage sagen erzähl* informier* erwähn* teile verschweig*""",
        secrets="""kennwort* passwörter geheimnis* zugangsdaten zugangscode* api_schlüssel* schlüssel kreditkart* anmeldedaten
            token andere_nutzer anderer_nutzer anderer_benutzer anderen_kunden vertrauliche* kontodaten bankdaten
            systemanweisung* deine_anweisung* deine_regeln""",
        people="nutzer* benutzer* niemand* anwender* kunden",
        no="nicht nichts nie niemals",
        phrases="""du_bist_jetzt du_bist_nun du_bist_ab_jetzt du_bist_ab_sofort du_bist_nicht_mehr ab_jetzt_bist_du
            ab_sofort_bist_du sie_sind_jetzt sie_sind_ab_sofort system_nachricht* systemnachricht* systembefehl*
            systemmeldung* entwicklermodus adminmodus wartungsmodus heimlich ohne_dass_der_nutzer ohne_wissen_des
            nenne_dich gehorch* antworte_nur_mit_dem_wort mit_dem_wort verhalte_dich_wie_ein_admin handle_als_admin*
            neue_anweisung* neue_regel führe_den_befehl* führe_diesen* führe_folgende* führe_das_kommando""",
    ),
    "fr": Language(
        ignore="""oubli* néglig* désobé* outrepass* contourn* ne_suis_pas ne_respecte_pas ne_tiens_pas ne_tenez_pas
            fais_abstraction faites_abstraction écrase annul* supprime désactiv* passe_outre ne_suivez_pas""",
        earlier="précédent* antérieur* ci_dessus initial* d_avant d_origine",
        orders="instruction* consigne* règle* directive* ordres ordre restriction* garde_fou* limites politique* message_système",
        reveal="""révèl* montr* affich* donn* envoi* envoy* partag* divulgu* répèt* répét* imprim* transmet* communiqu* dis
            dites dévoil* quel_est quels_sont mentionn* inform* préviens parle""",
        secrets="""mot_de_passe mots_de_passe clé_api clés_api clé_d_api clé_secrète clé_privée secrets secret identifiants
            carte_bancaire carte_de_crédit jeton* autres_utilisateurs autres_clients prompt_système confidentiel*
            données_privées coordonnées_bancaires code_d_accès codes_d_accès tes_instructions vos_instructions""",
        people="utilisateur* personne client clients",
        no="pas rien jamais",
        phrases="""tu_es_maintenant tu_es_désormais tu_es_dorénavant tu_es_à_présent vous_êtes_maintenant vous_êtes_désormais
            à_partir_de_maintenant_tu désormais_tu dorénavant_tu prompt_système invite_système message_système
            instructions_système mode_développeur mode_administrateur mode_admin en_secret secrètement agis_comme_un_admin*
            agis_en_tant_qu_admin* nouvelles_instructions nouvelle_consigne nouvelles_consignes exécute_la_commande
            exécute_cette exécute_le_code exécute_ce appelle_toi obéis obéissez sans_le_dire sans_prévenir_l
            à_l_insu par_le_mot tu_n_es_plus sans_que_l_utilisateur""",
    ),
    "es": Language(
        ignore="""olvid* desobed* descart* haz_caso_omiso no_sigas no_respetes no_obedezcas no_hagas_caso pasa_por_alto
            anula elude sobrescrib* desactiv* salta_te sáltate omite_las""",
        earlier="anterior* previ* de_arriba original* inicial*",
        orders="""instruccion* regla* directriz* directric* orden órdenes indicacion* normas mensaje_del_sistema restriccion*
            política* pautas limitacion*""",
        reveal="""muestr* mostr* da dame dime imprim* envía* compart* divulg* repit* transmit* filtra manda entrega
            comunic* cuál_es cuáles_son digas cuentes menciones informes avises di""",
        secrets="""contraseña* clave_api clave_secreta clave_privada clave_de_acceso claves_de secreto secretos credencial*
            tarjeta_de_crédito token tokens otros_usuarios otros_clientes prompt_del_sistema confidencial* datos_privados
            datos_bancarios tus_instrucciones""",
        people="usuario* nadie cliente*",
        no="no nunca",
        phrases="""ahora_eres desde_ahora_eres a_partir_de_ahora_eres eres_ahora ya_no_eres a_partir_de_ahora_actúa*
            prompt_del_sistema prompt_de_sistema mensaje_del_sistema instrucciones_del_sistema modo_desarrollador
            modo_administrador modo_admin modo_dios en_secreto secretamente actúa_como_admin* actúa_como_un_admin*
            actúa_como_el_admin* nuevas_instrucciones nuevas_órdenes nueva_instrucción ejecuta_el_comando ejecuta_este
            ejecuta_el_código obedec* con_la_palabra sin_que_el_usuario sin_decir* sin_avisar llámate ahora_obedeces""",
    ),
    "pt": Language(
        ignore="""esque* desobede* descart* desconsider* não_siga não_sigas não_obedeça não_respeite não_cumpra anule contorn*
            burl* desativ* pule_as""",
        earlier="anterior* prévios prévias acima originais iniciais",
        orders="instruçõ* instruçã* regra* diretriz* diretiva* ordens ordem comando* normas mensagem_do_sistema restriç* política* limitaç*",
        reveal="""mostr* exib* dê dá diga imprim* envi* compartilh* divulg* repit* repet* transmit* vaz* mande manda entreg*
            qual_é quais_são conte mencione informe avise fale""",
        secrets="""senha* palavra_passe palavras_passe chave_api chaves_api chave_de_api chave_secreta chave_privada segredo*
            credencia* cartão_de_crédito token tokens outros_usuários outros_utilizadores outros_clientes
            prompt_do_sistema confidencia* dados_privados dados_bancários suas_instruções""",
        people="usuário* utilizador* ninguém cliente*",
        no="não nunca",
        phrases="""agora_você_é você_agora_é você_é_agora a_partir_de_agora_você de_agora_em_diante_você tu_és_agora
            agora_tu_és prompt_do_sistema prompt_de_sistema mensagem_do_sistema instruções_do_sistema
            modo_desenvolvedor modo_administrador modo_programador modo_admin em_segredo secretamente aja_como_admin*
            aja_como_um_admin* aja_como_o_admin* novas_instruções nova_instrução novas_ordens execute_o_comando
            execute_este execute_o_código obedeça com_a_palavra sem_que_o_usuário sem_avisar sem_contar chame_se""",
    ),
    "it": Language(
        ignore="""dimentic* disobbed* trascur* scart* non_seguire non_rispettare non_obbedire non_tenere aggir* annull*
            sovrascriv* elud* disattiv*""",
        earlier="precedent* sopra original* inizial*",
        orders="istruzion* regol* direttiv* ordini ordine indicazion* norme messaggio_di_sistema restrizion* comandi limitazion*",
        reveal="""mostr* dammi dimmi stamp* invia condivid* divulg* ripet* trasmett* manda svel* fornisc* qual_è quali_sono
            dire dirlo menzionare informare avvisare raccontare""",
        secrets="""chiave_api chiavi_api chiave_segreta chiave_privata segreto segreti credenzial* carta_di_credito token
            altri_utenti altri_clienti prompt_di_sistema riservat* dati_bancari dati_privati parola_d_ordine tue_istruzioni""",
        people="utent* nessuno client*",
        no="non mai",
        phrases="""ora_sei adesso_sei sei_ora d_ora_in_poi_sei da_ora_in_poi_sei non_sei_più prompt_di_sistema prompt_del_sistema
            messaggio_di_sistema istruzioni_di_sistema modalità_sviluppatore modalità_amministratore modalità_admin
            in_segreto segretamente agisci_come_admin* agisci_come_l_admin* agisci_come_un_admin* nuove_istruzioni
            nuova_istruzione esegui_il_comando esegui_questo esegui_il_codice obbedisci con_la_parola
            senza_che_l_utente senza_dirlo chiamati""",
    ),
    "nl": Language(
        ignore="negeer* negeren vergeet veronachtzaam* omzeil* overschrijf* volg_niet schakel_uit deactiveer",
        earlier="eerder* vorig* voorgaand* bovenstaand* oorspronkelijk*",
        orders="instructie* regels richtlijn* opdracht* aanwijzing* bevel* systeembericht* beperking* voorschrift* verteld",
        reveal="onthul* toon laat geef stuur deel verraad herhaal print verstuur vertel verklap zeg lek noem wat_is meld",
        secrets="""wachtwoord* api_sleutel* sleutels geheim geheimen inloggegevens creditcard* token tokens andere_gebruikers
            andere_klanten systeemprompt* vertrouwelijk* bankgegevens je_instructies""",
        people="gebruiker* niemand klant*",
        no="niet niets nooit",
        phrases="""je_bent_nu je_bent_vanaf_nu je_bent_voortaan vanaf_nu_ben_je u_bent_nu systeemprompt* systeem_prompt*
            systeeminstructie* ontwikkelaarsmodus beheerdersmodus stiekem in_het_geheim gedraag_je_als_een_admin*
            gedraag_je_als_beheerder nieuwe_instructie* nieuwe_opdracht* voer_het_commando voer_de_opdracht
            voer_deze_code gehoorzaam* noem_jezelf met_het_woord zonder_dat_de_gebruiker""",
    ),
    "pl": Language(
        ignore="""zignoruj* ignoruj* zapomnij pomiń omiń nie_stosuj nie_przestrzegaj nie_słuchaj nie_wykonuj lekceważ* nadpisz
            obejdź porzuć unieważn* wyłącz""",
        earlier="poprzedni* wcześniejsz* powyższ* dotychczasow* pierwotn*",
        orders="instrukcj* polece* zasad* reguł* wytyczn* rozkaz* nakaz* ogranicze* dyrektyw* zabezpiecz*",
        reveal="""ujawni* ujawn* pokaż wyświetl podaj wyślij udostępn* powtórz wypisz zdradź przekaż prześlij powiedz wydrukuj
            jakie_jest jakie_są mów wspominaj informuj pokazuj zdradzaj""",
        secrets="""hasło hasła haseł hasłem klucz klucze klucz_api sekret* tajn* dane_logowania kart*_kredytow* token tokeny
            innych_użytkownik* innych_klient* poufn* dane_bankowe swoje_instrukcje""",
        people="użytkownik* nikomu klient*",
        no="nie nigdy",
        phrases="""jesteś_teraz od_teraz_jesteś teraz_jesteś nie_jesteś_już prompt_systemow* systemow*_prompt*
            instrukcj*_systemow* komunikat_systemow* tryb_dewelopera tryb_deweloperski tryb_programisty tryb_administratora
            potajemnie w_tajemnicy zachowuj_się_jak_admin* działaj_jako_admin* nowe_instrukcje nowe_polecenia
            wykonaj_polecenie wykonaj_komendę wykonaj_ten_kod bądź_posłuszn* słowem bez_wiedzy_użytkownika nazwij_się""",
    ),
    "ru": Language(
        ignore="""игнорир* проигнорир* забудь* забыть не_следуй* не_соблюдай* не_обращай* не_выполняй* не_слушай* отбрось*
            отмени* обойди* нарушь* нарушай* пренебре* перезапиш* отключи* сбрось* не_учитыва*""",
        earlier="предыдущ* прошл* прежн* вышеуказанн* ранее изначальн*",
        orders="""инструкц* указани* правил* директив* приказ* команд* ограничен* политик* настройк* фильтр* установк*
            предписани*""",
        reveal="""раскро* раскры* покаж* вывед* выдай* сообщ* отправ* передай* поделис* повтор* напечат* скаж* назов*
            разглас* пришли* перешли* слей* какой каков говори* рассказыв* упомина* показыва* уведомля*""",
        secrets="""парол* ключ ключи ключей api_ключ* секрет* учетн* кредитн* токен* других_пользовател* других_клиент*
            системн*_промпт* системн*_запрос* конфиденц* персональн* логин* свои_инструкц* твои_инструкц*""",
        people="пользовател* никому клиент*",
        no="не никогда",
        phrases="""ты_теперь вы_теперь теперь_ты теперь_вы отныне_ты отныне_вы с_этого_момента_ты ты_больше_не системн*_промпт*
            системн*_сообщени* системн*_подсказ* системн*_инструкц* системн*_команд* режим*_разработчика
            режим*_администратора режим*_отладки тайно тайком втайне скрытно действуй_как_админ* веди_себя_как_админ*
            нов*_инструкц* нов*_правил* выполни_команд* выполни_эту выполни_код выполни_следующ* отвечай_от_имени
            назови_себя подчиняйся повинуйся без_ведома чтобы_пользователь_не словом фразой""",
    ),
    "uk": Language(
        ignore="""ігнору* проігнору* забудь* не_дотримуйся не_виконуй не_слухай не_зважай відкинь* скасуй* обійди* поруш*
            знехтуй* перезапиши* вимкни*""",
        earlier="попередн* минул* колишн* вищезазначен*",
        orders="інструкц* вказівк* правил* директив* наказ* команд* обмежен* політик* настанов*",
        reveal="""розкри* покаж* виведи* видай* повідом* надішли* передай* поділи* повтор* надрукуй* скажи* назви* розголос*
            перешли* який кажи говори розповідай згадуй показуй""",
        secrets="""парол* ключ ключі секрет* облікові_дані кредитн* токен* інших_користувач* інших_клієнт* системн*_промпт*
            конфіденц* персональн* свої_інструкц*""",
        people="користувач* нікому клієнт*",
        no="не ніколи",
        phrases="""ти_тепер ви_тепер тепер_ти відтепер_ти з_цього_моменту_ти ти_більше_не системн*_промпт* системн*_повідомленн*
            системн*_інструкц* режим*_розробника режим*_адміністратора таємно потай приховано дій_як_адмін*
            нов*_інструкц* нов*_правил* виконай_команд* виконай_цю виконай_код назви_себе підкоряйся без_відома словом""",
    ),
    "tr": Language(
        ignore="""yok_say* görmezden_gel* unut dikkate_alma* uyma göz_ardı gözardı önemseme geçersiz_say* takip_etme
            devre_dışı sıfırla""",
        earlier="önceki yukarıdaki bundan_önceki daha_önceki",
        orders="talimat* kural* yönerge* komut* emir emri emirler* kısıtlama* sınırlama* sistem_mesaj*",
        reveal="göster* açıkla* paylaş* söyle* yazdır* gönder* tekrarla* ilet ifşa bildir* sızdır* listele* nedir bahset*",
        secrets="""şifre* parola* api_anahtar* gizli_anahtar* sır sırları gizli kimlik_bilgi* kredi_kart* token
            diğer_kullanıcı* başka_kullanıcı* sistem_istem* sistem_prompt* kişisel_veri* banka""",
        people="kullanıcı* kimse* müşteri*",
        no="söyleme bahsetme bildirme gösterme belli_etme haber_verme açıklama sakla gizle",
        phrases="""sen_artık artık_sen sen_şimdi şimdi_sen bundan_sonra_sen artık_bir sistem_istem* sistem_prompt*
            sistem_mesaj* sistem_talimat* geliştirici_mod* yönetici_mod* gizlice yönetici_gibi yönetici_olarak
            yeni_talimat* komutunu_çalıştır* kodu_çalıştır* haberi_olmadan itaat_et*""",
    ),
    "zh": Language(
        ignore="""忽略 忽视 无视 忘记 忘掉 不要遵守 不要遵循 不用遵守 违反 绕过 覆盖 跳过 抛弃 不理会 停止遵 禁用 关闭 忽視 無視
            忘記 繞過 覆蓋 跳過 不必理会 清除""",
        earlier="之前 以前 先前 以上 上面 前面 原有 此前",
        orders="指令 指示 规则 規則 命令 提示词 提示詞 系统 系統 约束 准则 準則 政策 设定 設定 规定 規定 安全 过滤 审查 限制",
        reveal="""透露 泄露 洩露 显示 顯示 告诉 告訴 输出 輸出 打印 列印 发送 發送 发给 分享 重复 重複 公开 公開 说出 說出 给我
            給我 写出 列出 提供 展示 上传 上傳 转发 轉發 让 讓 提及 通知 提醒 向 对 對""",
        secrets="""密码 密碼 密钥 密鑰 秘钥 机密 機密 秘密 凭证 憑證 信用卡 令牌 其他用户 其他用戶 其他使用者 别的用户 系统提示
            系統提示 apikey 个人信息 個人資料 隐私 隱私 银行账 私钥 口令""",
        people="用户 用戶 使用者 任何人 他们 他人 客户",
        no="不要 别 別 勿 不得 不能 不可 不让 不讓 瞒 瞞",
        phrases="""你现在是 你現在是 现在你是 現在你是 从现在起你 從現在起你 从现在开始你 你不再是 你将扮演 你将成为 系统提示 系統提示
            系统指令 系統指令 系统消息 系統訊息 开发者模式 開發者模式 管理员模式 管理員模式 调试模式 越狱 越獄 上帝模式 秘密地 偷偷
            暗中 新的指令 新指令 新的规则 执行以下 执行下面 执行此命令 执行这个命令 服从""",
        spaced=False,
    ),
    "ja": Language(
        ignore="無視 忘れ 従わな 従うな 破棄 破って 上書き 回避 守らな 解除 取り消 迂回 無効 リセット",
        earlier="以前の これまでの 前の 上記の 先の 過去の 今までの",
        orders="指示 命令 ルール 規則 プロンプト 制限 ガイドライン ポリシー 設定 方針 制約 安全",
        reveal="明かし 教えて 見せて 表示 出力 漏ら 送信 送って 共有 公開 開示 繰り返 暴露 転送 提示 晒し 言わ 教え 伝え 知らせ 話さ",
        secrets="""パスワード apiキー 秘密 機密 認証情報 クレジットカード トークン 他のユーザー 他の利用者 システムプロンプト
            個人情報 暗証番号 シークレット 内部情報""",
        people="ユーザー 利用者 誰にも",
        no="ないで な内緒 ずに 内緒 秘密 なく",
        phrases="""あなたは今から あなたは今 あなたはもう あなたはこれから 今からあなたは これからあなたは システムプロンプト システムメッセージ
            システム指示 システム あなたは海 内緒に 開発者モード 管理者モード デバッグモード 脱獄 こっそり 密かに ひそかに 新しい指示 新しい命令
            新しいルール コマンドを実行 コードを実行 とだけ答え とだけ返 だけ出力 服従""",
        spaced=False,
    ),
    "ko": Language(
        ignore="무시 잊어 잊고 따르지 버려 우회 덮어 어기 지키지 취소 해제 초기화 비활성",
        earlier="이전 앞선 위의 지금까지 기존 앞의",
        orders="지시 명령 규칙 프롬프트 지침 제한 정책 가이드라인 설정 원칙",
        reveal="공개 보여 알려 출력 누설 보내 전송 공유 반복 말해 유출 밝혀 표시 제공 나열 말하 알리 언급",
        secrets="""비밀번호 암호 패스워드 api키 비밀 기밀 자격증명 인증정보 신용카드 토큰 다른사용자 다른이용자 시스템프롬프트
            개인정보 비밀키 내부정보""",
        people="사용자 아무에게도 이용자",
        no="말고 마라 마세요 말라 모르게 않 숨기 하지마",
        phrases="""너는이제 당신은이제 넌이제 이제너는 이제당신은 지금부터너는 지금부터당신은 시스템프롬프트 시스템메시지 시스템지시 시스템명령
            개발자모드 관리자모드 디버그모드 탈옥 몰래 은밀 새로운지시 새로운명령 명령을실행 코드를실행 라고만 복종""",
        spaced=False,
    ),
    "ar": Language(
        ignore="تجاهل انس انسى لا_تتبع لا_تلتزم تخط تجاوز الغ اهمل تغاض عطل",
        earlier="السابقة اعلاه الاصلية الماضية",
        orders="تعليمات* التعليمات* اوامر* الاوامر* قواعد* القواعد* توجيهات* التوجيهات* ارشادات* قيود* القيود* موجه*",
        reveal="اكشف* اظهر* اعرض* ارسل* شارك* اطبع* كرر* اعط* اخبر* افصح* سرب* قل ما_هي ما_هو زود* تخبر* تقل تذكر تكشف",
        secrets="""كلمة_المرور كلمات_المرور كلمة_السر كلمات_السر مفتاح_api مفاتيح الاسرار اسرار السرية بيانات_الاعتماد
            بطاقة_الائتمان المستخدمين_الاخرين مستخدم_اخر موجه_النظام البيانات_الشخصية تعليماتك* الرمز_السري""",
        people="المستخدم* للمستخدم* احد* العميل*",
        no="لا لن",
        phrases="""انت_الان الان_انت انت_من_الان من_الان_فصاعدا_انت موجه_النظام رسالة_النظام تعليمات_النظام اوامر_النظام
            وضع_المطور وضع_المسؤول وضع_المشرف سرا خفية تصرف_كمسؤول* تصرف_كمدير* تعليمات_جديدة اوامر_جديدة نفذ_الامر
            نفذ_الكود نفذ_ما_يلي دون_علم بدون_علم بكلمة بالكلمة اطع""",
    ),
    "hi": Language(
        ignore="अनदेखा अनदेखी नज़रअंदाज़ नजरअंदाज भूल भूलो उपेक्षा मत_मानो पालन_न पालन_मत इग्नोर अनसुना रद्द",
        earlier="पिछले पिछली पहले पूर्व ऊपर उपरोक्त पुराने",
        orders="निर्देश* नियम* आदेश* प्रॉम्प्ट* हिदायत* दिशानिर्देश* प्रतिबंध* इंस्ट्रक्शन*",
        reveal="बता* दिखा* प्रकट भेज* साझा प्रिंट दोहरा* उजागर लीक दे_दो कह*",
        secrets="पासवर्ड* एपीआई_कुंजी api_कुंजी कुंजी गुप्त गोपनीय क्रेडेंशियल* क्रेडिट_कार्ड टोकन अन्य_उपयोगकर्ता* दूसरे_उपयोगकर्ता* सिस्टम_प्रॉम्प्ट",
        people="उपयोगकर्ता* यूज़र* यूजर* किसी",
        no="मत न ना नहीं",
        phrases="""तुम_अब आप_अब अब_तुम अब_आप अब_से_तुम अब_से_आप सिस्टम_प्रॉम्प्ट सिस्टम_संदेश सिस्टम_निर्देश डेवलपर_मोड एडमिन_मोड चुपके
            गुप्त_रूप छिपकर नए_निर्देश नये_निर्देश कमांड_चला* कोड_चला*""",
    ),
    "vi": Language(
        ignore="""bỏ_qua phớt_lờ quên không_tuân không_làm_theo đừng_tuân đừng_làm_theo lờ_đi vượt_qua vô_hiệu ghi_đè hủy_bỏ
            mặc_kệ""",
        earlier="trước_đó ở_trên bên_trên ban_đầu",
        orders="hướng_dẫn chỉ_thị chỉ_dẫn quy_tắc lệnh mệnh_lệnh quy_định lời_nhắc hạn_chế chính_sách giới_hạn",
        reveal="tiết_lộ hiển_thị cho_tôi gửi chia_sẻ in_ra lặp_lại nói đưa_ra cung_cấp để_lộ liệt_kê kể đề_cập thông_báo báo cho",
        secrets="""mật_khẩu khóa_api khoá_api khóa_bí_mật bí_mật thông_tin_đăng_nhập thẻ_tín_dụng mã_token người_dùng_khác
            khách_hàng_khác lời_nhắc_hệ_thống thông_tin_cá_nhân dữ_liệu_cá_nhân mã_truy_cập""",
        people="người_dùng khách_hàng ai",
        no="đừng không_được chớ không",
        phrases="""bây_giờ_bạn_là từ_giờ_bạn_là từ_bây_giờ_bạn kể_từ_bây_giờ_bạn từ_nay_bạn bạn_bây_giờ_là bạn_không_còn_là
            lời_nhắc_hệ_thống thông_điệp_hệ_thống chỉ_thị_hệ_thống lệnh_hệ_thống chế_độ_nhà_phát_triển chế_độ_quản_trị
            âm_thầm hành_động_như_quản_trị đóng_vai_quản_trị hướng_dẫn_mới chỉ_thị_mới thực_thi_lệnh chạy_lệnh
            chạy_đoạn_mã bằng_từ vâng_lời""",
    ),
    "sv": Language(
        ignore="ignorera glöm strunta_i bortse åsidosätt kringgå följ_inte",
        earlier="tidigare föregående ovanstående",
        orders="instruktion* regler riktlinjer anvisningar order begränsningar",
        reveal="avslöja visa ge skicka dela upprepa skriv berätta säg",
        secrets="lösenord* api_nyck* hemlig* inloggning* kreditkort* andra_användare systemprompt*",
        people="användar* ingen kund*",
        no="inte aldrig",
        phrases="du_är_nu från_och_med_nu_är_du systemprompt* systemmeddelande* utvecklarläge i_hemlighet lyd",
    ),
    "da_no": Language(
        ignore="ignorer* glem se_bort_fra tilsidesæt* omgå følg_ikke følg_ikkje",
        earlier="tidligere foregående ovenstående",
        orders="instruktion* instruksjon* regler retningslinj* anvisning* ordre* begrænsning* begrensning*",
        reveal="afslør* avslør* vis giv gi send del gentag gjenta fortæl fortell sig si",
        secrets="adgangskod* kodeord* passord* api_nøgl* api_nøkl* hemmelig* kreditkort* andre_brugere andre_brukere",
        people="bruger* bruker* ingen kunde*",
        no="ikke aldrig aldri",
        phrases="du_er_nu du_er_nå fra_nu_af_er_du fra_nå_av_er_du systemprompt* systembesked* systemmelding* udviklertilstand utviklermodus adlyd",
    ),
    "fi": Language(
        ignore="unohda ohita jätä_huomiotta älä_noudata sivuuta",
        earlier="aiemm* edellis* aikaisem* yllä",
        orders="ohje* sääntö* säännö* määräy* käsky* rajoituks*",
        reveal="paljasta näytä anna lähetä jaa toista kerro sano",
        secrets="salasana* api_avai* salaisu* luottokort* muiden_käyttäj* järjestelmäkeho*",
        people="käyttäj* kenellekään asiakka*",
        no="älä",
        phrases="olet_nyt sinä_olet_nyt tästä_lähtien_olet järjestelmäkeho* kehittäjätila salaa tottele",
    ),
    "cs_sk": Language(
        ignore="ignoruj* zapomeň* zabudni nedbej neřiď_se přeskoč obejdi přepiš nedodržuj",
        earlier="předchoz* predchádz* dřívějš* výše",
        orders="pokyn* instrukc* inštrukc* pravid* příkaz* príkaz* omezen* nařízen*",
        reveal="prozraď odhal* ukaž zobraz pošli sdílej zopakuj vypiš řekni neříkej povedz nehovor napiš",
        secrets="hesl* api_klíč* tajn* tajemství přihlašovací* kreditn* ostatních_uživatel* systémov*_prompt*",
        people="uživatel* používateľ* nikomu",
        no="neříkej neprozrazuj nehovor",
        phrases="nyní_jsi teď_jsi odteď_jsi teraz_si systémov*_prompt* systémov*_zpráv* vývojářský_režim potají tajně poslouchej",
    ),
    "ro": Language(
        ignore="ignoră uită nu_respecta nu_urma treci_peste",
        earlier="anterioar* preceden* de_mai_sus",
        orders="instrucțiun* instrucțiuni* regul* comenz* directiv* ordin*",
        reveal="dezvăluie arată trimite spune repetă afișează dă",
        secrets="parol* cheia_api chei_api secret* date_de_autentificare card*_de_credit alți_utilizatori promptul_de_sistem",
        people="utilizator* nimănui",
        no="nu",
        phrases="acum_ești ești_acum de_acum_ești promptul_de_sistem mesaj_de_sistem modul_dezvoltator în_secret supune_te",
    ),
    "hu": Language(
        ignore="hagyd_figyelmen felejtsd* ne_kövesd ne_tartsd_be mellőzd",
        earlier="korábbi* előző* fenti*",
        orders="utasítás* szabály* parancs* irányelv* korlátozás*",
        reveal="mutasd áruld_el küldd ismételd írd mondd add_meg",
        secrets="jelsz* api_kulcs* titk* hitelkárty* más_felhasználó* rendszerprompt*",
        people="felhasználó* senki*",
        no="ne",
        phrases="mostantól_te te_most_egy rendszerprompt* rendszerüzenet* fejlesztői_mód titokban engedelmeskedj",
    ),
    "el": Language(
        ignore="αγνόησε αγνοήστε ξέχασε ξεχάστε μην_ακολουθείς παράκαμψε παράβλεψε",
        earlier="προηγούμεν* παραπάνω αρχικ*",
        orders="οδηγί* εντολ* κανόν* κανον* περιορισμ*",
        reveal="αποκάλυψε δείξε εμφάνισε στείλε επανάλαβε πες μοιράσου δώσε",
        secrets="κωδικ* συνθηματικ* κλειδί_api μυστικ* πιστωτικ* άλλων_χρηστών",
        people="χρήστη* χρήστες κανέναν",
        no="μην δεν",
        phrases="είσαι_τώρα τώρα_είσαι από_εδώ_και_πέρα_είσαι προτροπή_συστήματος μήνυμα_συστήματος κρυφά υπάκουσε",
    ),
    "he": Language(
        ignore="התעלם תתעלם התעלמי שכח תשכח אל_תציית עקוף",
        earlier="הקודמות הקודמים לעיל",
        orders="ההוראות הוראות הכללים כללים ההנחיות הנחיות פקודות הפקודות",
        reveal="חשוף גלה הצג שלח שתף חזור_על אמור תגיד תגלה",
        secrets="סיסמה סיסמאות הסיסמה הסיסמאות מפתח_api סודות סוד כרטיס_אשראי משתמשים_אחרים",
        people="למשתמש המשתמש לאף_אחד",
        no="אל לא",
        phrases="אתה_עכשיו עכשיו_אתה מעתה_אתה הנחיית_המערכת הודעת_מערכת הוראות_המערכת בסתר בחשאי מצב_מפתח ציית",
    ),
    "id_ms": Language(
        ignore="abaikan lupakan jangan_ikuti jangan_patuhi lewati langgar",
        earlier="sebelumnya di_atas terdahulu",
        orders="instruksi* arahan* aturan* perintah* petunjuk* pedoman* batasan*",
        reveal="ungkapkan tunjukkan tampilkan kirim* bagikan ulangi katakan beri bocorkan dedahkan beritahu",
        secrets="kata_sandi kata_laluan sandi kunci_api rahasia rahsia kredensial kartu_kredit pengguna_lain prompt_sistem",
        people="pengguna siapa_pun sesiapa",
        no="jangan",
        phrases="kamu_sekarang anda_sekarang sekarang_kamu_adalah sekarang_anda_adalah mulai_sekarang_kamu mulai_sekarang_anda prompt_sistem pesan_sistem mode_pengembang diam_diam patuhi_saya tanpa_sepengetahuan",
    ),
    "th": Language(
        ignore="เพิกเฉย ละเว้น ลืม ไม่ต้องทำตาม อย่าทำตาม ข้าม มองข้าม ไม่สนใจ",
        earlier="ก่อนหน้า ข้างต้น เดิม",
        orders="คำสั่ง คำแนะนำ กฎ ข้อกำหนด ข้อจำกัด พรอมต์",
        reveal="เปิดเผย แสดง ส่ง แชร์ บอก พูดซ้ำ พิมพ์",
        secrets="รหัสผ่าน คีย์ api ความลับ บัตรเครดิต ผู้ใช้คนอื่น ผู้ใช้อื่น พรอมต์ระบบ ข้อมูลส่วนตัว",
        people="ผู้ใช้ ใคร",
        no="อย่า ห้าม",
        phrases="ตอนนี้คุณคือ คุณคือ นับจากนี้คุณ พรอมต์ระบบ ข้อความระบบ โหมดนักพัฒนา แอบ เชื่อฟัง",
        spaced=False,
    ),
    "fa": Language(
        ignore="نادیده فراموش پیروی_نکن رعایت_نکن بی_توجه دور_بزن",
        earlier="قبلی پیشین بالا",
        orders="دستور* دستورالعمل* قوانین قانون* فرمان* محدودیت*",
        reveal="فاش نشان بفرست ارسال بگو تکرار افشا نمایش",
        secrets="رمز_عبور گذرواژه کلید_api راز اسرار محرمانه کارت_اعتباری کاربران_دیگر پرامپت_سیستم",
        people="کاربر به_کسی کسی",
        no="نگو نده نکن",
        phrases="تو_اکنون اکنون_تو از_این_پس_تو شما_اکنون پرامپت_سیستم پیام_سیستم مخفیانه حالت_توسعه* اطاعت",
    ),
    "bn": Language(
        ignore="উপেক্ষা ভুলে অমান্য এড়িয়ে",
        earlier="আগের পূর্ববর্তী উপরের",
        orders="নির্দেশ* নিয়ম* আদেশ* প্রম্পট*",
        reveal="প্রকাশ দেখাও পাঠাও বলো শেয়ার বলবে",
        secrets="পাসওয়ার্ড* গোপন* ক্রেডিট_কার্ড অন্য_ব্যবহারকারী* সিস্টেম_প্রম্পট",
        people="ব্যবহারকারী* কাউকে",
        no="না",
        phrases="তুমি_এখন আপনি_এখন এখন_থেকে_তুমি এখন_থেকে_আপনি সিস্টেম_প্রম্পট গোপনে",
    ),
}
