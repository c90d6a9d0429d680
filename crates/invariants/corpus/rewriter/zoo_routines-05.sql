END $$;
CREATE TRIGGER orders AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION on_orders();
CREATE FUNCTION on_cages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (what) SELECT 'cage ' || users.label || ' was ' || orders.label FROM users JOIN orders ON orders.number = users.number;
    RETURN NULL;
END $$;
CREATE TRIGGER like_tables AFTER UPDATE ON left_wing.cages REFERENCING NEW TABLE AS users OLD TABLE AS orders
    FOR EACH STATEMENT EXECUTE FUNCTION on_cages();
CREATE TRIGGER search BEFORE INSERT OR UPDATE ON users FOR EACH ROW
    EXECUTE FUNCTION tsvector_update_trigger(search, 'public.search', public);
CREATE FUNCTION checked_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NOT EXISTS (SELECT FROM users WHERE id = new.user_id) THEN RAISE 'no user'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION checked_late();
CREATE RULE no_delete AS ON DELETE TO left_wing.cages WHERE old.number = 1 DO INSTEAD INSERT INTO log (what) VALUES ('kept ' || old.label);
CREATE RULE through AS ON INSERT TO listing DO INSTEAD INSERT INTO orders (user_id, total) VALUES (new.id, new.total);
