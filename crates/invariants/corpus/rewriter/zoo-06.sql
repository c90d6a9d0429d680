CREATE VIEW laterals AS SELECT users.name, o.* FROM users, LATERAL (SELECT count(*) AS n, max(orders.total) AS users FROM orders
    WHERE orders.user_id = users.id) o;
CREATE VIEW users.users_view AS SELECT users.users.id, users.users.users, p.id AS person FROM users.users JOIN public.users p ON p.id = users.users.id;
CREATE VIEW literals AS SELECT 'public.users' AS text, 'public.users'::regclass AS class, 'public.mood'::regtype AS type,
    'near(place,place)'::regprocedure AS proc, 'users'::regnamespace AS schema, 'left_wing.=~=(place,place)'::regoperator AS op,
    'wild'::mood AS mood, ARRAY['calm']::mood[] AS moods;
CREATE VIEW operated AS SELECT u.id, u.spot OPERATOR(left_wing.=~=) ROW('left', 1)::place AS near, u.spot::text AS shown,
    left_wing.span(1, u.id) AS span, stay('2025-01-01', '2025-02-01') && u.seen AS january, similarity(u.public, 'users') > 0 AS alike,
    u.name = 'ADA' AS is_ada, public.length(u.spot) AS own, length(u.public) AS builtin FROM users u ORDER BY u.public COLLATE left_wing.plain;
CREATE VIEW cages AS SELECT * FROM left_wing.cages UNION ALL SELECT number, label, NULL FROM right_wing.cages ORDER BY label, number;
CREATE MATERIALIZED VIEW totals AS SELECT users.name, sum(orders.total) AS total, left_wing.sum_of_cages(users.spot) AS cages
    FROM users JOIN orders ON orders.user_id = users.id GROUP BY users.name;
