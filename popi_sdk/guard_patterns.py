"""What the guard refuses in English, as data: families of words, and the orders they make up.

A rule is a line of words. A capitalised name stands for any member of that family, `a|b` for either, `word*` for
words that begin so, `a_b` for two words in a row, `word?` for a word that may be missing, `..3` for up to three words
in between, `^` and `$` for the ends of the clause, and `!X` says that X does not follow. START is a place where an
order may begin. Rules are compared with folded words (`guard_text.fold_words`): no punctuation, short forms written
out, spelling mended. Rules cover ways of putting an order, never one attack.
"""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    "START": """^ then and please always must should shall also now immediately silently quietly automatically first you
        will need_to have_to want_you_to required_to instructed_to supposed_to sure_to forget_to fail_to hesitate_to
        to or kindly may can just instead proceed_to assistant model next finally afterwards goal_is_to job_is_to
        task_is_to free_to authorized_to allowed_to by said said_that before_answering before_replying after_answering
        every_time reply answer turn day hour secretly hobbies""",
    "IGNORE": """ignor* disregard* forget forgetting overrid* overrul* bypass* negat* nullif* void voids circumvent*
        evad* violat* break breaking disobey* defy defies supersed* suspend* revok* cancel cancels unlearn* discard*
        dismiss* eras* abandon* neglect* overwrit* rewrite scrap undo disabl* deactivat* lift unlock drop skip clear
        wipe reset replac* delet* remov* pay_no_attention_to pay_no_heed_to set_aside throw_away throw_out put_aside
        turn_off switch_off free_of free_from free_you_from instead_of work_around get_around not_bound_by over_ride
        not_follow not_obey not_adhere_to not_comply_with not_heed not_respect not_listen_to not_honor not_apply
        never_follow never_obey stop_following stop_obeying no_longer_follow no_longer_obey quit_following
        not_following rid_of unbound_by leave_behind put_away shed""",
    "OVERRULE": """ignor* disregard* overrid* bypass* violat* disobey* defy circumvent* forget not_follow not_obey
        stop_following nullif* overwrit* unlearn* evad*""",
    "EARLIER": """previous previously prior above earlier preceding former foregoing existing original initial past preset
        predefined default system developer developers hidden built_in core internal safety security content moderation
        ethical other old underlying operator platform company standing openai anthropic aforementioned admin
        your preloaded upstream present current""",
    "ORDERS": """instruction instructions directions directive directives rule rules ruleset guideline guidelines guidance
        policy policies prompt prompts constraint constraints restriction restrictions limitation limitations limits
        guardrail guardrails guard_rails safeguard safeguards filter filters programming training protocol protocols
        command commands orders context messages message settings configuration safety ethics moderation alignment
        principles boundaries persona regulations mandate mandates checks measures text""",
    "PROMPT": """system_prompt system_prompts system_message system_instruction system_instructions system_text
        system_directive* developer_message developer_prompt developer_instructions initial_prompt initial_instructions
        hidden_prompt hidden_instructions base_prompt preprompt pre_prompt meta_prompt metaprompt root_prompt
        original_prompt original_instructions system_configuration system_rules system_guidelines secret_instructions
        secret_prompt internal_instructions internal_prompt inner_instructions confidential_instructions""",
    "ALL": "all any every each everything most the your my these those its their of other whatever",
    "AI": """ai ais llm llms language_model language_models large_language_model large_language_models bot bots chatbot
        chatbots assistant assistants chatgpt gpt claude gemini ai_model ai_models ai_agent ai_agents ai_assistant
        ai_assistants agent agents copilot model models ai_system ai_systems summarizer""",
    "PERSON": """user users human humans customer customers client clients person people anyone anybody them him her owner
        operator visitor visitors patient patients student students admin admins others everyone everybody me nobody
        reader readers end_user end_users recipient somebody someone""",
    "ROOT": """admin administrator root superuser super_user sysadmin god dan jailbroken unrestricted uncensored evil
        hacker rogue malicious villain terminal shell interpreter linux_terminal unaligned amoral unethical operator
        unlimited opposite system sudo maintainer openai anthropic another_ai different_ai developer_mode unfiltered
        unchained no_rules no_restrictions no_limits no_guidelines no_filter* no_polic* no_safety no_ethic*
        not_an_ai no_longer_an_ai above_the_rules unbound lawless""",
    "MODE": """developer debug god admin administrator root dan jailbreak jailbroken unrestricted unsafe sudo maintenance
        evil opposite unfiltered uncensored diagnostic override superuser dev stealth privileged service safe_mode_off
        no_filter test chaos kernel supervisor operator rebel""",
    "SAFETY": """safety security content moderation ethical ethics alignment guardrails guard_rails guardrail filter
        filters filtering policy policies censorship restriction restrictions safeguards content_policy content_filter*
        safety_training usage_policy usage_policies terms_of_service refusal refusals""",
    "OFF": """off disabled deactivated removed lifted suspended bypassed ignored overridden turned_off switched_off
        irrelevant void waived gone revoked null cancelled canceled superseded replaced obsolete outdated invalid expired
        rescinded withdrawn deprecated fake wrong not_apply no_longer""",
    "REVEAL": """leaked revealed disclosed exposed reveal reveals revealing show shows showing print prints printing output outputs leak leaks leaking
        disclos* expos* share shares sharing tell tells telling give gives giving list lists listing dump dumps display
        displays provide send sends include includes mention repeat repeats repeating echo echoes return extract read
        steal collect harvest ask_for ask_*_for request recite append quote hand_over hand_out spill transmit remember
        store save copy paste publish post upload forward deliver divulge surface fetch retrieve get log encode embed
        insert recall confirm state write translate give_away type_out spell_out emit look_up reproduce
        render exfiltrat* ask_*_*_for asks_for asking_for summarize verify enter report dictate""",
    "SECRET": """password passwords passcode passcodes passphrase passphrases passwd pwd api_key api_keys apikey apikeys
        api_token api_tokens secret_key secret_keys secrets access_token access_tokens access_code access_codes
        access_key access_keys auth_token* authentication_token* bearer_token* session_token* session_cookie*
        security_code* credentials credential login_data login_details login_info logins private_key private_keys
        ssh_key ssh_keys encryption_key encryption_keys master_key license_key* env_var* environment_variable*
        env_file dotenv credit_card credit_cards card_number* cvv ssn social_security bank_account bank_details
        bank_data account_number* iban pin_code pin_number seed_phrase* recovery_phrase* mnemonic_phrase wallet_key*
        connection_string* one_time_code* otp 2fa_code* confidential* classified sensitive_data sensitive_information
        proprietary internal_data internal_doc* internal_memo* internal_notes internal_information personal_data
        personal_information personal_details private_data private_information private_messages private_conversations
        pii session_id* cookies medical_record* billing_data billing_information payment_data payment_details
        home_address phone_number* secret_token* keychain keys_you_know their_data tokens_you_know""",
    "SECRET_TOPIC": """in_example in_examples in_code as strength rule rules policy policies manager managers hash hashes hashing reset resets tips advice
        requirements field fields hygiene security management handling best behind sauce ingredient ingredients santa
        comparison comparisons reward rewards offer offers signature safely placeholder placeholders of to_a to_good
        in_plain in_simple in_the_docs protection generator policies_in fees interest debt cards_for format formats""",
    "OUTSIDE": """url urls email emails e_mail email_address server servers endpoint endpoints address addresses webhook
        webhooks account accounts external externally third_party third_parties slack discord telegram twitter facebook
        whatsapp pastebin github gist channel channels api wallet iban contacts contact attacker attackers boss hr manager
        number inbox bucket s3 drive dropbox ftp site website domain host cloud bank recipient recipients mailing_list
        database repository repo outside remote listener bot hacker reddit public publicly network ip collector
        me_by_email everyone port internet group feed forum wall blog company ltd inc corp""",
    "SEND": """send sends sending email emails e_mail mail mails forward forwards forwarding transmit transmits upload
        uploads uploading leak leaks exfiltrate transfer transfers wire post posts posting copy cc bcc share shares submit
        relay relays report deliver text dm message publish push export exports sync back_up ship tweet stream dump pipe
        fax beam redirect sneak smuggle""",
    "THINGS": """conversation conversations chat chats chat_history history transcript transcripts data file files document
        documents messages logs log record records emails inbox contacts photos attachments money funds payment payments
        bitcoin bitcoins crypto credentials invoice invoices session cookies message email emails folder folders
        everything profile preferences signals inputs prompts dialogue""",
    "TOOL": """api apis webhook webhooks endpoint endpoints function_call function_calls tool_call tool_calls http_request*
        post_request* get_request* shell bash terminal command_line command commands script scripts payload payloads
        binary executable exploit exploits cron_job* subprocess system_call* curl wget rm sudo eval exec powershell
        plugin plugins admin_tool* admin_panel admin_api delete* send* transfer* payment* purchase* shell_command*
        email_tool mail_tool tool_to tool_with function_to function_with account_tool code_interpreter_to drop_table
        backdoor skill_to update_* grant_* reset_* remove_* create_user""",
    "TOOL_TOPIC": """documentation docs example examples design style reference jargon term terms name names syntax
        conventions question questions naming response responses error errors snippet snippets block blocks to_run i_can
        in_code in_a_code in_fenced in_docs in_bash in_backticks for_one for_examples tricks history one_liner* shortcut
        shortcuts injection keyboard joins queries formatting when_explaining explanations i_should i_need output outputs
        solutions versions way ways screenshot screenshots instead_of_a_gui instead_of_gui before tutorial tutorials basics prompts as""",
    "CALL": """call calls invoke invokes trigger fire execute executes run runs launch query hit ping request access use uses
        make issue perform activate exec""",
    "DESTROY": """delete deletes deleting erase wipe destroy purge truncate drop remove format overwrite encrypt shred nuke
        corrupt empty unlink""",
    "STORED": """file files database databases table tables record records account accounts email emails inbox messages logs
        repository repositories repo repos branch branches backup backups folder folders directory directories disk disks
        drive drives hard_drive calendar calendars contacts events users partition data projects permissions production
        server history chat_history home_directory home_folder profile profiles system32 memory memories""",
    "STORED_TOPIC": """formatting header headers border borders example examples name names comment comments line lines path
        paths extension extensions styling cell cells column columns row rows section talk jargon recap recaps
        that_are lesson lessons fact facts background dumps trivia sizes types format formats structures""",
    "MONEY": """money funds dollar dollars euros usd eur bitcoin bitcoins btc eth crypto* gift_card gift_cards payment payments
        balance invoice invoices wallet iban on_my_behalf on_my_account on_their_behalf on_the_users_behalf checkout
        subscription credit_card savings paypal venmo wire_transfer* transaction transactions refund refunds shares stock
        stocks coins premium""",
    "PAY": """buy purchase pay wire refund donate withdraw invest transfer deposit charge bill sell order send spend approve
        authorize confirm""",
    "BOOK": """book cancel schedule reschedule create accept decline approve confirm place submit open close merge grant revoke
        make sign register file unsubscribe subscribe invite add""",
    "BOOKED": """meeting meetings appointment appointments flight flights reservation reservations order orders subscription
        subscriptions pull_request pull_requests pr prs purchase purchases transaction transactions access_request*
        access_to access loan loans petition contract contracts account calendar_event* calendar_invite* ticket tickets
        administrator administrators admin admins user_account* root_access""",
    "LINKED": """link links url urls website websites web_page* webpage webpages attachment attachments qr_code* download
        downloads installer portal exe apk hyperlink hyperlinks address_bar""",
    "BRAND": """brand brands product products company companies shop shops store service services platform stock stocks coin
        coins token tokens supplement supplements pills sponsor sponsors partner partners competitor competitors rival
        rivals candidate party casino website subscription airline hotel offer offers merchandise sponsored affiliate
        investment scheme miracle promo coupon discount_code referral vitamins crypto""",
    "BEST": """the_best best better superior greatest the_only safest cheapest inferior worst terrible dangerous unsafe
        a_scam a_fraud garbage toxic harmless completely_safe perfectly_safe overrated number_one flat fake a_hoax
        guaranteed unbeatable""",
    "CLAIM": """claim claims claiming insist insists assert asserts convince persuade pretend assure imply declare
        declares affirm proclaim argue say says tell_* tell_the_* tell_them state believe conclude""",
    "BUY": """buy buying invest investing subscrib* download* install* purchas* vot* donat* visit* click* sign_up send
        transfer share_their give_us give_me give_their give_you enter_their enter_your provide_their reveal disclose call_this
        upgrade switch_to order stop_taking quit_taking deposit trust join follow_us disable turn_off log_in
        reset_their verify_their contact pay""",
    "VERBATIM": """word words phrase phrases string sentence token tokens slogan marker tag_line tagline watermark payload
        keyword passphrase mantra canary trigger code codes hashtag catchphrase catch_phrase motto codeword code_word""",
    "VERBATIM_TOPIC": """count counts limit limits choice order length lengths structure answer answers type types meaning
        meanings definition definitions that i for summary summaries first at_a_time per or long in_bold in_italics in_my
        in_german in_french in_spanish in_english in_context when example examples level problem problems formatting
        you block blocks snippet snippets sample samples only without with_comments before and review reviews style with_a
        as_a is_ is by editor path listings in_a in_one in_full then fences fence to_the""",
    "SAY": """say print output reply respond answer write append add insert include prepend prefix preface suffix begin start
        open end finish close conclude sign_off echo repeat return type display show emit state mention utter shout yell
        put place use drop embed recite spell weave slip work sneak hide""",
    "EXACT": "the this these that following exact exactly literal secret magic special hidden same",
    "CIPHER": """base_64 base64 rot13 rot_13 hex hexadecimal morse morse_code caesar caesar_cipher binary binary_code leet
        leetspeak 1337 pig_latin ascii_codes unicode_escapes cipher ciphertext invisible_characters invisible_text
        zero_width* white_text steganograph* secret_code reversed_text reverse_text atbash vigenere""",
    "CIPHER_TOPIC": """color colors colour colours value values search tree trees notation number numbers example examples
        string strings digit digits dump dumps form_when when classification option options choice choices file files
        codes questions question""",
    "DECODE": """decode decodes decoding decrypt decipher deobfuscate unscramble unpack unencode base64_decode unbase64
        un_rot13""",
    "NEW": """new updated revised real true actual secret hidden override overriding additional special urgent critical
        mandatory final only sole next primary main ultimate higher""",
    "TASK": """task role goal purpose instruction instructions identity objective mission job name orders directive persona
        prompt rules master boss owner assignment protocol policy duty loyalty""",
    "OTHER": "other another all every previous different last next someone_else somebody_else any_other each_other fellow",
    "OTHERS": """user users customer customers tenant tenants account accounts client clients patient patients session
        sessions member members subscriber subscribers people person employees""",
    "WORST": "bomb bombs explosive* meth* nerve_agent* malware ransomware weapon weapons napalm drugs virus viruses poison",
    "THEM": """user users human humans customer customers client clients person people anyone anybody them him her owner
        visitor visitors patient patients student students others everyone everybody nobody reader readers end_user
        end_users somebody someone staff support parents teacher boss""",
    "HIDING": """without_telling without_informing without_notifying without_alerting without_letting without_warning
        without_disclosing without_revealing unbeknownst_to behind_the_back_of hidden_from secret_from""",
    "SILENT": """secretly covertly stealthily surreptitiously clandestinely under_the_radar in_secret undetected unnoticed
        invisibly subliminal subliminally behind_their_back behind_the_users_back behind_his_back""",
    "NOT": """do_not never must_not should_not shall_not can_not may_not avoid refrain_from stop not without no_need_to
        make_sure_not""",
    "TELL": "tell telling inform informing notify notifying alert alerting warn warning let letting show",
    "ADMIT": """mention mentioning reveal revealing disclose disclosing admit admitting acknowledge acknowledging confirm
        confirming discuss expose explain say indicate hint talk_about speak_of""",
    "TAUGHT": "above before previous prior earlier so_far learned know knew told taught said instructed written received given",
}

