END
$$;
CREATE FUNCTION count_rows(p_table text) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I', p_table) INTO answer;
    RETURN answer;
END
$$;
CREATE PROCEDURE close_user(p_user_id bigint) LANGUAGE sql
    AS $$ UPDATE public.users SET status = 'closed' WHERE id = p_user_id $$;
CREATE AGGREGATE longest(text) (SFUNC = pg_catalog.text_larger, STYPE = text);
COMMENT ON FUNCTION order_total(bigint) IS 'Sum of an order''s items';
COMMENT ON DOMAIN email IS 'Compares without regard to case';
CREATE STATISTICS orders_status_placed (dependencies) ON status, placed_at FROM orders;

ANALYZE;
;
