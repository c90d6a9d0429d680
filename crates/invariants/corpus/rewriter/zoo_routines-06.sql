CREATE FUNCTION may_see(who int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM users WHERE users.id = who)';
CREATE POLICY mine ON orders USING (may_see(user_id) AND EXISTS (SELECT FROM users WHERE users.id = orders.user_id)) WITH CHECK (total > 0);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ddl_log VALUES (TG_TAG); END $$;
CREATE FOREIGN DATA WRAPPER zoo_wrapper;
CREATE SERVER zoo_server FOREIGN DATA WRAPPER zoo_wrapper;
CREATE FOREIGN TABLE left_wing.elsewhere (id int, mood public.mood) SERVER zoo_server;
GRANT SELECT ON users, left_wing.cages TO source_reader;
GRANT USAGE ON SCHEMA left_wing TO source_reader;
GRANT EXECUTE ON FUNCTION order_total(int, mood) TO source_reader;
GRANT UPDATE (total) ON orders TO source_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA left_wing GRANT SELECT ON TABLES TO source_reader;

INSERT INTO left_wing.cages VALUES (1, 'left', 200), (2, 'left too', 150), (3, 'public.users', NULL);
INSERT INTO right_wing.cages VALUES (1, 'right', 1), (2, 'right too', NULL);
INSERT INTO users (name, users, mood, seen, spot, pets) VALUES
    ('Ada', NULL, 'calm', '[2025-01-01,2025-03-01)', ROW('left', 1), '{[1,3)}'), ('Bo', 1, 'wild', NULL, ROW('right', 2), NULL),
    ('Cy', 1, 'public.users', 'empty', NULL, '{}'), ('Di', 2, 'calm', NULL, ROW('left', 7), '{[1,2),[5,6)}');
