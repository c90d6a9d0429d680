CREATE TABLE names_of_sixty_three_bytes_are_the_longest_ones_that_are_stored (id serial PRIMARY KEY, t text);
CREATE TABLE "ein_Käfig_für_Löwen_Bären_Störche_Frösche_und_Mööööö" (id int PRIMARY KEY);
CREATE TABLE u$ers (id int PRIMARY KEY, _x$ int);
CREATE VIEW "Odd.""names"""."view of ""all""" AS SELECT c."select", d."public.users", t."and
two", "table"."user", "شجرة"."עלה", "🦊 den"."naïve" FROM "Odd.""names"""."Upper Case" c
    JOIN "Odd.""names"""."dots.in.names" d ON d.id = c."select" JOIN "Odd.""names"""."two
lines" t USING (id) JOIN "table" ON "table"."order" = c."select"
    JOIN "شجرة" ON "شجرة"."ورقة" = c."select" JOIN "🦊 den" ON "🦊 den"."🐾" = c."select";

-- Operators, casts, aggregates, and what indexes are made of.
CREATE FUNCTION place_text(p place) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT (p).wing || '/' || (p).cage $$;
CREATE CAST (place AS text) WITH FUNCTION place_text(place) AS ASSIGNMENT;
CREATE FUNCTION near(a place, b place) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT (a).wing = (b).wing';
CREATE OPERATOR left_wing.=~= (LEFTARG = place, RIGHTARG = place, FUNCTION = near, COMMUTATOR = OPERATOR(left_wing.=~=));
CREATE FUNCTION backwards(a int, b int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.btint4cmp(b, a)';
