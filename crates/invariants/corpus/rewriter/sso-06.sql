CREATE FUNCTION verify_token(p_session uuid, p_text text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT coalesce(bool_or(secret = digest(p_text, 'sha256')), false) FROM tokens WHERE session_id = p_session
    $$;
CREATE FUNCTION sessions_of(p_email citext) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT count(*) FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE u.email = p_email;
    END;

ANALYZE;
;
