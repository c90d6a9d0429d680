BEGIN
    SELECT count(*) INTO orders FROM orders;
    SELECT * INTO users FROM users ORDER BY id LIMIT 1;
    SELECT users.mood INTO kind;
    place := ROW('left', orders)::place;
    tickets := 1.5;
    RETURN concat_ws(' ', orders, users.name, kind, place.wing, place.cage, tickets, 'users', 'public.orders');
END $$;
CREATE FUNCTION loops() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE walk CURSOR (least int) FOR SELECT users.id, users.name FROM users WHERE users.id >= least ORDER BY users.id;
    users record; one orders; all_orders orders[];
BEGIN
    FOR users IN SELECT * FROM users ORDER BY id LOOP RETURN NEXT users.name; END LOOP;
    FOR users IN walk(2) LOOP RETURN NEXT users.id::text; END LOOP;
    FOR one IN SELECT * FROM orders ORDER BY id LOOP all_orders := all_orders || one; END LOOP;
    FOREACH one IN ARRAY all_orders LOOP RETURN NEXT one.total::text; END LOOP;
    <<users>> FOR i IN 1..2 LOOP EXIT users WHEN i = 2; RETURN NEXT i::text; END LOOP;
    RETURN QUERY SELECT u.name::text FROM users AS u ORDER BY u.id;
END $$;
CREATE FUNCTION upserts(called citext) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n int; id users.id%TYPE;
BEGIN
    INSERT INTO users (name) VALUES (called) ON CONFLICT ON CONSTRAINT users_name_key
        DO UPDATE SET public = users.public || '!', mood = excluded.mood RETURNING users.id INTO id;
    UPDATE users SET users = boss.id FROM users AS boss, orders WHERE users.name = called AND boss.id = orders.user_id AND boss.id = 1;
    GET DIAGNOSTICS n = ROW_COUNT;
    DELETE FROM orders USING users WHERE orders.user_id = users.id AND users.name = called AND orders.total < 0;
    RETURN n || ' ' || (SELECT users.public || coalesce(users.users, 0) FROM users WHERE users.name = called);
