CREATE UNIQUE INDEX idx_product_sales_product ON product_sales (product_id);
CREATE MATERIALIZED VIEW best_sellers AS
    SELECT product_id, name, sold FROM product_sales ORDER BY sold DESC, product_id LIMIT 20;
CREATE MATERIALIZED VIEW unpopulated_report AS SELECT count(*) AS users FROM users WITH NO DATA;
COMMENT ON VIEW customer_value IS 'What each customer brought in; reads order_totals';
COMMENT ON MATERIALIZED VIEW product_sales IS 'Refreshed at night';

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := timestamptz '2030-01-01 00:00+00';
    RETURN NEW;
END
$$;
CREATE FUNCTION write_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry public.audit_log%ROWTYPE;
BEGIN
    entry.table_name := TG_TABLE_NAME;
    entry.action := TG_OP;
    IF TG_OP <> 'INSERT' THEN entry.old_row := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN entry.new_row := to_jsonb(NEW); END IF;
    INSERT INTO public.audit_log (table_name, action, row_key, old_row, new_row)
    VALUES (entry.table_name, entry.action, coalesce(entry.new_row, entry.old_row) ->> 'id', entry.old_row, entry.new_row);
    RETURN NULL;
END
$$;
CREATE FUNCTION count_new_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (table_name, action, row_key)
    SELECT 'order_items', 'BATCH', count(*)::text FROM added;
    RETURN NULL;
