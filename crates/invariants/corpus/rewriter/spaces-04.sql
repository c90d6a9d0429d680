CREATE UNIQUE INDEX idx_revenue_plan ON billing.revenue (plan);

CREATE FUNCTION bump_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    NEW.updated_at := '2032-02-29 12:00+00';
    RETURN NEW;
END
$$;
CREATE FUNCTION billing.update_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE billing.invoices AS i
    SET total = (SELECT coalesce(sum(l.cents), 0) FROM billing.invoice_lines AS l WHERE l.invoice_id = i.id)
    WHERE i.id = NEW.invoice_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER documents_revision BEFORE UPDATE OF body, title ON documents
    FOR EACH ROW EXECUTE FUNCTION bump_revision();
CREATE TRIGGER invoice_lines_total AFTER INSERT OR UPDATE ON billing.invoice_lines
    FOR EACH ROW EXECUTE FUNCTION billing.update_total();

CREATE FUNCTION billing.balance(p_slug text) RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
    invoice billing.invoices%ROWTYPE;
    owed numeric := 0;
BEGIN
    FOR invoice IN SELECT i.* FROM billing.invoices AS i JOIN public.workspaces AS w ON w.id = i.workspace_id
                   WHERE w.slug = p_slug AND NOT i.paid LOOP
        owed := owed + invoice.total;
    END LOOP;
    RETURN owed;
