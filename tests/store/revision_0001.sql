BEGIN TRANSACTION;
CREATE TABLE popi_profiles (
	namespace VARCHAR(255) NOT NULL, 
	user_id VARCHAR(255) NOT NULL, 
	sequence INTEGER NOT NULL, 
	seen INTEGER NOT NULL, 
	epoch BIGINT NOT NULL, 
	signal_count INTEGER NOT NULL, 
	last_version INTEGER NOT NULL, 
	inferred_version INTEGER, 
	pinned_version INTEGER, 
	first_unseen_at BIGINT, 
	last_observed_at BIGINT, 
	PRIMARY KEY (namespace, user_id)
)
 WITHOUT ROWID

;
INSERT INTO "popi_profiles" VALUES('shop','ada',3,2,1767268800000001,3,2,1,2,1795248429193381,1795248429193381);
INSERT INTO "popi_profiles" VALUES('shop','bob',1,0,1767268800000000,1,0,NULL,NULL,1795248429201350,1795248429201350);
CREATE TABLE popi_revision (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT popi_revision_pkc PRIMARY KEY (version_num)
);
INSERT INTO "popi_revision" VALUES('0001');
CREATE TABLE popi_signals (
	namespace VARCHAR(255) NOT NULL, 
	user_id VARCHAR(255) NOT NULL, 
	signal_id VARCHAR(200) NOT NULL, 
	sequence INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	at BIGINT, 
	observed_at BIGINT NOT NULL, 
	source VARCHAR(20) NOT NULL, 
	allow_training BOOLEAN NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (namespace, user_id, signal_id)
);
INSERT INTO "popi_signals" VALUES('shop','ada','2bd18edd6263ff42b97943e0',1,'preference_pair',NULL,1795248429169659,'user',false,'{"id":"2bd18edd6263ff42b97943e0","source":"user","allow_training":false,"kind":"preference_pair","prompt":"Why?","chosen":"Because.","rejected":"It is a long story."}');
INSERT INTO "popi_signals" VALUES('shop','ada','mine',2,'statement',NULL,1795248429169659,'untrusted',true,'{"id":"mine","source":"untrusted","allow_training":true,"kind":"statement","text":"Short, please \ud83e\udd9c."}');
INSERT INTO "popi_signals" VALUES('shop','ada','e18551f5653e2d0262ff63df',3,'persona',NULL,1795248429193381,'user',false,'{"id":"e18551f5653e2d0262ff63df","source":"user","allow_training":false,"kind":"persona","attributes":{"language":"French"},"text":null}');
INSERT INTO "popi_signals" VALUES('shop','bob','af4d8820770db3fe04f0b1b0',1,'rating',NULL,1795248429201350,'user',false,'{"id":"af4d8820770db3fe04f0b1b0","source":"user","allow_training":false,"kind":"rating","prompt":"Hi","response":"Hello!","score":-0.5,"reason":null}');
CREATE TABLE popi_summaries (
	namespace VARCHAR(255) NOT NULL, 
	user_id VARCHAR(255) NOT NULL, 
	version INTEGER NOT NULL, 
	pinned BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (namespace, user_id, version)
);
INSERT INTO "popi_summaries" VALUES('shop','ada',1,false,1795248429183920,'{"clauses":[["Keep answers short.",["mine"],0.75,"length"],["Use lists.",[],1.0,""]],"signal_ids":["mine"],"tokens":7,"raw_tokens":70,"model":"contrast","removed":{"url":1},"estimated":true}');
INSERT INTO "popi_summaries" VALUES('shop','ada',2,true,1795248429196155,'{"clauses":[["Be kind.",[],1.0,""]],"signal_ids":[],"tokens":0,"raw_tokens":0,"model":"person","removed":{},"estimated":false}');
COMMIT;
