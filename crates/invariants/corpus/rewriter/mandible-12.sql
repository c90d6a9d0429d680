END
$$;
CREATE FUNCTION update_order_total() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE orders SET note = 'total set to ' || NEW.total WHERE id = OLD.order_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER orders_audit AFTER INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION write_audit();
CREATE TRIGGER orders_audit_status AFTER UPDATE OF status ON orders FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION write_audit();
CREATE TRIGGER order_items_count AFTER INSERT ON order_items REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_items();
CREATE TRIGGER order_totals_update INSTEAD OF UPDATE ON order_totals
    FOR EACH ROW EXECUTE FUNCTION update_order_total();
CREATE CONSTRAINT TRIGGER users_audit AFTER DELETE ON users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION write_audit();
ALTER TABLE orders DISABLE TRIGGER orders_audit_status;
COMMENT ON TRIGGER orders_audit ON orders IS 'Who may delete an order, must be seen';
