END
$$;
CREATE FUNCTION ancestors(p_id bigint) RETURNS TABLE (id bigint, title text) LANGUAGE sql STABLE
    SET search_path TO 'public' AS $$
        WITH RECURSIVE up AS (
            SELECT d.id, d.parent_id, d.title FROM documents AS d WHERE d.id = p_id
            UNION ALL
            SELECT d.id, d.parent_id, d.title FROM documents AS d JOIN up ON d.id = up.parent_id)
        SELECT up.id, up.title FROM up ORDER BY up.id
    $$;
CREATE FUNCTION paid_invoices(p_plan billing.plan) RETURNS bigint LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT count(*) FROM billing.invoices WHERE plan = p_plan AND paid;
    END;
COMMENT ON FUNCTION billing.balance(text) IS 'Cents owed by one workspace';
COMMENT ON TABLE billing IS 'A table called like a schema';

ANALYZE;
;
