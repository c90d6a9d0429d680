-- The zoo's routines, triggers, policies and rules, its rows, and a comment on everything. Bodies name things
-- without a schema, as people write them.

CREATE FUNCTION everybody() RETURNS SETOF users LANGUAGE sql STABLE AS 'SELECT * FROM users ORDER BY id';
CREATE FUNCTION whole() RETURNS SETOF orders LANGUAGE sql STABLE AS 'SELECT orders FROM orders ORDER BY orders.id';
CREATE FUNCTION column_before_row() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT users FROM users ORDER BY users.id';
CREATE FUNCTION as_json() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT (row_to_json(orders) ->> 'total') || (orders).id FROM orders WHERE orders IS NOT NULL ORDER BY orders.id $$;
CREATE FUNCTION names_of(users users) RETURNS text LANGUAGE sql STABLE AS $$ SELECT users.name || ' of public.users' $$;
CREATE FUNCTION order_total(user_id int DEFAULT 1, kind mood DEFAULT 'calm'::mood) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(orders.total), 0) FROM orders JOIN users ON orders.user_id = users.id
    WHERE users.id = order_total.user_id AND users.mood = kind $$;
CREATE FUNCTION called_without_schema() RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT order_total(user_id => 1) + order_total() + length('abc') + public.length(ROW('left', 1)::place) $$;
