
-- Views with options, and one that is a table's way in.
CREATE VIEW checked WITH (security_barrier = true) AS SELECT id, who FROM guarded WHERE id > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW checked_twice AS SELECT id FROM checked WITH CASCADED CHECK OPTION;
ALTER VIEW checked ALTER who SET DEFAULT 'nobody';
CREATE TRIGGER instead INSTEAD OF INSERT ON checked FOR EACH ROW EXECUTE FUNCTION note();
CREATE RECURSIVE VIEW counted (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counted WHERE n < 5;
CREATE MATERIALIZED VIEW side.stored WITH (fillfactor = 60) AS SELECT k, count(*) AS n FROM tree GROUP BY k;
CREATE UNIQUE INDEX stored_k ON side.stored (k); ALTER MATERIALIZED VIEW side.stored CLUSTER ON stored_k;
ALTER MATERIALIZED VIEW side.stored ALTER n SET STATISTICS 3;
CREATE MATERIALIZED VIEW unfilled AS SELECT * FROM side.stored WITH NO DATA;
COMMENT ON MATERIALIZED VIEW unfilled IS 'and stays so';

-- Routines and what is made of them.
CREATE FUNCTION costly(a int, VARIADIC b int[] DEFAULT '{}') RETURNS SETOF int LANGUAGE sql STRICT STABLE LEAKPROOF PARALLEL SAFE
    COST 123 ROWS 7 SET work_mem = '4MB' SET DateStyle = 'ISO, DMY' AS 'SELECT a';
CREATE PROCEDURE changes(INOUT a int, OUT b text) LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN b := a::text; END $$;
