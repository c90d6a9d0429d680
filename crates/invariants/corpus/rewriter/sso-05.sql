CREATE MATERIALIZED VIEW logins_by_day AS
    SELECT date_trunc('day', started_at, 'UTC') AS day, count(*) AS logins FROM sessions GROUP BY 1;
CREATE UNIQUE INDEX idx_logins_by_day ON logins_by_day (day);

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := timestamptz '2031-12-31 00:00+00';
    RETURN NEW;
END
$$;
CREATE FUNCTION lock_after_failures() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF NEW.failed_logins > 5 AND NEW.status = 'active'::public.user_status THEN
        NEW.status := 'locked';
        INSERT INTO audit_log (actor, happened) VALUES (NEW.id, 'locked ' || NEW.email);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER users_lock BEFORE UPDATE OF failed_logins ON users FOR EACH ROW EXECUTE FUNCTION lock_after_failures();

CREATE FUNCTION has_permission(p_email text, p_resource text, p_action text) RETURNS boolean
    LANGUAGE sql STABLE AS $$
        SELECT EXISTS (
            SELECT FROM public.effective_permissions AS e JOIN public.users AS u ON u.id = e.user_id
            WHERE u.email = p_email::public.citext AND e.resource = p_resource AND p_action = ANY (e.actions))
    $$;
