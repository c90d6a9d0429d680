CREATE FUNCTION overloaded(a int) RETURNS text LANGUAGE sql AS $$ SELECT 'int' FROM users LIMIT 1 $$;
CREATE FUNCTION overloaded(a users) RETURNS text LANGUAGE sql AS $$ SELECT 'users'::text $$;
CREATE PROCEDURE in_steps() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (what) VALUES ('step'); COMMIT; END $$;
CREATE PROCEDURE rename_one(INOUT who int, new_name citext) LANGUAGE plpgsql AS $$
BEGIN UPDATE users SET name = new_name WHERE id = who; CALL note('renamed ' || who); END $$;
CREATE PROCEDURE note(what text) LANGUAGE sql AS $$ INSERT INTO log (what) VALUES (note.what) $$;

CREATE FUNCTION left_wing.on_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.log (what) VALUES (TG_OP || ' ' || new.name || ' ' || TG_ARGV[0]);
    new.weight := coalesce(new.weight, 1);
    RETURN new;
END $$;
CREATE TRIGGER users BEFORE INSERT OR UPDATE OF name ON users FOR EACH ROW WHEN (new.mood <> 'wild'::mood)
    EXECUTE FUNCTION left_wing.on_user('public.users');
CREATE FUNCTION on_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (what) SELECT 'order of ' || users.name FROM fresh JOIN users ON users.id = fresh.user_id ORDER BY fresh.id;
    RETURN NULL;
