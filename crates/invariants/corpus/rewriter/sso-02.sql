CREATE INDEX idx_tokens_secret ON tokens USING hash (secret);
CREATE UNLOGGED TABLE rate_limits (bucket text PRIMARY KEY, hits integer NOT NULL, resets_at timestamptz);
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor uuid,
    happened text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO users (id, email, contact, password_hash, status, failed_logins, locale, last_seen, created_at)
SELECT md5('user ' || n)::uuid, 'Person.' || n || '@' || (ARRAY['One','two','THREE'])[1 + n % 3] || '.example',
       CASE n % 4 WHEN 0 THEN NULL ELSE 'contact' || n || '@mail.example' END,
       decode(md5('salt ' || n) || md5('hash ' || n), 'hex'),
       (ARRAY['invited','active','active','locked']::user_status[])[1 + n % 4], n % 6,
       CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'de-DE' END,
       CASE n % 3 WHEN 0 THEN NULL ELSE timestamptz '2025-01-01 00:00+00' - n * interval '3 minutes' END,
       timestamptz '2022-01-01 00:00+00' + n * interval '2 hours'
FROM generate_series(1, 150 * current_setting('coalesce.scale')::integer) AS n;
INSERT INTO roles (id, name, description) VALUES
    (1, 'reader', 'May look'), (2, 'writer', ''), (3, 'admin', NULL), (4, 'auditor', E'Line one\nline two\t"quoted"');
