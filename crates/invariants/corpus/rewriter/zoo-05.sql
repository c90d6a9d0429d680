CREATE INDEX users_sorted ON users (public COLLATE left_wing.plain DESC, public.length(spot));
CREATE STATISTICS left_wing.of_users (ndistinct, dependencies) ON mood, users FROM users;

-- Views: names without aliases, aliases called like schemas and tables, CTEs, whole rows.
CREATE VIEW listing AS SELECT users.id, users.name, users.public, users.users, orders.total FROM users, orders
    WHERE orders.user_id = users.id;
CREATE VIEW bosses AS SELECT users.name, boss.name AS boss FROM users JOIN users boss ON boss.id = users.users;
CREATE VIEW alias_like_schema AS SELECT public.id, public.public, left_wing.label FROM users public
    JOIN left_wing.cages left_wing ON left_wing.number = public.id;
CREATE VIEW cte_like_table AS WITH users AS (SELECT o.user_id AS id, sum(o.total) AS total FROM orders o GROUP BY 1),
    RECURSIVE_orders AS (SELECT 1 AS n) SELECT users.id, users.total, p.name FROM users JOIN public.users p ON p.id = users.id;
CREATE VIEW whole_rows AS SELECT orders AS whole, (users.*)::text AS shown, (users.spot).wing, row_to_json(orders) AS orders
    FROM users LEFT JOIN orders ON orders.user_id = users.id AND orders.id = (SELECT min(orders.id) FROM orders WHERE user_id = users.id);
