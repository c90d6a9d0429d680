UPDATE users SET referred_by = id / 2 WHERE id % 4 = 0;

INSERT INTO addresses (user_id, label, street, city, country, location, valid, is_default)
SELECT id, CASE k WHEN 1 THEN 'home' ELSE 'work' END,
       E'Straße ' || id || E'\n' || k || '. Stock', (ARRAY['Köln','São Paulo','Łódź','東京'])[1 + id % 4],
       (ARRAY['DE','BR','PL','JP'])[1 + id % 4],
       CASE WHEN id % 3 <> 0 THEN point(id % 180, k * 11.5) END,
       daterange(date '2020-01-01' + (id % 900)::integer, CASE id % 6 WHEN 0 THEN 'infinity'::date END), k = 1
FROM users, generate_series(1, 2) AS k WHERE k = 1 OR id % 2 = 0;

INSERT INTO categories (id, parent_id, name, "Sort Order")
SELECT n, CASE WHEN n > 4 THEN 1 + n % 4 END, 'Category ' || n, n * 10 % 7 FROM generate_series(1, 24) AS n;

INSERT INTO products (sku, name, description, category_id, price, cost, list_price, attributes, raw_feed, weight,
                      dimensions, launched_on)
SELECT 'SKU-' || lpad(n::text, 6, '0'),
       (ARRAY['Bone','Jaw','Tooth','Chew','Leash','Bowl'])[1 + n % 6] || ' '
           || (ARRAY['classic','deluxe','mini','travel','winter'])[1 + n / 6 % 5] || ' ' || n,
       CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN ''
           ELSE 'Durable running chews for walking dogs, batch ' || md5(n::text) END,
       1 + n % 24, (n * 37 % 9973) / 100.0 + 5, (n * 11 % 499) / 100.0,
       CASE WHEN n % 4 <> 0 THEN ROW((n * 41 % 9973) / 100.0 + 5, 'EUR')::price_tag END,
       CASE n % 9 WHEN 0 THEN NULL WHEN 1 THEN 'null'::jsonb
           ELSE jsonb_build_object('color', CASE n % 2 WHEN 0 THEN 'red' ELSE 'blue' END, 'sizes', ARRAY[n % 5, n % 7]) END,
       CASE n % 3 WHEN 0 THEN ('{"b":1,  "a": [1.50, 2e3], "a": "twice ' || n || '"}')::json END,
       (n % 1000) / 7.0::real, ARRAY[n / 3.0, n / 7.0, 1e-300]::float8[],
       date '2019-01-01' + n % 2000
FROM generate_series(1, 60 * current_setting('coalesce.scale')::integer) AS n;
