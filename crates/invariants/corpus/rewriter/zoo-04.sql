CREATE OPERATOR CLASS right_wing.backwards FOR TYPE int USING btree AS
    OPERATOR 1 > , OPERATOR 2 >= , OPERATOR 3 = , OPERATOR 4 <= , OPERATOR 5 < , FUNCTION 1 public.backwards(int, int);
CREATE INDEX users_backwards ON users (users right_wing.backwards);
CREATE FUNCTION add_place(state int, p place) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + (p).cage';
CREATE AGGREGATE left_wing.sum_of_cages(place) (SFUNC = public.add_place, STYPE = int, INITCOND = '0');
CREATE FUNCTION length(p place) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.length((p).wing)';
CREATE COLLATION left_wing.plain (provider = libc, locale = 'C');
CREATE CONVERSION right_wing.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY left_wing.words (TEMPLATE = pg_catalog.simple, STOPWORDS = 'english');
CREATE TEXT SEARCH CONFIGURATION search (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION search ALTER MAPPING FOR asciiword WITH left_wing.words;
ALTER TABLE users ADD search tsvector;
CREATE INDEX users_search ON users USING gin (to_tsvector('public.search'::regconfig, public));
CREATE INDEX users_alike ON users USING gin (public gin_trgm_ops) WHERE mood <> 'wild'::mood;
