
INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o.id, k, p.id, 1 + (o.id + k) % 5, p.price
FROM orders AS o
CROSS JOIN LATERAL generate_series(1, (1 + o.id % 3)::integer) AS k
JOIN products AS p ON p.id = 1000 + (o.id * 17 + k * 5) % (60 * current_setting('coalesce.scale')::integer);

INSERT INTO events (occurred_at, user_id, kind, payload, source_ip)
SELECT timestamptz '2023-11-15 00:00+00' + n * interval '14 hours' / current_setting('coalesce.scale')::integer,
       CASE WHEN n % 11 <> 0 THEN 1 + n % (120 * current_setting('coalesce.scale')::integer) END,
       (ARRAY['login','view','cart','logout'])[1 + n % 4],
       jsonb_build_object('n', n, 'trace', md5(n::text), 'ok', n % 2 = 0),
       CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN ('10.1.' || n % 256 || '.7/24')::inet ELSE ('2001:db8::' || n % 9999)::inet END
FROM generate_series(1, 1400 * current_setting('coalesce.scale')::integer) AS n;

INSERT INTO awkward (id, label, words) VALUES
    (1, 'null', NULL), (2, 'empty', ''), (3, 'the word NULL', 'NULL'), (4, 'backslash N', '\N'),
    (5, 'end of copy', '\.'), (6, 'end of copy in a line', E'before\n\\.\nafter'), (7, 'tab', E'a\tb'),
    (8, 'line feed', E'a\nb\n'), (9, 'carriage return', E'a\rb\r\n'), (10, 'quotes', '"a"",''b'','),
    (11, 'backslashes', '\\\'), (12, 'emoji', '🦴👩‍🔬 é é'), (13, 'right to left', 'שלום עולם'),
    (14, 'control signs', E'\x01\x7f\u200b'), (15, 'blanks', '  '), (16, 'long', repeat('0123456789', 2000)),
    (17, 'comma', ','), (18, 'dollars', '$$ $body$ $1'), (19, 'braces', '{"a","b"}'), (20, 'blank line', E'\n');
