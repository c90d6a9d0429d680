INSERT INTO awkward (id, label, bytes, numbers, nested, document, documentb, key, flags, network, during, gaps, letter, padded)
VALUES
    (50, 'values', '\x00ff5c22270a0d', '{1,NULL,-3}', '{{a,"b c"},{"d\"e","f\\g"}}', '{"a":1,"a":2,  "n":null}',
        '{"a": [1, 2.50, {"b": null}], "é": "\u0001"}', '00000000-0000-0000-0000-0000000000ff', B'1011', '10.0.0.0/8',
        '["2024-01-01 00:00+00","2024-02-01 00:00+00")', '{[1,3),[5,)}', 'x', 'ab'),
    (51, 'empties', '', '{}', '{}', '[]', '{}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '', '::/0', 'empty', '{}', '', ''),
    (52, 'bounds', '\x5c2e', '[0:2]={7,8,9}', '[-1:0]={NULL,"NULL"}', '""', '"\\."', NULL, B'0', '2001:db8::/32', '(,)',
        '{(,)}', '\', 'ab  '),
    (53, 'lone values', '\x0a', '{{1,2},{3,4}}', '{""}', 'null', 'null', NULL, NULL, NULL,
        '(,infinity]', '{[-5,-4)}', '\377', '      ');
INSERT INTO "Mixed Case" VALUES (1, 'SELECT', 'it''s', 180), (2, NULL, '', NULL);

INSERT INTO audit_log (table_name, action, row_key, old_row, new_row, changed_at)
SELECT 'orders', 'INSERT', id::text, NULL, jsonb_build_object('status', status), timestamptz '2024-06-01 00:00+00' + id * interval '1 s'
FROM orders WHERE id % 10 = 0 ORDER BY id;
