INSERT INTO tokens (session_id, secret, scopes, expires_at)
SELECT md5('session ' || n)::uuid, digest('token ' || n, 'sha256'),
       CASE n % 3 WHEN 0 THEN ARRAY['openid','email'] WHEN 1 THEN '{}' ELSE ARRAY['openid'] END,
       timestamptz '2024-04-01 00:00+00' + n * interval '91 seconds'
FROM generate_series(1, 400 * current_setting('coalesce.scale')::integer) AS n;
INSERT INTO rate_limits SELECT 'bucket:' || n, n, NULL FROM generate_series(1, 10) AS n;
INSERT INTO audit_log (actor, happened, at)
SELECT NULL, 'migration ' || n, timestamptz '2021-01-01 00:00+00' + n * interval '1 day' FROM generate_series(1, 20) AS n;

CREATE VIEW active_users AS SELECT id, email, last_seen FROM users WHERE status = 'active';
CREATE VIEW current_logins AS
    SELECT u.email, s.address, s.started_at, host(s.address) AS host
    FROM sessions AS s JOIN active_users AS u ON u.id = s.user_id WHERE s.ended_at IS NULL;
CREATE VIEW login_summary AS
    SELECT email, count(*) AS logins, max(started_at) AS latest FROM current_logins GROUP BY email;
CREATE VIEW effective_permissions AS
    SELECT ur.user_id, p.resource, array_agg(DISTINCT p.action ORDER BY p.action) AS actions
    FROM user_roles AS ur
    JOIN role_permissions AS rp USING (role_id)
    JOIN permissions AS p ON p.id = rp.permission_id
    GROUP BY ur.user_id, p.resource;
