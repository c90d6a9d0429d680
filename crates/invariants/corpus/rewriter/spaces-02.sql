INSERT INTO members (workspace_id, email, role, joined_on)
SELECT 1 + n % (20 * current_setting('coalesce.scale')::integer), 'member' || n || '@spaces.example',
       (enum_range(NULL::member_role))[1 + n % 3], date '2022-01-01' + n % 1000
FROM generate_series(1, 150 * current_setting('coalesce.scale')::integer) AS n;
INSERT INTO documents (workspace_id, parent_id, title, body, draft, revision)
SELECT 1 + n % (20 * current_setting('coalesce.scale')::integer), CASE WHEN n > 10 THEN n / 3 END,
       'Document ' || n || ' ' || substr(md5(n::text), 1, 8),
       jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object('t', 'p', 'x', repeat(md5(n::text), 1 + n % 4)), n, NULL)),
       CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'# Draft\n\n\ttab, "quote", \\ and \\.\n' || n END, 1 + n % 9
FROM generate_series(1, 300 * current_setting('coalesce.scale')::integer) AS n;
INSERT INTO spaces SELECT n, n, 'Room ' || n FROM generate_series(1, 20) AS n;
INSERT INTO billing VALUES (1, 'public.billing is a table'), (2, 'billing.invoices is in a schema');
INSERT INTO billing.billing VALUES (1, 'public'), (2, NULL), (3, '');
INSERT INTO billing.invoices (workspace_id, plan, issued_on, total, paid, memo)
SELECT 1 + n % (20 * current_setting('coalesce.scale')::integer), (enum_range(NULL::billing.plan))[2 + n % 2],
       date '2023-01-31' + n % 700, n * 1999 % 100003, n % 4 <> 0, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'memo ' || n END
FROM generate_series(1, 120 * current_setting('coalesce.scale')::integer) AS n;
