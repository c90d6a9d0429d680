CREATE TABLE only_generated (a int GENERATED ALWAYS AS (1) STORED); INSERT INTO only_generated DEFAULT VALUES;
DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE widest (' || string_agg('c' || g || ' int', ', ') || ')' FROM generate_series(1, 1600) g); END $$;
INSERT INTO widest (c1, c800, c1600) VALUES (1, 2, 3), (NULL, NULL, NULL);

-- Row security, rules and triggers in each of their states.
CREATE TABLE guarded (id int PRIMARY KEY, who text, n int DEFAULT 0);
INSERT INTO guarded VALUES (1, 'me'), (2, 'you');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded AS PERMISSIVE FOR ALL TO PUBLIC USING (who = current_user) WITH CHECK (n < 10);
CREATE POLICY narrow ON guarded AS RESTRICTIVE FOR SELECT USING (id > 0);
CREATE POLICY adding ON guarded FOR INSERT WITH CHECK (EXISTS (SELECT FROM keys WHERE a = guarded.id));
CREATE TABLE closed (a int); ALTER TABLE closed ENABLE ROW LEVEL SECURITY; ALTER TABLE closed NO FORCE ROW LEVEL SECURITY;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER as_origin BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION note('an argument', '2');
