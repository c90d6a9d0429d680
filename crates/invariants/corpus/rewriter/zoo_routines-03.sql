END $$;
CREATE FUNCTION failing() RETURNS text LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
    INSERT INTO users (name) SELECT name FROM users LIMIT 1;
    RETURN 'not reached';
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
    RETURN broken;
END $$;
CREATE FUNCTION sequences() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('tickets'), nextval('public.tickets'), setval('tickets', 500);
    RETURN currval('tickets') || ' ' || (pg_get_serial_sequence('orders', 'id')::regclass = 'orders_id_seq'::regclass)
        || ' ' || (to_regclass('users') IS NOT NULL);
END $$;
CREATE FUNCTION privileges() RETURNS bool LANGUAGE sql AS $$
    SELECT has_table_privilege('left_wing.cages', 'SELECT') AND has_table_privilege('users', 'UPDATE')
        AND has_schema_privilege('left_wing', 'USAGE') AND has_sequence_privilege('public.tickets', 'USAGE')
        AND has_column_privilege('public.users', 'public', 'SELECT') AND has_type_privilege('public.mood', 'USAGE')
        AND has_function_privilege('public.order_total(int, mood)', 'EXECUTE') $$;
CREATE FUNCTION many(VARIADIC these orders[]) RETURNS TABLE (users int, public numeric) LANGUAGE sql AS $$
    SELECT o.id, o.total FROM unnest(these) AS o $$;
