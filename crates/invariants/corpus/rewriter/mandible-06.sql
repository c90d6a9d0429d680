
INSERT INTO promotions (id, title, runs, discount, is_global)
SELECT n, 'Promotion ' || n, daterange(date '2024-01-01' + n * 14, date '2024-01-01' + n * 14 + 14),
       (n % 10) / 20.0, n % 3 <> 0
FROM generate_series(1, 40) AS n;

INSERT INTO orders (user_id, address_id, status, placed_at, ship_after, note, details, updated_at)
SELECT u.id, a.id, s.status,
       CASE WHEN s.status <> 'draft' THEN timestamptz '2024-01-01 00:00+00' + n * interval '13 minutes 7 seconds' END,
       CASE n % 4 WHEN 0 THEN interval '1 mon -3 days 04:05:06.789' WHEN 1 THEN interval '-2 days' END,
       CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'ring\ttwice\r\nthen wait'
           WHEN 3 THEN '\.' WHEN 4 THEN 'leave at "No. ' || n || '"' ELSE 'C:\temp\new' END,
       jsonb_build_object('channel', CASE n % 3 WHEN 0 THEN 'web' WHEN 1 THEN 'phone' ELSE 'shop' END, 'seq', n),
       NULL
FROM generate_series(1, 450 * current_setting('coalesce.scale')::integer) AS n
CROSS JOIN LATERAL (SELECT (enum_range(NULL::order_status))[1 + (n * 7 + n / 5) % 6] AS status) AS s
JOIN users AS u ON u.id = 1 + (n * 31) % (120 * current_setting('coalesce.scale')::integer)
LEFT JOIN addresses AS a ON a.user_id = u.id AND a.is_default
ORDER BY n;
