INSERT INTO permissions (resource, action)
SELECT r, a FROM unnest(ARRAY['orders','users','documents','invoices','tokens']) AS r,
                 unnest(ARRAY['read','create','update','delete']) AS a ORDER BY r, a;
INSERT INTO role_permissions SELECT r.id, p.id FROM roles AS r JOIN permissions AS p ON p.id % r.id = 0;
INSERT INTO user_roles (user_id, role_id, granted_at, granted_until)
SELECT md5('user ' || n)::uuid, k, timestamptz '2023-01-01 00:00+00' + n * interval '1 hour',
       CASE n % 2 WHEN 0 THEN 'infinity' ELSE timestamptz '2031-01-01 00:00+00' END
FROM generate_series(1, 150 * current_setting('coalesce.scale')::integer) AS n, generate_series(1, 4) AS k
WHERE k = 1 OR n % (k * 3) = 0;
INSERT INTO sessions (id, user_id, address, device, user_agent, started_at, ended_at)
SELECT md5('session ' || n)::uuid, md5('user ' || (1 + n % (150 * current_setting('coalesce.scale')::integer)))::uuid,
       CASE n % 3 WHEN 0 THEN '::1'::inet ELSE ('192.168.' || n % 200 || '.' || n % 250)::inet END,
       CASE n % 4 WHEN 0 THEN NULL ELSE ('08:00:2b:01:02:' || lpad(to_hex(n % 256), 2, '0'))::macaddr END,
       CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'Mozilla/5.0 (X11; "Linux") Build\' || n END,
       timestamptz '2024-03-01 00:00+00' + n * interval '91 seconds',
       CASE WHEN n % 7 <> 0 THEN timestamptz '2024-03-01 00:30+00' + n * interval '92 seconds' END
FROM generate_series(1, 400 * current_setting('coalesce.scale')::integer) AS n;
