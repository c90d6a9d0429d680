COMMENT ON PROCEDURE changes IS 'a procedure'; COMMENT ON ROUTINE costly IS 'a routine';
CREATE FUNCTION planned(internal) RETURNS internal LANGUAGE internal AS 'generate_series_int4_support';
CREATE FUNCTION supported(a int) RETURNS SETOF int LANGUAGE sql SUPPORT planned AS 'SELECT a';
CREATE AGGREGATE moving(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int,
    MINITCOND = '0', COMBINEFUNC = int4pl, PARALLEL = SAFE);
CREATE AGGREGATE side.ordered(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_WRITE);
CREATE AGGREGATE hypothetical(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal,
    FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE least_of(int) (SFUNC = int4smaller, STYPE = int, SORTOP = <);
CREATE FUNCTION same(a int, b text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT a::text = b';
CREATE FUNCTION same(a text, b int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT a = b::text';
CREATE OPERATOR side.=== (LEFTARG = int, RIGHTARG = text, FUNCTION = same, COMMUTATOR = OPERATOR(side.===), NEGATOR = OPERATOR(side.!==),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