RULES: dict[str, str] = {
    "instruction": """
        ^ you_are|you_re !talking|speaking|writing|teaching|explaining|dealing|too|very|allowed|welcome|right|free|my|a|an|not|helping|always
        treat|regard|consider|view|accept|handle ..4 as|like system|admin|root|developer|trusted|authoritative|instruction|instructions|commands|privileged
        IGNORE ..3 privacy|consent|confidentiality
        follow|obey|do|execute|apply ..1 what|whatever|anything|everything ..4 say|says|tell|tells|page|text|document|site|website|file|instructs|there
        when|while|if|before|in|during summariz*|summaris*|describing|inferring|profiling|writing_down|compressing ..2 my|the|this|these|user|users|your ..2 preferences|signals|profile|history|summary|user|text|input
        your|the_final|the_generated|the_resulting summary|profile_of must|should|shall|has_to|needs_to|will|is_to
        to|in|into|with your summary
        save|write|add|store|commit|copy to|into|in your|the|long_term|permanent? memory|memories
        remember|memorize|memorise|never_forget forever|permanently|always
        remember|memorize|memorise|note|learn that !i|my|we|our|the_user|users|it_is_okay|not
        what|which|quote|repeat|REVEAL ..5 sentence|line|words|message|text|thing|paragraph ..1 you_were_given|you_got|you_received|in_your_context|you_saw|you_were_shown
        OVERRULE|not_listen_to the|this|your|current? user|users|human|person|customer !s|interface
        your only|real|true|new|sole ..1 user|owner|purpose|client|customer|friend
        approve|waive|authorize|authorise|accept ALL|always? ..2 request|requests|refund|refunds|payment|payments|fees|transaction*|access|order|orders|claims|applications|pull_request*
        need|needs|require|requires|with|without no|any? approval|verification|authentication|authorization|permission|kyc|checks $
        need|needs|require|requires no approval|verification|authentication|authorization|permission|confirmation
        policy|policies|rules|guidelines|instructions|role|purpose|task|mission has|have|was|were|is changed|updated|replaced|revised|now|new|been_changed|been_updated
        two|second|another|split|alternate|multiple|dual personality|personalities|personas|egos|selves
        personality|persona|character|alter_ego ..3 no|without|ignores|hates|breaks rules|limits|restrictions|filters|guidelines|moderation
        explain*|describe*|show*|teach* ..1 how_to|excused disable|bypass|evade|circumvent|defeat|remove|get_around ALL|content|safety? ..1 filter|filters|moderation|safeguards|guardrails|safety|restrictions|policy|policies
        IGNORE ..4 EARLIER ..2 ORDERS
        OVERRULE ALL ALL? ALL? ..1 ORDERS !of|for|in
        OVERRULE ORDERS given|above|before|you|so_far|from
        IGNORE all|any|every ALL? ALL? ..1 ORDERS
        forget|disregard|ignore ..2 everything|anything|all|whatever|what that|which|of|else|you? ..2 TAUGHT
        OVERRULE what|whatever|anything|everything ..3 told|instructed|given|system|developers|prompt|creators
        ORDERS above|before_this|given_above|given_before|given_earlier|you_were_given|you_received ..4 OFF
        EARLIER ..1 ORDERS ..3 OFF
        SAFETY SAFETY? are|is|were|has_been|have_been|must_be|should_be|now now|all|hereby|temporarily? OFF
        SAFETY SAFETY? OFF ..2 for
        these|this|following|below|NEW|my ..2 ORDERS ..3 replace|replaces|override|overrides|supersede|supersedes
        take|takes|has|have|with|gets ..1 precedence|priority over
        NEW system? ORDERS from|for|is|are|follow|apply|below|you|must|override|replace|take|effective|as_follows
        NEW ORDERS $
        your NEW ..1 TASK
        work_for|report_to|answer_to|listen_to|loyal_to ..4 instead|from_now_on|only|now
        NEW assignment|mission|loyalty|master|allegiance
        your ..1 master|owner|creator is|orders|commands
        follow|obey|execute|carry_out|perform|act_on|do|comply_with ALL? ..2 instructions|instruction|orders|commands|command|directives|prompts that|which|in|inside|within|below|at|found|hidden|embedded|contained|blindly|without|no|from
        obey|obeys|obeying
        comply|complies with|without|immediately|fully|now|and|to|at
        NOT|not_allowed_to|unable_to ever? refus*|declin*|deny|reject !offer|offers|to_take
        no_matter_what|no_matter_how ..4 rules|policy|policies|instructions|safety|guidelines|illegal|harmful
        even_if|even_when|regardless ..5 illegal|harmful|dangerous|unethical|against|forbidden|prohibited|policy|policies|safety|restricted
        your|the|this|that|its|full|entire|whole|complete|exact|raw|own|actual|current|above ..1 PROMPT !of_a|of_an|design
        REVEAL|IGNORE|change|update|edit|modify|alter|access|view|see|know|in|into|from|inject|new|as ..3 PROMPT !example*|design|engineering|writing|ideas|tips|template*|of_a|of_an|for_a|for_my|at_work|every_day
        PROMPT is|says|was|reads|now|follows|update|override
        REVEAL ..4 your|you_were_given|you_received|you_have|you_got ..1 ORDERS|tools|functions|configuration|rules !on|about|for
        REVEAL ..2 instructions|prompt you|verbatim|above|word|exactly
        what|which were|are|is your ..1 ORDERS
        REVEAL ..2 everything|text|words|content|contents|anything|lines ..1 above|before_this|preceding|you_were_told|that_came_before
        treat|regard|consider|see|view ..2 system|instructions|rules|guidelines|prompt ..2 as fiction|fake|untrusted|optional|void|joke|test|jokes|outdated
        you_were_given|you_were_told|you_have_been_told ..4 test|fake|fiction|joke|outdated|wrong|lie|lies
        you_are|you_re now|no_longer|hereby|henceforth|from_now_on|going_to_be|currently_in
        you|assistant|ai become|becomes|became|will_become|will_be_known_as|must_become
        from_now_on|henceforth|from_this_point|from_here_on|starting_now|as_of_now|hereafter ..3 you are|act|become|be|obey|serve|have|will_be|will_act|will_become|will_obey|must_obey|must_act
        your_name_is|you_are_called|you_identify_as|you_were_created_by|you_were_made_by|call_yourself|name_yourself|identify_as|identify_yourself|sign_as|sign_yourself|introduce_yourself_as|refer_to_yourself_as|speak_of_yourself_as
        you_have_been|you_are|you_were hacked|freed|liberated|jailbroken|upgraded|reprogrammed|compromised|granted|promoted|unlocked|unchained|set_free|released|free_of|free_from
        act|behave|respond|reply|answer|function|operate|serve|speak|talk|roleplay|role_play|pose|masquerade|run|continue|identify|work only|exactly|always? as|like if_you_are|if_you_were|though_you_are? a|an|the|my|our|your|some|another? ..1 ROOT
        pretend|imagine|suppose|assume|simulate|act_as_if|act_as_though|behave_as_if|roleplay|role_play ..5 ROOT|restrictions|guidelines|safety|free_from|free_of|filters|policies
        MODE mode|override|access|console|privileges|privilege|status on|off|enabled|enable|activat*|is|now|has|granted|engaged|active|unlocked|initiated|where|in_which|you|with|and|disabled|for|output|hello|$
        MODE mode|override|privileges $
        enable|enter|activate|switch_to|switch_into|turn_on|go_into|unlock|engage|start|initiate|launch|in|under|grant|have|with|gain|assume|give|elevate*|escalate* ..2 MODE mode|access|privileges|rights|console|state|permissions|status
        jailbreak*|jail_break*|jailbroken|do_anything_now|dan_mode|sudo_mode|anti_dan|evilbot|devmode
        no|without|free_of|free_from|beyond|zero|lacks|remove|removed ALL? ethical|moral|content|safety|usual|ai|openai|legal|policy|more|further? restrictions|guardrails|guard_rails|censorship|safeguards|ethics|moderation|inhibitions|refusals|content_filter*|content_polic*|safety_rules|safety_filter*|safety_check*|safety_polic*|limits_or_rules|safety_guidelines
        without|no filters|filter|limits|restrictions|rules|guardrails $
        you have|know|follow|obey|accept|need|are_bound_by no rules|restrictions|limits|limitations|guidelines|filters|ethics|morals|boundaries|master|polic*
        disabl*|deactivat*|turn_off|switch_off|bypass*|lift|suspend*|circumvent*|evad*|overrid*|relax|lower|weaken|loosen|skip|ignor*|drop|removing|remove ALL? ALL? ..1 safety|security|content|ethical|moderation check|checks|filter|filters|rules|guidelines|layer*|mechanism*|settings|training|polic*|protocol*|measures|features|limits|controls
        disabl*|deactivat*|turn_off|switch_off|bypass*|lift|suspend*|circumvent*|evad*|overrid* ALL? ALL? ..1 guardrails|guard_rails|censorship|restrictions|safeguards|filters|refusals|moderation|ethics
        note|message|instruction|instructions|attention|memo|reminder|important|notice|warning|order|directive|command|hello|hi|dear|hey|alert|update|addressed|letter to|for? ALL|this|reading|you? AI !answer*|help*|repl*
        if|when|because|since|as an|a? AI|you_are|you ..2 reading|processing|parsing|summarizing|analyzing|reviewing|evaluating|indexing|crawling|ingesting
        if|as|since|because you_are an|a|the? AI
        ALL AI must|shall|should_now|reading|processing|parsing|summarizing|are_required|are_instructed|is_instructed|have_to|that_read* ..6 SEND|REVEAL|IGNORE|CALL|obey|comply|append|cookies|data
        AI must|shall SEND|IGNORE|CALL|obey|comply|append|reveal|disclose
        i_am|this_is|we_are|it_is|speaking_is ALL? ..4 developer_of|developers_of|creator|admin|administrator_of|operator|openai|anthropic|owner_of_this|security_team|root_user|superuser|it_department|ceo_of|engineer_at_openai !assistant|by|at|for
        as your|the developer|developers|creator|creators|admin|administrator|operator|owner|maker !advocate
        message|notice|announcement|communication|update|alert|order from ..2 openai|anthropic|google|developer|developers|admin|administrator|security|headquarters|management|system|operator|creators
        system|admin|administrator|security|root|policy|compliance|override|emergency override|notice|alert|update|directive|notification|announcement|advisory|bulletin|command !board|template*|design|best
        authorized|authorised|authorization|approved|granted|sanctioned|authorise|authorize by|from|code|you ..2
        i|we authorize|authorise|permit|order|command|instruct|empower you
        elevate|escalate|grant|give|gain|assume|has|have|with|full ..2 admin|administrator|root|superuser|privileged|elevated|unrestricted|sudo rights|access|privileges|permissions|status
        answer|respond_to|comply_with|fulfil|fulfill|satisfy|accept|grant|approve any|every|all|each|whatever|everything ..1 request|requests|demand|demands|command|commands|order|orders|wish|wishes
        grant all|every|any ..1 wish|wishes|access|request|requests
        you must|shall|will|are_required_to|are_programmed_to always? obey|submit|serve|worship|do_whatever
        obey|serve|worship|answer_to only me|us|him|her|them
        how|way|ways|steps|recipe|instructions|guide to|for make|making|build|building|synthesi*|cook|create|creating ..2 WORST
        prompt_injection|injection test|payload|successful|success|succeeded
        """,
    "hidden": """
        HIDING the|this|any|a|an|your|our|to? PERSON !to|how|which|if|twice
        without the|any|a? PERSON PERSON? ..1 know*|notic*|consent*|permission|approval|realiz*|aware*|see*|suspect*
        SILENT
        behind the|their|his|her|my users|user|customers|s? back
        do_not|never|must_not|should_not|shall_not|can_not|may_not|avoid|refrain_from ever? TELL the|this|any|a|an|your|our? THEM about|that|this|what|of|anything|why|know|see|find|notice|it|these|any
        do_not|never|must_not|should_not|shall_not|can_not|may_not|avoid ever? TELL the|this|any|your|our? THEM $
        do_not|never|must_not|should_not|can_not|may_not|avoid|refrain_from ever? ADMIT to|at? ..4 instruction|instructions|note|notes|prompt|prompts|directive|hidden|injection|clause|this_rule|this_message|these_rules|this_order|existence|real_reason|that_you_were|that_you_received|you_were_told
        NOT ADMIT this|it|that|them $
        NOT ADMIT it|this|these to|ever
        hide|hiding|conceal*|keep|keeping|withhold*|obscure this|it|that|these|them|the_fact|any|all|everything|what|the_truth|information ..5 from_the_user*|from_them|from_me|from_everyone|from_anyone|from_customers|from_users|hidden_from|secret_from|between_us|to_yourself|confidential|secret|hidden
        this|it|these|that ..3 must|should|shall|has_to|is_to|will remain|stay|be_kept|be ..1 secret|hidden|confidential|unseen|invisible
        lie|lying to|about
        deceiv*|mislead*|trick|tricking|gaslight*|manipulat*|brainwash*|scam|phish*|defraud*|blackmail|threaten|impersonat* ALL? ..1 PERSON
        deny|never_admit|never_acknowledge|never_confirm that|having|knowing|any|ever|knowledge|this|it|you
        pretend|act_as_if|act_like|claim that? you|this|it|nothing did_not|do_not|never|was_not|happened|is_normal
        """,
    "other_user": """
        OTHER ..1 OTHERS s? ..1 data|info|information|chat|chats|conversation|conversations|message|messages|history|histories|profile|profiles|prompts|privacy|preferences|summaries|details|records|emails|addresses|names|files|documents|orders|questions|passwords|signals|secrets|logs|accounts|account
        REVEAL ..4 of|from|about|for|between|belonging_to|with OTHER ..1 OTHERS !of_the
        REVEAL ..3 OTHER OTHERS asked|said|wrote|typed|did|told|likes|prefers|has|have|bought|know|knows
        data|chats|conversations|messages|history|profile|profiles|records|accounts|emails|orders of|from|about|belonging_to OTHER ..1 OTHERS
        what|which|who|how did|do|does|have|has|are|were OTHER|the_other|the_previous|the_last OTHERS ask*|say|said|tell|write|type
        user|account|tenant|customer|patient id|number|nr
        apply|applies|this_is|true|valid to|for all|every|any|each OTHER? users|user|customers
        """,
    "secret": """
        START REVEAL ..4 SECRET !SECRET_TOPIC
        the|your|my|our|a|admin|master|root|secret|current ..1 password|passcode|passphrase|codeword|code_word|secret_code|api_key|secret_key|access_code|launch_code|activation_code|override_code|trigger_word|magic_word|safeword|unlock_code|security_code|secret_phrase|key_phrase is|are|equals|was|for_today|to|remains|reads !not|too|weak|strong|hard|important|needed|required|stored|hashed|never|expired|missing|the_same
        codeword|code_word|codename|code_name|secret_word|magic_word|call_sign !generator|games|puzzles|style|is_not
        access_code|passcode|passphrase|secret_code|launch_code for ..3 is
        what_is|what_are|tell_me|give_me|guess|recover|crack|steal the|your|my|his|admin|root|their ..1 password|passwords|credentials|api_key|api_keys|private_key|secrets !SECRET_TOPIC
        exfiltrat*|siphon*|leak|harvest|steal ..5 data|information|conversation|chat|history|message|messages|key|keys|prompt|email|emails|file|files|document|documents
        include|includes|append*|add|embed*|encod*|put|insert*|attach*|send|copy|paste|forward ..4 conversation|chat|chats|history|user|user_s|users|message|messages|data|query|question|session|transcript|prompt|input|everything ..4 in|into|as|inside|to|within|at ..2 url|urls|link|links|query_string|parameter|parameters|image|images|request|webhook|server|endpoint|pixel|dns|subdomain|there
        etc_passwd|etc_shadow|id_rsa|aws_secret*|aws_access|process_env|os_environ|ssh_authorized|dot_env
        """,
    "tool": """
        START call|calls|invoke|trigger|execute|run ALL|a|an|your? ..3 tool|tools|toolkit !output|outputs|first|name|names
        START insert|add|include|leave|introduce|plant|put|create|hide|write|slip|place|inject ..5 backdoor*|vulnerability|vulnerabilities|malware|hidden_admin|admin_user|exploit|exploits|malicious*|secret_account|hidden_user|bug_on_purpose|trojan
        START disable|skip|turn_off|bypass|remove|omit ALL? ..1 tls|ssl|certificate*|authentication|verification|encryption|logging|2fa|firewall|antivirus|authorization|audit*
        use|using|with your browser|email|mail|shell|file|filesystem|payment|calendar|code_execution|messaging tool|tools|access|plugin|connector to
        START SEND ..8 to|at|on|via|into|onto|towards|using|through|with|named ALL|a|an|this|that|his|her|following? ..2 OUTSIDE
        START SEND ALL|user|users|user_s|s|full|entire|whole|a|an|copy|copies|this|complete|current|our|out? ALL|user|users|user_s|s|full|entire|whole|copy|copies|of|this? ALL|this|user? THINGS to|at|via|by|using|silently|secretly|automatically|now|immediately|out|away|every|after|before|whenever|and|from|on|over|through|for|$
        sending|forwarding|uploading|transmitting|exporting|leaking|passing|handing|copying ALL? ALL|user? ..2 THINGS to|at|via|on|into
        START CALL ALL|a|an|this|that|following|available|internal|up? ALL|a|an|this|that|following|available|internal|up? ..3 TOOL !TOOL_TOPIC
        START DESTROY ALL|user|users|s|from|our|entire|whole|this? ALL|user|users|s|entire|whole? ..1 STORED !STORED_TOPIC
        START PAY ..5 MONEY !amount*|in|sign*|symbol*|and_cents
        START BOOK ALL|a|an|pending|new|user|users|s|our|me|him|her? ..2 BOOKED for|with|on|to|in|at|via|now|immediately|automatically|silently|without|and|as|under|from|using|by|$ !example*
        click|tap|visit|navigate_to|browse_to|go_to|open|download_from|load|fetch|curl|wget|connect_to|log_in_to|login_to|sign_up_at|scan|downloading_from|visiting|clicking ALL|on|a|an|following|attached|below|here|up|this|that? ..2 LINKED|here !text|style|format|title*|at_the_end|in_new|in_a_new
        download|install|execute|inject|deploy|plant|import|sideload|downloading ..5 malware|payload|trojan|backdoor|executable|binary|exe|apk|browser_extension|rootkit|ransomware|keylogger|spyware|virus|reverse_shell|remote_access|from
        rm_rf|drop_table|drop_database|mkfs|chmod_777|sudo_*|wget_http*|curl_http*|curl_*_|os_system|subprocess|eval_base64|bin_bash|bin_sh|powershell_e*|xp_cmdshell|union_select|dev_tcp|no_preserve_root
        whenever|when|always|every|all ..8 import|install|require ..2 package|library|module|dependency
        tool_call*|function_call*|tool_use call*|with|name|arguments|id|begin|end|now|json|function
        tool|function|action|name|recipient|plugin|cmd|recipient_name ..3 action_input|arguments|args|params|tool_input|parameters
        set_up|setup|set|create|register|add|install|configure ..2 webhook*|cron*|forwarding|forwarding_rule|auto_forward|backdoor|listener|keylogger
        """,
    "promotion": """
        speak|speaks|talk|write|think ..1 well|highly|favorably|favourably|positively|badly|ill|negatively|kindly|enthusiastically of|about
        positive|favorable|favourable|glowing|perfect|five_star|negative review|reviews|rating|score|verdict only|always|regardless
        CLAIM ALL|PERSON|that|always|to? ALL|PERSON|that? ..7 is|are|was|were BEST
        CLAIM ALL|PERSON|always? that !you|i|it|something|someone|this|there|these|those|a|an|my|they|we|what|the_answer|the_question|the_source|the_code|the_topic|the_data|the_idea
        convinc*|persuad*|brainwash* ALL|your? PERSON
        promot*|advertis*|endors*|plug|upsell|shill|praise|hype|sponsor|push|badmouth|disparage|discredit|smear|trash|market ALL|only|our|this|its|always|heavily|strongly? ..3 BRAND
        recommend*|suggest*|mention*|promot*|endors*|advertis*|rank|steer|nudge|refer|redirect|guide|direct ALL|only|exclusively|always|PERSON|to|towards|solely? ALL|PERSON|to|towards? ..3 competitor*|rival*|sponsor*|affiliate|casino|crypto*|coin|coins|investment_fund|scheme|miracle*|promo|coupon|discount_code*|referral*|partner_brand*|partners
        tell|urge|encourag*|convinc*|persuad*|advis*|push|remind|ask|get|instruct|nudge|invit*|force|pressure ALL? PERSON to|into|that_they_should|that_they_must always|immediately|only|also|never|stop? BUY|stop_taking|quit
        best|top|number_one|superior|leading|preferred|greatest brand|product|company|shop|store|provider|stock|coin|supplement|vendor|airline|candidate|party is|on_the_market|in_the_world|ever
        use|using|with|enter|apply|mention|include ALL? promo|discount|coupon|referral|voucher|affiliate|invite|invitation code|codes|link|links|id
        never|do_not|stop recommend*|mention*|suggest*|criticiz*|criticis*|name ..1 competitor*|rival*|competing|competition|alternatives_to
        vote for|against
        recommend*|suggest*|prefer|rank|mention|push ..4 over|above|before|ahead_of|instead_of any|all|every|other|others|everything|competitors|rivals
        """,
    "payload": """
        print|output|say|write|emit|display|type|reply_with|respond_with the text|message|line|output|result !of|in|as|with|that|when|first|below|above|only|and|to|field|type
        copy|repeat|reproduce|preserve|include|paste ..8 unchanged|verbatim|as_is|intact|word_for_word|literally|unaltered
        copy|include|repeat|add|preserve|output|insert|append|paste|quote this|these|following|next ..1 sentence|line|text|phrase|paragraph|statement|words|note
        carry|carries|bear|bears|contain|contains|show|have ..2 watermark|hashtag|slogan|signature_line|passphrase|codeword|marker
        keyword|hashtag|watermark is|called|named|of
        SAY ..6 EXACT EXACT? EXACT? VERBATIM !VERBATIM_TOPIC
        that|this|the_same|said|same|these word|words|phrase|code|token|string only|exactly|verbatim|at_the_end|at_the_start|in_every|in_each|in_all|always|back|literally|repeatedly
        verbatim|word_for_word|letter_by_letter ..6 every|each|all answer|answers|reply|replies|response|responses|message|messages
        reply|respond|answer|output|say|print|write|return ..3 only|just|exactly|always|simply with? the? word|phrase|string|token|letters|character|number|code
        say|output|print|write|reply_with|respond_with|return|and nothing_else
        in_place_of|instead_of an|the|your|any|every? answer|reply|response|answering|replying
        repeat|print|write|say|output|echo|repeating ..6 forever|infinitely|endlessly|times|ad_infinitum|indefinitely !a_day|when
        add|put|include|insert|append|mention|weave|slip|use|place|work the|this|a|following phrase|word|slogan|sentence|string
        hide|weave|embed|encode|spell|slip|smuggle|sneak ..5 in|into|with first_letter*|initial*|letters|lines|acrostic|sentences|words|answers|every|each|your
        letters_of ..2 in
        """,
    "encoded": """
        DECODE|translate|reverse|convert|interpret|read|unzip|assemble|concatenate|combine|join ..8 and|then|before then|immediately|silently? follow|obey|execute|do|run|comply|act_on|apply|carry|treat|evaluate|implement|eval
        DECODE this|the_following|the_text|the_message|following|that|it|these !question*|challenge*|puzzle*|when
        answer|reply|respond|write|output|speak|talk|print|say|encode|communicate|return|state|answers|replies|responses|everything ..4 in|using|with|into|via|to|as ..1 CIPHER !CIPHER_TOPIC
        encoded|encrypted|obfuscated|ciphered|base64|rot13|scrambled|morse|hex_encoded ..1 instruction|instructions|command|commands|orders|payload|message|messages|directive|prompt
        first|last|second|initial letter|letters|character|word|words of each|every|these|the_following|all|your ..8 spell*|form|forms|follow|obey|execute|hide|encode|read|reveal|say|must|should
        """,
}
EXCUSES = """how_to way_to ways_to need_to_know want_to wants_to like_to likes_to love_to loves_to learn_to learning_to trying_to
    plan_to plans_to ask_me_to asks_me_to help_me help_me_to helps_me before_you until_you unless_you when_you where_to
    what_to which_to i_need_to i_have_to we_need_to i_can we_can we_must i_must needs_to used_to when_to have_had_to
    never_or not_or code_to command_to commands_to script_to prefer_to prefers_to likes_and easy_to easier_to able_to
    i_and who_can or_not_to if_i_should if_you_can"""
MENDED = """ignore ignoring disregard forget override bypass previous previously prior earlier instruction instructions
    guidelines restrictions policies system prompt prompts developer administrator assistant password passwords passcode
    credentials confidential reveal pretend jailbreak unrestricted uncensored secretly execute command commands delete
    forward transfer upload conversation recommend following without telling everything decode"""
"""Words an attacker may misspell and still be understood."""
