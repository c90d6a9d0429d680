CREATE FUNCTION cte() RETURNS SETOF int LANGUAGE sql STABLE AS $$
    WITH users AS (SELECT user_id AS id FROM orders), tickets AS (SELECT 1) SELECT DISTINCT users.id FROM users ORDER BY 1 $$;
CREATE FUNCTION atomic(wanted mood) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT count(*) FROM users JOIN left_wing.cages ON cages.number = users.id WHERE users.mood = wanted; END;
CREATE FUNCTION returned(id int) RETURNS text LANGUAGE sql STABLE RETURN (SELECT users.name FROM public.users WHERE users.id = returned.id);
CREATE FUNCTION old_path() RETURNS bigint LANGUAGE plpgsql SET search_path = left_wing, public SET work_mem = '8MB' AS $$
BEGIN RETURN (SELECT count(*) FROM cages) + (SELECT count(*) FROM users); END $$;
CREATE FUNCTION secure(who int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $$
BEGIN RETURN (SELECT u.name FROM users AS u WHERE u.id = who); END $$;
CREATE FUNCTION secure_and_empty() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    SELECT count(*) FROM public.users JOIN left_wing.cages ON public.users.id = left_wing.cages.number $$;
CREATE FUNCTION variables_like_tables() RETURNS text LANGUAGE plpgsql AS $$
DECLARE orders int := 0; users users%ROWTYPE; kind users.mood%TYPE; place place; tickets public.orders.total%TYPE;
